"""A spool with writers, and the recorder's parts over it; no process, no thread that a test does not start."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from open_llm_proxy.config.snapshot import LogSettings, StoreSettings
from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.recorder.follow import Follower
from open_llm_proxy.recorder.intake import Intake, Tools
from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.recorder.progress import Place, Progress
from open_llm_proxy.recorder.rendering import Renderer
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.recorder.tally import Tally
from open_llm_proxy.spool.directory import list_directories
from open_llm_proxy.spool.frame import Header, RequestHeader, ResponseHeader
from open_llm_proxy.spool.writer import SpoolWriter
from open_llm_proxy.telemetry.scoreboard import RECORDER_SLOT, SLOT_COUNTERS, Scoreboard

NOON_NS = 1_795_608_000 * 10**9  # 2026-11-25T12:00:00Z
DAY_NS = 86_400 * 10**9
BODY = b'{"model":"m","messages":[{"role":"user","content":"question"}]}'
ANSWER = b'{"choices":[{"message":{"content":"answer"},"finish_reason":"stop"}]}'


class Kit:
    """A spool in a fresh folder: writers, settings, what is stored."""

    NOON_NS = NOON_NS
    DAY_NS = DAY_NS
    BODY = BODY
    ANSWER = ANSWER

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.logs = folder / "logs"
        self.settings = RecorderSettings(
            spool=self.spool,
            log=LogSettings(flush_interval_s=300),
            store=StoreSettings(folder=str(self.logs)),
            secrets=("known-secret-key",),
        )
        self.board, self._fd = Scoreboard.create(2)
        self.counters = self.board.slot(RECORDER_SLOT)
        self.said: list[str] = []
        self.now_ns = NOON_NS
        self.open_calls: list[RequestHeader] = []
        self.writers: list[SpoolWriter] = []

    def adapt(self, log: dict[str, Any] | None = None, **fields: Any) -> RecorderSettings:
        """Change some settings."""
        changed = msgspec.structs.replace(self.settings, **fields)
        self.settings = msgspec.structs.replace(changed, log=msgspec.structs.replace(changed.log, **(log or {})))
        return self.settings

    # --- the writing side ---

    def writer(self, *, host: str = "host-a", version: str = "9", segment_bytes: int = 1 << 26) -> SpoolWriter:
        made = SpoolWriter(
            self.spool,
            worker=1,
            host=host,
            version=version,
            segment_bytes=segment_bytes,
            spool_bytes=1 << 30,
            flush_interval_s=300,
            counters=memoryview(bytearray(SLOT_COUNTERS * 8)).cast("Q"),
            open_calls=lambda: list(self.open_calls),
            on_problem=self.said.append,
            clock_ns=lambda: self.now_ns,
        )
        self.writers.append(made)
        return made

    def request(self, number: int | str, at_ns: int = NOON_NS, **fields: Any) -> RequestHeader:
        fields.setdefault("total_bytes", len(BODY))
        return RequestHeader(str(number), at_ns, "/v1/chat/completions", "p", "m", "default", **fields)

    def response(self, number: int | str, at_ns: int = NOON_NS, **fields: Any) -> ResponseHeader:
        given = {"status": 200, "provider_status": 200, "content_type": "application/json", "total_bytes": len(ANSWER)}
        return ResponseHeader(str(number), at_ns, "/v1/chat/completions", "p", "m", "default", **{**given, **fields})

    def write(self, writer: SpoolWriter, *headers: Header) -> None:
        """Frames with their usual bodies, one turn."""
        for header in headers:
            body = BODY if isinstance(header, RequestHeader) else ANSWER
            writer.append(header, (body,), len(body))
        writer.commit()

    def die(self, writer: SpoolWriter) -> None:
        """What SIGKILL leaves: nothing is closed, the lock is free."""
        self.writers.remove(writer)
        segment, directory = writer._segment, writer._directory
        if segment is not None:
            os.close(segment.fd)
        assert directory is not None
        os.close(directory._fd)

    # --- what came of it ---

    def files(self, pattern: str = "**/*") -> list[str]:
        """Files in the spool but for locks and the like, relative."""
        skip = {"lock", "recorder.lock", "recorder.progress"}
        try:
            found = [path for path in self.spool.glob(pattern) if path.is_file() and path.name not in skip]
        except FileNotFoundError:  # a folder went while it was looked at
            return self.files(pattern)
        return sorted(str(path.relative_to(self.spool)) for path in found)

    def stored(self, root: Path | None = None) -> list[tuple[str, str]]:
        """Type and request id of all records in ``root`` (the log folder), in order."""
        lines: list[bytes] = []
        for path in sorted((root or self.logs).rglob("*.jsonl")):
            lines += path.read_bytes().splitlines()
        return [(record["type"], record.get("request_id")) for record in map(json.loads, lines)]

    def close(self) -> None:
        for writer in self.writers:
            writer.close()
        os.close(self._fd)


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    made = Kit(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], object]], None]:
    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.005)

    return wait


class Lines:
    """Stdout that keeps what it is given; ``blocked``: nobody reads."""

    def __init__(self) -> None:
        self.lines: list[bytes]
        self.lines, self.blocked = [], False

    def write(self, lines: list[bytes]) -> None:
        self.lines += lines

    def wait(self, *_: float) -> bool:
        return not self.blocked

    def ids(self) -> list[tuple[str, str]]:
        return [(record["type"], record["request_id"]) for record in map(json.loads, self.lines)]


class Watching:
    """An observer; ``fault`` is raised instead of taking what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int, str, str | None]]
        self.fault: Exception | None
        self.told, self.fault = [], None

    def observe(self, place: Place, answered: Answered) -> None:
        if self.fault is not None:
            raise self.fault
        self.told.append((place.number, place.offset, answered.header.request_id, answered.record.error))

    def forget(self, directory: str) -> None:
        raise AssertionError("the recorder's to say")


class IntakeBench:
    """One process's intake over the spool's only directory."""

    def __init__(self, kit: Kit, *, only_stdout: bool = False) -> None:
        self.watching = Watching()
        self.kit = kit
        self.said: list[str] = []
        self.stdout = Lines()
        self.outbox = Outbox(kit.spool)
        self.progress = Progress(kit.folder / "progress")
        self.renderer = Renderer(kit.settings, only_stdout=only_stdout)
        self.tally = Tally(kit.counters, self.progress, kit.settings.log, self.said.append)
        tools = Tools(
            lambda: kit.settings,
            lambda: self.renderer,
            self.outbox,
            self.stdout,
            self.progress,
            self.tally,
            self.said.append,
            (self.watching,),
        )
        (path,) = list_directories(kit.spool)
        self.intake = Intake(Follower(path, self.outbox.covered, self.said.append), tools, only_stdout=only_stdout)

    def work(self) -> bool:
        return self.intake.work(float("inf"))

    def shipped(self) -> list[tuple[str, str]]:
        return self.kit.stored(self.kit.spool / "outbox")

    def unreadable(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.kit.spool / "outbox" / "unreadable").rglob("*.txt"))]

    def killed(self) -> None:
        """The process is gone; locks are free, files are as they are."""
        for fold in self.intake._folds.values():
            for part in fold._parts:
                part.file.close()
        self.intake.follower.release()
        self.progress.close()


@pytest.fixture
def intake_bench(kit: Kit) -> Iterator[Callable[..., IntakeBench]]:
    made: list[IntakeBench] = []

    def make(**more: Any) -> IntakeBench:
        made.append(IntakeBench(kit, **more))
        return made[-1]

    yield make
    for one in made:
        one.intake.close()
