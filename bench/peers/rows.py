"""One peer's readings in one round: one start for all that a plain provider answers, one for the HTTPS provider."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.bodies import HEADERS, PATH, Script, make_request, make_stream
from bench.certificates import Certificates
from bench.machine import Cores, find_port
from bench.peers.load import hold_streams, read_streams
from bench.peers.peer import KB, Peer, Place, Running, start
from bench.peers.result import Measured
from bench.peers.sink import run_sink
from bench.peers.texts import read_plain, read_stream
from bench.peers.tree import read_cpu_ns, sum_cpu_ns, sum_memory_bytes
from bench.peers.upstream import Upstream, ask, serve_secured
from bench.processes import RigError, stopped
from bench.provider import Provider
from bench.streams import write_call
from bench.wrk import Load, Outcome, finish

MANY = 64
STREAMS = 1000
CHUNKS, CHUNK_STREAMS, PACE_MS = 200, 50, 15.0
_HELD = make_stream(90, 200)  # a chunk a second: longer than anybody holds it
_PACED = make_stream(CHUNKS, 200)
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Plan:
    """How often, and how long."""

    rounds: int
    seconds: float
    kills: int

    def __str__(self) -> str:
        return f"{self.rounds} rounds, {self.seconds:g} s a load, {self.kills} kills"


@dataclass(frozen=True, slots=True)
class Bench:
    """What every reading needs."""

    cores: Cores
    folder: Path
    program: Path  # the compiled stand-in
    certificates: Certificates
    plan: Plan

    @contextmanager
    def make_folder(self) -> Iterator[Path]:
        """A fresh folder for one start."""
        with tempfile.TemporaryDirectory(dir=self.folder, ignore_cleanup_errors=True) as name:
            yield Path(name)


def check_answer(running: Running, request: bytes, script: Script, *, is_stream: bool = False) -> None:
    """Make one call and hold its text against the provider's.

    Raises:
        RigError: it is another.
    """
    status, body = ask(running.port, PATH, request, HEADERS | dict(running.headers))
    read = read_stream if is_stream else read_plain
    if status != 200 or read(body) != read(script.body):
        raise RigError(f"answered {status}: {body[:300]!r}")


def run_load(port: int, load: Load, seconds: float, provider: Provider, *, warm_s: float = 1) -> tuple[Outcome, int]:
    """Let wrk call, after a second whose failures count for nothing; its outcome and the answers that it got."""
    with load.run(port, warm_s) as process:
        process.communicate(timeout=60)
    before = provider.count().answers
    with load.run(port, seconds) as process:
        outcome = finish(process)
    return outcome, provider.count().answers - before


def measure_direct(bench: Bench, add: Callable[[str, float], None]) -> None:
    """The load straight at the provider: what latencies are added to."""
    with bench.make_folder() as folder, Upstream(bench.program, folder).play() as provider:
        for connections in (1, MANY):
            outcome, _ = run_load(provider.port, Load(make_request(KB), connections), bench.plan.seconds, provider)
            for percent in (50, 99):
                add(f"p{percent} at {connections}", outcome.find_percentile_us(percent))


@dataclass(slots=True)
class Account:
    """CPU time of a tree and of its recorder, from here on."""

    peer: Peer
    running: Running
    tree_ns: int = 0
    recorder_ns: int = 0
    recorder: int | None = None

    def open(self) -> "Account":
        """Read the clocks, once the peer rests."""
        self.peer.settle(self.running)
        self.recorder = self.peer.find_recorder(self.running)
        self.tree_ns = sum_cpu_ns(self.running.list_processes())
        self.recorder_ns = read_cpu_ns(self.recorder) if self.recorder else 0
        return self

    def close(self, measured: Measured, reading: str, count: int) -> None:
        """Wait until all is written that is owed, and note what it cost: microseconds for each of ``count``.

        Raises:
            RigError: there is nothing to share it among.
        """
        if count <= 0:
            raise RigError("no call was answered")
        self.peer.settle(self.running)
        tree_ns = sum_cpu_ns(self.running.list_processes()) - self.tree_ns
        measured.add(reading, tree_ns / 1000 / count)
        if self.recorder:
            measured.add(f"{reading}, recorder", (read_cpu_ns(self.recorder) - self.recorder_ns) / 1000 / count)


def measure_calls(
    bench: Bench, account: Account, provider: Provider, measured: Measured, *, reading: str, size: int
) -> Outcome:
    """Many connections: what a call costs in all processes of the tree, and the latencies."""
    running = account.running
    load = Load(make_request(size), MANY, headers=running.headers)
    with load.run(running.port, 1) as process:
        process.communicate(timeout=60)
    account.open()
    before = provider.count().answers
    with load.run(running.port, bench.plan.seconds) as process:
        outcome = finish(process)
    account.close(measured, reading, provider.count().answers - before)
    measured.add(f"{reading}, calls a second", outcome.calls / (outcome.duration_us / 1e6))
    return outcome


def measure_latency(bench: Bench, peer: Peer, running: Running, provider: Provider, measured: Measured) -> None:
    """One connection. A recorder of its own is held meanwhile: it shares the load's core, and would count."""
    load = Load(make_request(KB), 1, headers=running.headers)
    recorder = peer.find_recorder(running)
    with ExitStack() as stack:
        if recorder:
            stack.enter_context(stopped(recorder))
        outcome, _ = run_load(running.port, load, bench.plan.seconds, provider)
    note_latencies(measured, outcome, 1)


def note_latencies(measured: Measured, outcome: Outcome, connections: int) -> None:
    """Median and 99th percentile, as they were."""
    for percent in (50, 99):
        measured.add(f"p{percent} at {connections}", outcome.find_percentile_us(percent))


def measure_chunks(peer: Peer, running: Running, upstream: Upstream, measured: Measured) -> None:
    """Paced streams, each read whole; a call's own cost is spread over its chunks."""
    request = make_request(KB, stream=True)
    with upstream.play(_PACED, pace_ms=PACE_MS):
        check_answer(running, request, _PACED, is_stream=True)
        account = Account(peer, running).open()
        wanted = read_stream(_PACED.body)
        for body in read_streams(running.port, write_call(request, running.headers), CHUNK_STREAMS):
            if read_stream(body) != wanted:
                raise RigError(f"a stream was {body[:200]!r} … {body[-200:]!r}")
        account.close(measured, "chunk", CHUNK_STREAMS * CHUNKS)


def measure_memory(running: Running, upstream: Upstream, measured: Measured) -> None:
    """A thousand streams with a chunk a second."""
    worst = 0

    def look() -> None:
        nonlocal worst
        worst = max(worst, sum_memory_bytes(running.root))

    call = write_call(make_request(KB, stream=True), running.headers)
    with upstream.play(_HELD, pace_ms=1000):
        opened = hold_streams(running.port, call, STREAMS, look)
    if not opened:
        raise RigError("no stream began")
    measured.add("memory", worst / _MB)
    measured.add("streams open", opened)


def measure_loads(bench: Bench, peer: Peer, running: Running, provider: Provider, measured: Measured) -> None:
    """Plain calls: one connection, many, and many with large prompts."""

    def call(reading: str, size: int) -> Outcome:
        return measure_calls(bench, Account(peer, running), provider, measured, reading=reading, size=size)

    attempt(measured, "latency", lambda: measure_latency(bench, peer, running, provider, measured))
    attempt(measured, "call", lambda: note_latencies(measured, call("call", KB), MANY))
    attempt(measured, "large call", lambda: call("large call", 100 * KB))


def measure_plain(bench: Bench, peer: Peer, measured: Measured) -> None:
    """All that a provider over plain HTTP is enough for."""
    with ExitStack() as stack:
        folder = stack.enter_context(bench.make_folder())
        sink = stack.enter_context(run_sink(folder))
        upstream = Upstream(bench.program, folder)
        with upstream.play() as provider:
            running = stack.enter_context(start(peer, Place(folder, find_port(), upstream, sink), bench.cores))
            measured.add("start", running.start_s)
            check_answer(running, make_request(KB), provider.script)
            measured.add("memory at rest", sum_memory_bytes(running.root) / _MB)
            measure_loads(bench, peer, running, provider, measured)
        attempt(measured, "chunk", lambda: measure_chunks(peer, running, upstream, measured))
        attempt(measured, "memory", lambda: measure_memory(running, upstream, measured))


def measure_secured(bench: Bench, peer: Peer, measured: Measured) -> None:
    """A call to a provider over HTTPS, its certificate verified."""
    if peer.https:
        measured.reasons["secured call"] = peer.https
        return
    with ExitStack() as stack:
        folder = stack.enter_context(bench.make_folder())
        below = folder / "tls"
        below.mkdir()
        provider = stack.enter_context(serve_secured(below, bench.certificates))
        sink = stack.enter_context(run_sink(folder))
        running = stack.enter_context(start(peer, Place(folder, find_port(), provider, sink), bench.cores))
        measured.add("start", running.start_s)
        check_answer(running, make_request(KB), provider.script)
        account = Account(peer, running)
        measure_calls(bench, account, provider, measured, reading="secured call", size=KB)


def attempt(measured: Measured, reading: str, measure: Callable[[], object]) -> None:
    """Measure; what fails is said in its cell, and the others go on."""
    try:
        measure()
    except (RigError, OSError, ValueError, KeyError, TimeoutError) as error:
        measured.reasons[reading] = f"failed: {type(error).__name__}: {error}"[:300]


def measure_peer(bench: Bench, peer: Peer, measured: Measured) -> None:
    """One round of one peer; where there is one only, its loads are twice as long."""
    if peer.most_rounds == 1:
        bench = replace(bench, plan=replace(bench.plan, seconds=2 * bench.plan.seconds))
    attempt(measured, "all", lambda: measure_plain(bench, peer, measured))
    attempt(measured, "secured call", lambda: measure_secured(bench, peer, measured))
    time.sleep(0.2)
