"""Condensing a day beside DuckDB's bare COPY of the same files: each a process of its own, on all cores."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import DAY
from bench.processes import RigError

BARE = """
import sys, duckdb
duckdb.sql(f"COPY (SELECT * FROM read_ndjson('{sys.argv[1]}/*/*.jsonl')) TO '{sys.argv[2]}' (FORMAT parquet)")
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took. ``peak_bytes``: the most resident memory that it had."""

    seconds: float
    cpu_s: float
    peak_bytes: int


def run_process(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> tuple[Cost, str]:
    """Run a process to its end, on all cores, though the rig keeps to some; its cost and what it printed.

    Raises:
        RigError: it failed.
    """
    start = time.monotonic()
    with subprocess.Popen(
        ["taskset", "--cpu-list", f"0-{(os.cpu_count() or 1) - 1}", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RigError(f"{command[0]} ended with {process.returncode}: {said[-2000:]}")
    cost = Cost(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    return cost, said


def copy_bare(corpus: Path, folder: Path) -> Cost:
    """``COPY (SELECT * FROM read_ndjson(…)) TO … (FORMAT parquet)``, with all of DuckDB's defaults."""
    target = folder / "bare.parquet"
    cost, _ = run_process([sys.executable, "-c", BARE, corpus, target])
    target.unlink()
    return cost


def condense(corpus: Path, folder: Path, command: Sequence[str], records: int) -> Cost:
    """``logs condense`` of the same day, from links to the same files.

    Raises:
        RigError: it failed, or condensed something else.
    """
    logs = folder / "logs"
    shutil.copytree(corpus, logs, copy_function=os.link)
    environment = os.environ | {"TMPDIR": str(folder)}
    cost, said = run_process([*command, "logs", "condense", "--date", DAY, "--from-dir", logs], environment)
    (done,) = (line for line in map(json.loads, said.splitlines()) if line["event"] == "done")
    if done["records"] != records or (logs / DAY).exists():
        raise RigError(f"condensed something else: {done}")
    shutil.rmtree(logs)
    return cost
