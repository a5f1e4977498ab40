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
from open_llm_proxy.recorder.settings import RecorderSettings
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
        found = [path for path in self.spool.glob(pattern) if path.is_file() and path.name not in skip]
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
