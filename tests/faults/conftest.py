"""Processes to be killed: a writer that notes what it has committed, and the recorder."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.parts.faulty_store import run_faulty_store
from tests.parts.load import answer_with_question
from tests.parts.model_upstream import run_upstream
from tests.parts.s3_server import S3Server, run_s3_server

WRITER = """
import os, random, sys, time
from pathlib import Path
from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader
from open_llm_proxy.spool.writer import SpoolWriter

spool, name, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
rng = random.Random(seed)
log = os.open(spool.parent / f"committed-{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
opened = {}
writer = SpoolWriter(
    spool, worker=1, host=sys.argv[4], version="1", segment_bytes=rng.choice([20_000, 100_000, 1 << 26]),
    spool_bytes=1 << 32, flush_interval_s=0.2, counters=memoryview(bytearray(48 * 8)).cast("Q"),
    open_calls=lambda: list(opened.values()), on_problem=lambda text: print(text, file=sys.stderr),
)
number, ticked = 0, 0.0
while True:
    committed = []
    for _ in range(rng.randrange(1, 6)):
        if opened and rng.random() < 0.5:
            header = opened.pop(rng.choice(list(opened)))
            body = b'{"choices":[{"message":{"content":"%s"},"finish_reason":"stop"}]}' % (b"a" * rng.randrange(3000))
            writer.append(
                ResponseHeader(header.request_id, time.time_ns(), *header_rest, status=200, provider_status=200,
                               content_type="application/json", total_bytes=len(body)), (body,), len(body))
            committed.append(f"response {header.request_id}")
        else:
            number += 1
            size = 300_000 if rng.random() < 0.01 else rng.randrange(3000)
            body = b'{"model":"m","messages":[{"role":"user","content":"%s"}]}' % (b"q" * size)
            header_rest = ("/v1/chat/completions", "p", "m", "default")
            header = RequestHeader(f"{name}-{number}", time.time_ns(), *header_rest, total_bytes=len(body))
            opened[header.request_id] = header
            writer.append(header, (body[:10], body[10:]), len(body))
            committed.append(f"request {header.request_id}")
    writer.commit()
    os.write(log, "".join(line + "\\n" for line in committed).encode())
    if time.monotonic() - ticked > 0.05:
        writer.tick()
        ticked = time.monotonic()
    time.sleep(0.001)
"""

RECORDER = """
import json, os, signal, sys, threading
import msgspec
from open_llm_proxy.recorder.recorder import Recorder
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.telemetry.scoreboard import Scoreboard

settings = msgspec.convert(json.loads(sys.argv[1]), RecorderSettings, dec_hook=lambda kind, text: kind(text))
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
(settings.spool.parent / f"ready-{os.getpid()}").touch()
board, _ = Scoreboard.create(1)
done = Recorder(settings, board).run(stop, grace_s=30)
sys.exit(0 if done else 3)
"""


class Stage:
    """Starts and kills; reads what was committed and what is recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spool = folder / "spool"
        self.store = {"folder": str(folder / "logs")}
        self.children: list[subprocess.Popen[bytes]] = []
        self.started = 0

    def writer(self, host: str = "host-a") -> subprocess.Popen[bytes]:
        self.started += 1
        return self._start(WRITER, str(self.spool), f"w{self.started}", str(self.started), host)

    def recorder(self, **log: object) -> subprocess.Popen[bytes]:
        settings = {
            "spool": str(self.spool),
            "store": self.store,
            "log": {"flush_interval_s": 0.3, **log},
            "segment_bytes": 20_000,
            "chunk_bytes": 150_000,
        }
        return self._start(RECORDER, json.dumps(settings))

    def _start(self, code: str, *arguments: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def kill(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()

    def finish(self, recorder: subprocess.Popen[bytes]) -> None:
        """Let the recorder end by itself; as often as it says that its time was too short for the backlog."""
        status = 3
        while status == 3:
            pid = recorder.pid
            wait_until(lambda pid=pid: (self.folder / f"ready-{pid}").exists())
            recorder.send_signal(signal.SIGTERM)
            status = recorder.wait(60)
            recorder = self.recorder()
        self.kill(recorder)
        assert status == 0

    def committed(self) -> set[tuple[str, str]]:
        """``(type, request_id)`` of each frame whose commit had returned."""
        lines: list[str] = []
        for path in self.folder.glob("committed-*"):
            lines += path.read_text().splitlines()
        return {(kind, request_id) for kind, _, request_id in (line.partition(" ") for line in lines)}

    def records(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for path in sorted((self.folder / "logs").rglob("*.jsonl")):
            data = path.read_bytes()
            assert data.endswith(b"\n")
            found += [json.loads(line) for line in data.splitlines()]
        return found

    def check(self) -> Counter[str]:
        """Each committed frame's record is there once, each request has one response; counts by error."""
        records = self.records()
        seen = Counter((record["type"], record["request_id"]) for record in records)
        assert {key: count for key, count in seen.items() if count > 1} == {}
        assert self.committed() - set(seen) == set()
        requests = {request_id for kind, request_id in seen if kind == "request"}
        assert requests == {request_id for kind, request_id in seen if kind == "response"}
        assert list(self.spool.glob("outbox/**/*.jsonl")) == []
        assert list(self.spool.glob("frames/*/*")) == []
        return Counter(str(record.get("error")) for record in records if record["type"] == "response")

    def wait_for_commits(self, count: int) -> None:
        wait_until(lambda: len(self.committed()) >= count)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    for child in made.children:
        child.kill()
        child.wait()


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with run_s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def upstream():
    with run_upstream() as running:
        running.ordinarily = answer_with_question
        yield running


@pytest.fixture
def store():
    with run_faulty_store() as running:
        yield running
