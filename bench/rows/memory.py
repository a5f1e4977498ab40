"""Row 8: a thousand slow streams at once, twice."""

from dataclasses import dataclass

from bench import accounts
from bench.bodies import make_request, make_stream
from bench.figures import Bar, Figure
from bench.rig import Rig, check_answer, check_records
from bench.rows.cpu import KB, serve_plain
from bench.sides import Side
from bench.streams import read_streams

NUMBER = 8
_STREAMS = 1000
_PACE_MS = 100.0
_MB = 1e6


@dataclass(slots=True)
class _Peak:
    """The most memory that a process had while it was looked at."""

    pid: int
    worst_bytes: int = 0

    def look(self) -> None:
        self.worst_bytes = max(self.worst_bytes, accounts.read_rss_bytes(self.pid))


def measure_memory(rig: Rig) -> list[Figure]:
    """The worker's resident memory during a round of streams, and what a second round adds."""
    chunks = 50 if rig.plan.rounds > 2 else 20
    request = make_request(KB, stream=True)
    with serve_plain(rig, make_stream(chunks, 200), pace_ms=_PACE_MS) as provider:

        def take(side: Side) -> tuple[int, int, int]:
            check_answer(side.port, request, provider)
            before = accounts.read_rss_bytes(side.worker)
            first, second = (_read_round(side, request, provider.script.body) for _ in range(2))
            if side.recorder is not None:
                check_records(side)
            return before, first, second

        with rig.bay.start_nginx(provider, buffering=False) as side:
            nginx = take(side)
        with rig.bay.start_proxy(provider) as side:
            proxy = take(side)
    return _make_figures(proxy, nginx, chunks)


def _read_round(side: Side, request: bytes, wanted: bytes) -> int:
    peak = _Peak(side.worker)
    read_streams(side.port, request, _STREAMS, wanted, peak.look)
    return peak.worst_bytes


def _make_figures(proxy: tuple[int, int, int], nginx: tuple[int, int, int], chunks: int) -> list[Figure]:
    note = f"{chunks} chunks a stream, one each {_PACE_MS:g} ms; most resident memory, {proxy[0] / _MB:.0f} MB at rest"
    return [
        Figure(
            row=NUMBER, name="1,000 slow streams at once", unit="MB", proxy=proxy[1] / _MB, nginx=nginx[1] / _MB,
            bar=Bar(100), note=note,
        ),
        Figure(
            row=NUMBER, name="a second identical round adds", unit="MB", proxy=(proxy[2] - proxy[1]) / _MB,
            nginx=(nginx[2] - nginx[1]) / _MB, bar=Bar(5),
        ),
    ]  # fmt: skip
