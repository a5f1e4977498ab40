"""A writer with its surroundings: counters, a clock that a test sets, the calls that are open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from open_llm_proxy.spool.directory import frames_root
from open_llm_proxy.spool.frame import Header, RequestHeader, ResponseHeader
from open_llm_proxy.spool.reader import Damage, Item, SegmentReader, Whole
from open_llm_proxy.spool.segment import SegmentName
from open_llm_proxy.spool.writer import SpoolWriter
from open_llm_proxy.telemetry.scoreboard import SLOT_COUNTERS

NOON_NS = 1_795_608_000 * 10**9  # 2026-11-25T12:00:00Z
DAY_NS = 86_400 * 10**9


def request(number: int, at_ns: int = NOON_NS, **fields: object) -> RequestHeader:
    return RequestHeader(f"{number:032x}", at_ns, "/v1/chat/completions", "p", "m", "default", **fields)  # type: ignore[arg-type]


def response(number: int, at_ns: int = NOON_NS, **fields: object) -> ResponseHeader:
    return ResponseHeader(f"{number:032x}", at_ns, "/v1/chat/completions", "p", "m", "default", **fields)  # type: ignore[arg-type]


class Rig:
    """``rig.writer`` over a spool in a fresh folder."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.counters = memoryview(bytearray(SLOT_COUNTERS * 8)).cast("Q")
        self.problems: list[str] = []
        self.open_calls: list[RequestHeader] = []
        self.now_ns = NOON_NS
        self.writers: list[SpoolWriter] = []
        self.writer = self.make_writer()

    def make_writer(
        self, *, segment_bytes: int = 1 << 26, spool_bytes: int = 1 << 30, flush_interval_s: float = 300
    ) -> SpoolWriter:
        self.writer = SpoolWriter(
            self.spool,
            worker=1,
            host="host-a",
            version="9",
            segment_bytes=segment_bytes,
            spool_bytes=spool_bytes,
            flush_interval_s=flush_interval_s,
            counters=self.counters,
            open_calls=lambda: list(self.open_calls),
            on_problem=self.problems.append,
            clock_ns=lambda: self.now_ns,
        )
        self.writers.append(self.writer)
        return self.writer

    def write(self, *frames: tuple[Header, bytes]) -> None:
        for header, body in frames:
            self.writer.append(header, (body,) if body else (), len(body))
        self.writer.commit()

    def segments(self) -> list[Path]:
        found = [path for path in frames_root(self.spool).glob("*/*") if SegmentName.parse(path.name)]
        return sorted(found)

    def names(self) -> list[str]:
        return [path.name for path in self.segments()]

    def frames(self) -> list[tuple[str, bytes]]:
        """Ids and bodies of all whole frames, in order."""
        return [(item.frame.header.request_id, item.frame.body) for path in self.segments() for item in wholes(path)]


def items(path: Path, block_bytes: int = 1 << 20) -> list[Item]:
    reader = SegmentReader(path)
    found: list[Item] = []
    try:
        while not reader.ended:
            found += reader.read(final=True, block_bytes=block_bytes)
    finally:
        reader.close()
    return found


def wholes(path: Path) -> list[Whole]:
    return [item for item in items(path) if isinstance(item, Whole)]


def damages(path: Path) -> list[Damage]:
    return [item for item in items(path) if isinstance(item, Damage)]


class Kit:
    """Functions that tests of this folder share."""

    NOON_NS = NOON_NS
    DAY_NS = DAY_NS
    request = staticmethod(request)
    response = staticmethod(response)
    items = staticmethod(items)
    wholes = staticmethod(wholes)
    damages = staticmethod(damages)


@pytest.fixture(scope="session")
def kit() -> type[Kit]:
    return Kit


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "spool")
    yield made
    for writer in made.writers:
        writer.close()
