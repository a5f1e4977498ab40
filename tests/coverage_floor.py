"""``python tests/coverage_floor.py REPORT``: of coverage's JSON report, each held package with its share of branches.

What must lose no call and leak no key is held: enough of each package's lines and enough of its branches must be taken. Coverage's own
``--fail-under`` adds up the lines and branches of all files, so that many tested lines would hide branches that nothing takes.
"""

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple

SETTINGS: Final = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8"))
HELD: Final = [name.split(".")[1] for name in SETTINGS["tool"]["coverage"]["run"]["source_pkgs"]]
FLOOR_PERCENT: Final = 95.0


class Taken(NamedTuple):
    """How much of one package was taken, each as (taken, all)."""

    package: str
    lines: tuple[int, int]
    branches: tuple[int, int]

    @property
    def is_enough(self) -> bool:
        return min(percent(*self.lines), percent(*self.branches)) >= FLOOR_PERCENT

    def __str__(self) -> str:
        counts = "".join(f"{percent(*one):8.2f} %{one[0]:6} of{one[1]:5}" for one in (self.lines, self.branches))
        return f"{self.package:10}{counts}{'' if self.is_enough else f'   below {FLOOR_PERCENT:g} %'}"


def percent(taken: int, whole: int) -> float:
    """A package that was not measured has nothing taken: a report that lost it must not pass."""
    return 100 * taken / whole if whole else 0.0


def taken(report: Mapping[str, Any]) -> Iterator[Taken]:
    for package in HELD:
        files = [one["summary"] for name, one in report["files"].items() if package in PurePath(name).parts[:-1]]
        yield Taken(
            package,
            (_sum(files, "covered_lines"), _sum(files, "num_statements")),
            (_sum(files, "covered_branches"), _sum(files, "num_branches")),
        )


def _sum(files: Iterable[Mapping[str, int]], field: str) -> int:
    return sum(one[field] for one in files)


def main(path: str) -> int:
    found = list(taken(json.loads(Path(path).read_bytes())))
    heading = f"{'package':10}{'lines':>10}{'branches':>23}"
    print(heading, *found, sep="\n")  # noqa: T201 - it is for a terminal
    return 0 if all(one.is_enough for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
