"""Row 12: condensing a day, beside DuckDB's bare COPY of the same files."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.condensing import Cost, condense, copy_bare
from bench.corpus import DAY, write_day
from bench.figures import Bar, Figure, compare
from bench.rig import Rig

MOST_ROUNDS = 3


def measure_condensing(rig: Rig) -> list[Figure]:
    """Time, CPU and memory; in turning order, as others' work on the machine drifts."""
    bare: list[Cost] = []
    ours: list[Cost] = []
    records = rig.plan.records
    with TemporaryDirectory(dir=rig.bay.folder) as name:
        corpus, folder = Path(name, "corpus"), Path(name, "work")
        folder.mkdir()
        size = write_day(corpus, DAY, records)
        for number in range(min(rig.plan.rounds, MOST_ROUNDS)):
            for side in (0, 1) if number % 2 == 0 else (1, 0):
                if side == 0:
                    bare.append(copy_bare(corpus, folder))
                else:
                    ours.append(condense(corpus, folder, rig.bay.command, records))
    note = f"{records:,} records, {size / 1e9:.1f} GB of JSONL, {len(ours)} rounds; beside it DuckDB's bare COPY"
    ratio, spread = compare([cost.seconds for cost in ours], [cost.seconds for cost in bare])
    return [
        Figure(
            row=12,
            name="condensing a day, beside the bare COPY",
            unit="s",
            proxy=median(cost.seconds for cost in ours),
            nginx=median(cost.seconds for cost in bare),
            ratio=ratio,
            spread=spread,
            bar=Bar(2.5),
            note=note,
        ),
        Figure(
            row=12,
            name="its CPU",
            unit="s",
            proxy=median(cost.cpu_s for cost in ours),
            nginx=median(cost.cpu_s for cost in bare),
        ),
        Figure(
            row=12,
            name="its memory",
            unit="MB",
            proxy=max(cost.peak_bytes for cost in ours) / 1e6,
            nginx=max(cost.peak_bytes for cost in bare) / 1e6,
            bar=Bar(2000),
        ),
    ]
