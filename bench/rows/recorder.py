"""Rows 9 to 11: the recorder, and the worker without it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from bench import accounts
from bench.bodies import make_request
from bench.figures import Bar, Figure, compare
from bench.machine import find_port
from bench.processes import RigError, stopped, wait_until
from bench.provider import Provider
from bench.rig import Rig, Start, check_answer
from bench.rows.cpu import KB, serve_plain
from bench.sides import Setup, Side
from bench.streams import call_at_rate
from bench.wrk import Load

_RATE = 600
_UNCHANGED = Bar(1.05, 1.02)  # what two rounds of the same differ by, more or less
_SMALL = Load(make_request(KB))
# Chunks are finished within the row, so that their share is in it.
_SETUP = Setup(env={"FLUSH_INTERVAL": "2"}, keep_stdout=True, idle_recorder=False)


@dataclass(frozen=True, slots=True)
class _Spent:
    """What the two processes of a run of calls cost, until the last record was in its place."""

    calls: int
    worker_us: float
    recorder_us: float
    lag_s: float
    peak_bytes: int


def _count_records(side: Side) -> dict[str, int]:
    return side.read_health()["records"]


def _spend(side: Side, run: Callable[[Side], None]) -> _Spent:
    """Run calls and wait until all their records are shipped."""
    recorder = side.recorder
    assert recorder is not None
    before = _count_records(side)["accepted"]
    worker_ns, recorder_ns = accounts.read_cpu_ns(side.worker), accounts.read_cpu_ns(recorder)
    run(side)
    worker_ns = accounts.read_cpu_ns(side.worker) - worker_ns
    end = time.monotonic()
    wait_until(lambda: _is_done(side, "recorded"), "records of all calls", seconds=600, every_s=0.1)
    lag_s = time.monotonic() - end
    wait_until(lambda: _is_done(side, "shipped"), "shipped records of all calls", seconds=60, every_s=0.1)
    recorder_ns = accounts.read_cpu_ns(recorder) - recorder_ns
    calls = (_count_records(side)["accepted"] - before) // 2
    peak = accounts.read_peak_rss_bytes(recorder)
    return _Spent(calls, worker_ns / 1000 / calls, recorder_ns / 1000 / calls, lag_s, peak)


def _is_done(side: Side, stage: str) -> bool:
    records = _count_records(side)
    if records["lost"] or records["unreadable"]:
        raise RigError(f"records: {records}")
    return records[stage] >= records["accepted"]


def measure_recorder(rig: Rig) -> list[Figure]:
    """Row 9: what a burst of calls costs the recorder, all told; worker and recorder beside each other."""
    seconds = rig.plan.seconds / 2

    def burst(side: Side) -> None:
        _SMALL.run_through(side.port, seconds)

    with serve_plain(rig) as provider, rig.bay.start_proxy(provider, _SETUP) as side:
        check_answer(side.port, _SMALL.request, provider)
        spent = _spend(side, burst)
    note = (
        f"a burst of {spent.calls:,} calls as in row 1, and on until all records are shipped, {spent.lag_s:.1f} s; "
        "stdout to a file, chunks to a folder"
    )
    return [
        Figure(row=9, name="recorder", unit="µs a call", proxy=spent.recorder_us, bar=Bar(200, 150), note=note),
        Figure(row=9, name="worker in the same run", unit="µs a call", proxy=spent.worker_us),
        Figure(row=9, name="both", unit="µs a call", proxy=spent.worker_us + spent.recorder_us),
        Figure(
            row=9, name="recorder's memory with that backlog", unit="MB", proxy=spent.peak_bytes / 1e6, bar=Bar(200)
        ),
    ]


def measure_keeping_up(rig: Rig) -> list[Figure]:
    """Row 10: 600 calls a second of 100 KB prompts, in ``summary`` mode."""
    request = make_request(100 * KB)
    seconds = 2 * rig.plan.seconds

    def run(side: Side) -> None:
        call_at_rate(side.port, request, _RATE, seconds)

    with serve_plain(rig) as provider, rig.bay.start_proxy(provider, _SETUP) as side:
        check_answer(side.port, request, provider)
        spent = _spend(side, run)
    note = (
        f"{spent.calls:,} calls at {_RATE} a second, ended {spent.lag_s:.1f} s after the last call; "
        f"recorder {spent.recorder_us:.0f} µs, worker {spent.worker_us:.0f} µs a call"
    )
    name = "recorder keeps up with 100 KB prompts, by its CPU"
    capacity = 1e6 / spent.recorder_us
    bar = Bar(_RATE, at_least=True)
    return [
        Figure(row=10, name=name, unit="calls/s", proxy=capacity, bar=bar, note=note),
        Figure(row=10, name="recorder behind when the load ends", unit="s", proxy=spent.lag_s, bar=Bar(1)),
        Figure(row=10, name="recorder's memory meanwhile", unit="MB", proxy=spent.peak_bytes / 1e6, bar=Bar(200)),
    ]


def measure_independence(rig: Rig) -> list[Figure]:
    """Row 11: the worker's cost with the recorder held, and with a store that does not answer."""
    with serve_plain(rig) as provider:
        sides = _list_troubles(rig, provider)

        def take(side: Side) -> float:
            return rig.sample(side, provider, _SMALL).us_a_call

        costs = rig.alternate(sides, take)
    names = {"held": "worker, recorder stopped", "down": "worker, store down"}
    return [_make_independence(rig, name, costs["usual"], costs[side]) for side, name in names.items()]


def _list_troubles(rig: Rig, provider: Provider) -> dict[str, Start]:
    @contextmanager
    def start_held() -> Iterator[Side]:
        with rig.bay.start_proxy(provider) as side:
            assert side.recorder is not None
            with stopped(side.recorder):
                yield side

    return {
        "usual": lambda: rig.bay.start_proxy(provider),
        "held": start_held,
        "down": lambda: rig.bay.start_proxy(provider, Setup(env=_name_dead_store())),
    }


def _name_dead_store() -> dict[str, str]:
    return {
        "LOG_STORE": "s3://bench",
        "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{find_port()}",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench-secret",
        "FLUSH_INTERVAL": "1",
    }


def _make_independence(rig: Rig, name: str, usual: list[float], troubled: list[float]) -> Figure:
    ratio, spread = compare(troubled, usual)
    note = f"ratio to the same worker with recorder and store at work, {median(usual):.1f} µs; as row 1, {rig.plan}"
    return Figure(
        row=11,
        name=name,
        unit="µs a call",
        proxy=median(troubled),
        ratio=ratio,
        spread=spread,
        bar=_UNCHANGED,
        note=note,
    )
