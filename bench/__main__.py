"""``python -m bench``: measure, print one table, keep the result in ``bench/results/``."""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, table
from bench.certificates import Certificates
from bench.figures import Figure
from bench.patience import Patience
from bench.processes import RigError
from bench.provider import build_provider
from bench.rig import Plan, Rig
from bench.rows import ROWS, parse_rows
from bench.sides import Bay, find_command

RESULTS = Path(__file__).with_name("results")
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="The proxy beside nginx, in one table.")
    parser.add_argument("--rows", default=f"{min(ROWS)}-{max(ROWS)}", help="which rows, as 1,4,7-9 (all)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds a row (%(default)s)")
    parser.add_argument("--seconds", type=float, default=4, help="measured seconds a side and round (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2 seconds: to see that all works")
    parser.add_argument(
        "--patience", type=float, default=0, help="seconds to wait for quiet and to repeat what others disturbed (0)"
    )
    parser.add_argument(
        "--profile", action="store_true", help="profile the worker (py-spy or perf) into bench/results/"
    )
    parser.add_argument("--docs", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--records", type=int, help="of the day that is condensed (1,000,000; quick: 50,000)")
    parser.add_argument("--command", type=Path, help="the open-llm-proxy to measure (the one beside this Python)")
    return parser.parse_args(arguments)


def make_plan(options: argparse.Namespace) -> Plan:
    if options.quick:
        return Plan(rounds=2, seconds=2, warm_s=1, records=options.records or 50_000)
    return Plan(rounds=options.rounds, seconds=options.seconds, warm_s=1, records=options.records or 1_000_000)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure_rows(rig: Rig, rows: Sequence[int]) -> tuple[list[Figure], list[str]]:
    """Figures of the rows, and what went wrong: a row that fails does not take the others with it."""
    figures: list[Figure] = []
    problems: list[str] = []
    for row in rows:
        start = time.monotonic()
        try:
            made = ROWS[row](rig)
        except (RigError, OSError, ValueError) as error:
            problems.append(f"row {row}: {type(error).__name__}: {error}")
            say(problems[-1])
            continue
        figures += made
        say(f"row {row}: {time.monotonic() - start:.0f} s")
        say(table.render_text(made))
    return figures, problems


def keep(figures: Sequence[Figure], problems: Sequence[str], facts: dict[str, str], plan: Plan) -> Path:
    """Write the run to a file of its own."""
    now = datetime.now(UTC)
    file = RESULTS / f"{now:%Y-%m-%dT%H-%M-%SZ}.json"
    result = {
        "at": now.isoformat(),
        "machine": facts,
        "plan": str(plan),
        "figures": [figure.to_json() for figure in figures],
        "problems": list(problems),
    }
    file.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return file


def run(options: argparse.Namespace) -> int:
    """Measure; 0: every bar is kept, 1: one is not, or a row could not be measured."""
    rows = parse_rows(options.rows)
    RESULTS.mkdir(exist_ok=True)
    cores = machine.Cores.share_out(os.sched_getaffinity(0))
    facts = machine.describe()
    machine.prepare(cores)
    command = (str(options.command),) if options.command else find_command()
    plan = make_plan(options)
    with tempfile.TemporaryDirectory(prefix="run-", dir=RESULTS, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        profiles = RESULTS / "profiles" if options.profile else None
        bay = Bay(cores, folder, command)
        patience = Patience(options.patience, cores.measured | cores.others)
        rig = Rig(bay, plan, build_provider(folder), Certificates.make(folder), patience, profiles)
        figures, problems = measure_rows(rig, rows)
    print(table.render_text(figures))
    print(f"\n{', '.join(f'{name} {value}' for name, value in facts.items())}; {plan}", *problems, sep="\n")
    say(f"kept in {keep(figures, problems, facts, plan)}")
    if options.docs:
        table.put_in(DOCUMENT, table.render_markdown(figures, facts, f"{datetime.now(UTC):%Y-%m-%d}"))
    return 1 if problems or any(figure.verdict == "missed" for figure in figures) else 0


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    try:
        return run(parse_arguments(arguments))
    except (RigError, ValueError) as error:
        say(f"bench: {error}")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
