"""Rows 1 to 6: the worker's CPU beside nginx's."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.bodies import Script, make_answer, make_request, make_stream
from bench.figures import Bar, Figure, make_ratio
from bench.provider import Provider, serve_script, serve_tls
from bench.rig import Rig, Sample
from bench.wrk import Load

KB = 1024
SMALL_ANSWER = make_answer(922)
PACED_CHUNKS, PACED_STREAMS, PACE_MS = 200, 100, 10.0
_HANDSHAKES = Bar(5)


@contextmanager
def serve_plain(rig: Rig, script: Script = SMALL_ANSWER, *, pace_ms: float = 0) -> Iterator[Provider]:
    """A scripted provider over plain HTTP, its files in the run's folder."""
    with (
        TemporaryDirectory(dir=rig.bay.folder) as name,
        serve_script(rig.provider_program, Path(name), script, pace_ms=pace_ms) as provider,
    ):
        yield provider


@contextmanager
def serve_secured(rig: Rig, script: Script, *, pace_ms: float = 0) -> Iterator[Provider]:
    """The same over TLS 1.3: nginx answers what fits a canned answer, and stands before the program for streams."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=rig.bay.folder)))
        behind = stack.enter_context(serve_plain(rig, script, pace_ms=pace_ms)) if script.chunks else None
        yield stack.enter_context(serve_tls(folder, script, rig.certificates, behind))


@dataclass(frozen=True, slots=True)
class CpuRow:
    """One row: what is asked, what answers, and the bar for the ratio."""

    number: int
    name: str
    load: Load
    script: Script
    bar: Bar
    secured: bool = False
    pace_ms: float = 0

    def measure(self, rig: Rig) -> list[Figure]:
        """Rounds of both sides; with TLS, the handshakes, too."""
        serve = serve_secured if self.secured else serve_plain
        with serve(rig, self.script, pace_ms=self.pace_ms) as provider:
            sides = rig.compare(provider, buffering=not self.script.chunks)
            samples = rig.alternate(sides, lambda side: rig.sample(side, provider, self.load))
        return self._make_figures(rig, samples)

    def _make_figures(self, rig: Rig, samples: dict[str, list[Sample]]) -> list[Figure]:
        costs = {side: [self._cost(sample) for sample in taken] for side, taken in samples.items()}
        unit = "µs a chunk" if self.pace_ms else "µs a call"
        figures = [make_ratio(self.number, self.name, unit, costs, bar=self.bar, note=self._describe(rig, samples))]
        if self.secured:
            figures.append(self._count_handshakes(samples))
        return figures

    def _cost(self, sample: Sample) -> float:
        return sample.us_a_chunk if self.pace_ms else sample.us_a_call

    def _rate(self, sample: Sample) -> float:
        return sample.chunks_a_s if self.pace_ms else sample.calls_a_s

    def _describe(self, rig: Rig, samples: dict[str, list[Sample]]) -> str:
        what = f"wrk, {self.load.connections} connections, {rig.plan}"
        sides = (
            f"{side} {median(self._rate(s) for s in taken):,.0f}/s, {median(s.busy for s in taken):.0%} of its core"
            for side, taken in samples.items()
        )
        foreign = max(sample.foreign for taken in samples.values() for sample in taken)
        others = [f"others had up to {foreign:.0%} of that core"] if foreign > 0.03 else []
        return "; ".join([what, *sides, *others])

    def _count_handshakes(self, samples: dict[str, list[Sample]]) -> Figure:
        counts = {side: max(sample.handshakes_a_thousand for sample in taken) for side, taken in samples.items()}
        note = "new connections to the provider after the warm-up, the worst round"
        name = f"handshakes per 1,000 calls of row {self.number}"
        return Figure(
            row=self.number,
            name=name,
            unit="",
            proxy=counts["proxy"],
            nginx=counts["nginx"],
            bar=_HANDSHAKES,
            note=note,
        )


def _make_rows() -> tuple[CpuRow, ...]:
    small = Load(make_request(KB))
    paced = Load(make_request(KB, stream=True), PACED_STREAMS, PACED_CHUNKS * PACE_MS / 1000)
    stream = make_stream(PACED_CHUNKS, 200)
    return (
        CpuRow(1, "1 KB in, 0.9 KB out", small, SMALL_ANSWER, Bar(1.75, 1.5)),
        CpuRow(2, "100 KB in, 0.9 KB out", Load(make_request(100 * KB)), SMALL_ANSWER, Bar(4, 2.5)),
        CpuRow(
            3, "stream of 100 chunks, 20 KB", Load(make_request(KB, stream=True)), make_stream(100, 205), Bar(1.5, 1.0)
        ),
        CpuRow(4, "chunk of a paced stream", paced, stream, Bar(1.35, 1.1), pace_ms=PACE_MS),
        CpuRow(5, "1 KB in, 0.9 KB out, HTTPS provider", small, SMALL_ANSWER, Bar(1.75), secured=True),
        CpuRow(6, "chunk of a paced stream, HTTPS provider", paced, stream, Bar(1.45), secured=True, pace_ms=PACE_MS),
    )


CPU_ROWS = _make_rows()
