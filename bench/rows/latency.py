"""Row 7: what a call waits longer for than it would without anything between."""

from statistics import median

from bench.bodies import make_request
from bench.figures import Bar, Figure, make_ratio
from bench.pressure import under_pressure
from bench.processes import stopped
from bench.provider import Provider
from bench.rig import Rig, Start, check_answer
from bench.rows.cpu import KB, serve_plain
from bench.sides import Side
from bench.wrk import Load

NUMBER = 7
_ONE = Load(make_request(KB), 1)
_MANY = Load(make_request(KB), 64)


def measure_latency(rig: Rig) -> list[Figure]:
    """Median at one connection, compared; the 99.9th percentile at 64 under writeback, printed."""
    with serve_plain(rig) as provider:
        sides = {"direct": lambda: rig.bay.start_direct(provider), **rig.compare(provider)}
        return [_measure_added(rig, provider, sides), _measure_tail(rig, provider, sides)]


def _take(rig: Rig, side: Side, provider: Provider, load: Load, percent: float) -> float:
    check_answer(side.port, load.request, provider)
    load.run_through(side.port, rig.plan.warm_s)
    return load.run_through(side.port, rig.plan.seconds).find_percentile_us(percent)


def _measure_added(rig: Rig, provider: Provider, sides: dict[str, Start]) -> Figure:
    def take(side: Side) -> float:
        if side.recorder is None:
            return _take(rig, side, provider, _ONE, 50)
        with stopped(side.recorder):  # it shares the load's core, and would be measured with it
            return _take(rig, side, provider, _ONE, 50)

    p50 = rig.alternate(sides, take)
    added = {
        name: [through - direct for through, direct in zip(p50[name], p50["direct"], strict=True)]
        for name in ("nginx", "proxy")
    }
    through = ", ".join(f"{name} {median(values):.1f}" for name, values in p50.items())
    note = f"wrk, 1 connection, {rig.plan.rounds} rounds of {rig.plan.seconds:g} s; p50 in µs: {through}; recorder held"
    return make_ratio(NUMBER, "added latency, p50", "µs", added, bar=Bar(1.1), note=note)


def _measure_tail(rig: Rig, provider: Provider, sides: dict[str, Start]) -> Figure:
    with under_pressure(rig.bay.folder) as watch:
        taken = rig.alternate(sides, lambda side: _take(rig, side, provider, _MANY, 99.9) / 1000)
    worst = watch.worst
    pressure = f"up to {worst.dirty_bytes >> 20:,} MB dirty, {worst.writeback_bytes >> 20:,} MB in writeback"
    note = f"wrk, 64 connections; {pressure}; direct {median(taken['direct']):.2f} ms"
    name = "latency, p99.9 at 64, writeback under pressure"
    return make_ratio(NUMBER, name, "ms", taken, bar=None, note=note)
