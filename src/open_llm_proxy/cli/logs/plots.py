"""Plots as text, by plotext 6: the only module that knows it."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import plotext  # pyright: ignore[reportMissingTypeStubs] - it has none

from open_llm_proxy.logs.export.chart import round_up

ROWS: Final = 14
WIDTH: Final = 100
_MOST_TICKS: Final = 10
_SIGNS: Final = ("█", "░", "▒")
_figure: Any = plotext.figure  # pyright: ignore[reportUnknownMemberType] - as above
_marker: Any = plotext.marker


class Series(NamedTuple):
    """Values under one name, one a label; None: there is none."""

    name: str
    values: Sequence[float | None]
    colour: str


def plot_bars(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Bars over time, the series on top of each other; text with ANSI colours, readable without them."""
    _clear(f"{title}: " + ", ".join(f"{sign} {one.name}" for sign, one in zip(_SIGNS, series, strict=False)))
    heights = [[value or 0 for value in one.values] for one in series]
    markers = [_marker(sign, one.colour) for sign, one in zip(_SIGNS, series, strict=False)]
    _figure.draw(_figure.bar(list(range(len(labels))), heights, stacked=True, marker=markers))
    _tick(labels, max((sum(stack) for stack in zip(*heights, strict=True)), default=0))
    return str(_figure.build())


def plot_lines(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    """Lines over time, from value to value, each above the one before; text with ANSI colours."""
    _clear(f"{title}: " + ", ".join(f"{one.name} ({one.colour})" for one in series))
    most = 0.0
    for one in series:
        points = [(place, value) for place, value in enumerate(one.values) if value is not None]
        if points:
            places, values = map(list, zip(*points, strict=True))
            most = max(most, *values) if len(values) > 1 else max(most, values[0])
            _figure.draw(_figure.signal(places, values, marker=_marker("braille", one.colour)).lines())
    _tick(labels, most)
    return str(_figure.build())


def _clear(title: str) -> None:
    _figure.clear.all()
    _figure.theme("simple")
    _figure.plot_size(WIDTH, ROWS)
    _figure.title(title)


def _tick(labels: Sequence[str], most: float) -> None:
    every = -(-len(labels) // _MOST_TICKS) or 1
    places = list(range(0, len(labels), every))
    _figure.ruler("x").ticks(places, labels=[labels[place] for place in places])
    top = round_up(most)
    heights = [top * part / 4 for part in range(5)]
    _figure.ruler("y").lim(0, top)
    _figure.ruler("y").ticks(heights, labels=[f"{height:,g}" for height in heights])
