"""What was measured: readings by peer and round, and what the kills came to; as JSON and back."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Measured:
    """One peer's column: values by reading, a value a round; notes by reading where there are none."""

    name: str
    language: str
    version: str
    source: str
    logging: str
    key_check: str
    size_bytes: int
    values: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    absent: str = ""
    note: str = ""

    def add(self, reading: str, value: float) -> None:
        """One round's value."""
        self.values.setdefault(reading, []).append(value)

    def find(self, reading: str) -> float | None:
        """The median over the rounds; none where nothing was measured."""
        values = self.values.get(reading)
        return statistics.median(values) if values else None


@dataclass(frozen=True, slots=True)
class Kill:
    """One SIGKILL under load."""

    answered: int
    kept: int
    """Answered calls whose record was there afterwards."""


@dataclass(slots=True)
class Kills:
    """All of one peer."""

    name: str
    what: str
    bodies: str
    restarts: bool
    connections: int
    rounds: list[Kill] = field(default_factory=list[Kill])
    reason: str = ""


@dataclass(slots=True)
class Result:
    """A whole run."""

    at: str
    machine: dict[str, str]
    plan: str
    command: str
    peers: list[Measured] = field(default_factory=list[Measured])
    kills: list[Kills] = field(default_factory=list[Kills])
    direct: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    problems: list[str] = field(default_factory=list[str])

    def write(self, file: Path) -> None:
        """Keep it."""
        file.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")


def read_result(file: Path) -> Result:
    """Take a kept one.

    Raises:
        OSError: it is not there.
        ValueError, TypeError, KeyError: it is none.
    """
    fields: dict[str, Any] = json.loads(file.read_text())
    peers = [Measured(**one) for one in fields.pop("peers")]
    kills = [Kills(**one | {"rounds": [Kill(**kill) for kill in one["rounds"]]}) for one in fields.pop("kills")]
    return Result(**fields, peers=peers, kills=kills)


def find_last(folder: Path) -> Path | None:
    """The newest kept run of a folder."""
    return max(folder.glob("peers-*.json"), default=None)
