"""Row 13: ``logs sessions`` on a month of large days, beside DuckDB reading the same Parquet by hand."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.condensing import run_process
from bench.corpus import DAY, write_day
from bench.figures import Bar, Figure
from bench.processes import RigError
from bench.rig import Rig

DAYS = 30
TABLES = ("consolidated", "sessions", "session-rollup")
BY_HAND = """
import sys, duckdb
print(len(duckdb.sql(f'''
  SELECT CAST(started_at AS VARCHAR), session_key, question, app, model, turns, total_tokens, cost_usd, status
  FROM read_parquet({sys.argv[1:]}) ORDER BY started_at DESC LIMIT 50
''').fetchall()))
"""


def measure_sessions(rig: Rig) -> list[Figure]:
    """The seconds that the command takes longer, process start included on both sides."""
    with TemporaryDirectory(dir=rig.bay.folder) as name:
        logs = Path(name, "logs")
        size = write_day(logs, DAY, rig.plan.records)
        run_process([*rig.bay.command, "logs", "condense", "--date", DAY, "--from-dir", logs])
        days = copy_over_a_month(logs)
        files = [logs / "session-rollup" / "daily" / f"{day}.parquet" for day in days[:2]]
        ours: list[float] = []
        by_hand: list[float] = []
        for _ in range(rig.plan.rounds):
            by_hand.append(run_process([sys.executable, "-c", BY_HAND, *files])[0].seconds)
            ours.append(list_sessions(rig, logs))
    return [
        Figure(
            row=13,
            name="logs sessions --since 1d, longer than by hand",
            unit="s",
            proxy=median(mine - theirs for mine, theirs in zip(ours, by_hand, strict=True)),
            bar=Bar(2),
            note=f"a day of {rig.plan.records:,} records ({size / 1e9:.1f} GB), condensed, under {DAYS} dates; "
            f"the command {median(ours):.2f} s, by hand {median(by_hand):.2f} s",
        )
    ]


def copy_over_a_month(logs: Path) -> list[str]:
    """The condensed day under each of the last days, today's first; their names."""
    today = datetime.now(UTC).date()
    days = [f"{today - timedelta(days=number)}" for number in range(DAYS)]
    for table in TABLES:
        made = logs / table / "daily" / f"{DAY}.parquet"
        kept = made.rename(logs / f"{table}.parquet")
        for day in days:
            os.link(kept, made.with_name(f"{day}.parquet"))
    return days


def list_sessions(rig: Rig, logs: Path) -> float:
    """The seconds that ``logs sessions`` takes.

    Raises:
        RigError: it lists none.
    """
    cost, said = run_process(
        [*rig.bay.command, "logs", "sessions", "--since", "1d", "--format", "csv", "--from-dir", logs]
    )
    if "session_key" not in said:
        raise RigError(f"no session was listed: {said}")
    return cost.seconds
