"""All rows, in the order of the table."""

from collections.abc import Callable

from bench.figures import Figure
from bench.rig import Rig
from bench.rows.condense import measure_condensing
from bench.rows.cpu import CPU_ROWS
from bench.rows.latency import measure_latency
from bench.rows.memory import measure_memory
from bench.rows.recorder import measure_independence, measure_keeping_up, measure_recorder
from bench.rows.sessions import measure_sessions

Measure = Callable[[Rig], list[Figure]]

ROWS: dict[int, Measure] = {row.number: row.measure for row in CPU_ROWS} | {
    7: measure_latency,
    8: measure_memory,
    9: measure_recorder,
    10: measure_keeping_up,
    11: measure_independence,
    12: measure_condensing,
    13: measure_sessions,
}


def parse_rows(text: str) -> list[int]:
    """Row numbers from ``1,4,7-9``.

    Raises:
        ValueError: one is not a row.
    """
    chosen: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        chosen += range(int(first), int(last or first) + 1)
    unknown = [row for row in chosen if row not in ROWS]
    if unknown:
        raise ValueError(f"no row {unknown[0]}; there are {min(ROWS)} to {max(ROWS)}")
    return chosen
