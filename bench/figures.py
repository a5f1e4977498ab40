"""Figures: what the rounds came to, and whether that keeps the bar."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["aim", "bar", "missed", "printed"]


@dataclass(frozen=True, slots=True)
class Bar:
    """What must be reached, and what should: at most this, or at least."""

    must: float
    aim: float | None = None
    at_least: bool = False

    def judge(self, value: float) -> Verdict:
        """Whether a value keeps the bar, or the aim, too."""
        if not self._keeps(value, self.must):
            return "missed"
        return "aim" if self.aim is None or self._keeps(value, self.aim) else "bar"

    def _keeps(self, value: float, limit: float) -> bool:
        return value >= limit if self.at_least else value <= limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.must:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A line of the table.

    ``proxy`` and ``nginx`` are in ``unit``; ``ratio`` is the median of the rounds' ratios, with the least and the most
    in ``spread``. The bar speaks of the ratio where there is one, else of ``proxy``.
    """

    row: int
    name: str
    unit: str
    proxy: float
    nginx: float | None = None
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    bar: Bar | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        """How it compares with its bar."""
        if self.bar is None:
            return "printed"
        return self.bar.judge(self.proxy if self.ratio is None else self.ratio)

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        return asdict(self) | {"verdict": self.verdict}


def compare(proxy: Sequence[float], nginx: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """The median of the ratios, round by round, and the least and the most of them."""
    ratios = [mine / theirs for mine, theirs in zip(proxy, nginx, strict=True)]
    return statistics.median(ratios), (min(ratios), max(ratios))


def make_ratio(
    row: int, name: str, unit: str, costs: Mapping[str, Sequence[float]], *, bar: Bar | None, note: str = ""
) -> Figure:
    """The figure of a row that was measured on both sides: medians, and the ratio."""
    ratio, spread = compare(costs["proxy"], costs["nginx"])
    proxy, nginx = statistics.median(costs["proxy"]), statistics.median(costs["nginx"])
    return Figure(
        row=row, name=name, unit=unit, proxy=proxy, nginx=nginx, ratio=ratio, spread=spread, bar=bar, note=note
    )
