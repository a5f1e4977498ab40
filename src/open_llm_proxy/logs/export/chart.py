"""Charts as inline SVG: bars over time, lines over time, bars by name. No script; colours are the page's variables."""

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH: Final = 960
HEIGHT: Final = 260
LEFT: Final = 78
RIGHT: Final = 14
TOP: Final = 14
BOTTOM: Final = 30
_PLOT_WIDTH: Final = WIDTH - LEFT - RIGHT
_PLOT_HEIGHT: Final = HEIGHT - TOP - BOTTOM
_TICKS: Final = 4
_MOST_POWERS: Final = 6
_FAR_APART: Final = 20
_MOST_LABELS: Final = 14
_ROW: Final = 26
_LABEL_CHARACTERS: Final = 26

STYLE: Final = """
figure { margin: 0 0 1.75rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .9rem 1rem .6rem; }
figcaption { font-weight: 600; margin-bottom: .35rem; }
figcaption small { font-weight: 400; color: var(--soft); margin-left: .4rem; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--soft); } svg .value { fill: var(--ink); }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .82rem; color: var(--soft); margin: 0 0 .4rem; }
.legend i { display: inline-block; width: .75rem; height: .75rem; border-radius: 3px; margin-right: .4rem;
  vertical-align: -.08rem; }
""" + "".join(
    f".f{number} {{ fill: var(--c{number}); }} .s{number} {{ stroke: var(--c{number}); }}"
    f" .b{number} {{ background: var(--c{number}); }}\n"
    for number in range(1, 7)
)


class Series(NamedTuple):
    """Values under one name, one a label; None: there is none. ``colour`` is 1 to 6."""

    name: str
    values: Sequence[float | None]
    colour: int


Say = Callable[[float], str]


class Scale(NamedTuple):
    """The value axis: from ``low`` to ``top``; ``low`` is above 0 where it is logarithmic."""

    low: float
    top: float

    def y(self, value: float) -> float:
        """Where a value stands."""
        if self.low:
            share = math.log(max(value, self.low) / self.low) / math.log(self.top / self.low)
        else:
            share = value / self.top
        return TOP + _PLOT_HEIGHT * (1 - share)

    def ticks(self) -> list[float]:
        """The values that are named."""
        if not self.low:
            return [self.top * part / _TICKS for part in range(_TICKS + 1)]
        steps = round(math.log10(self.top / self.low))
        every = -(-steps // _MOST_POWERS)
        return [self.low * 10**power for power in range(0, steps + 1, every)]


def linear(most: float) -> Scale:
    """From 0."""
    return Scale(0.0, round_up(most))


def logarithmic(values: Sequence[float]) -> Scale:
    """Over the powers of ten that hold them; of values that are close together, or 0, a linear one."""
    least, most = min(values, default=0), max(values, default=0)
    if least <= 0 or most < least * _FAR_APART:
        return linear(most)
    return Scale(10 ** math.floor(math.log10(least)), 10 ** math.ceil(math.log10(most)))


def draw_bars(
    title: str, unit: str, labels: Sequence[str], series: Sequence[Series], say: Say, *, least: float = 0
) -> str:
    """Bars over time, the series on top of each other.

    Args:
        title: What it shows.
        unit: What the values are, for the axis.
        labels: What each place on the time axis is.
        series: What is stacked, from below.
        say: How a value is written.
        least: The axis goes up to this at least: 4 where there are no fractions.
    """
    most = max((sum(one.values[place] or 0 for one in series) for place in range(len(labels))), default=0)
    scale = linear(max(most, least))
    step = _PLOT_WIDTH / max(1, len(labels))
    width = max(1.0, min(step * 0.8, 64))
    shapes: list[str] = []
    for place, label in enumerate(labels):
        base = 0.0
        said = [f"{one.name}: {say(one.values[place] or 0)}" for one in series]
        x = LEFT + step * place + (step - width) / 2
        rects = ""
        for one in series:
            value = one.values[place] or 0
            if value:
                y = scale.y(base + value)
                height = scale.y(base) - y
                rects += (
                    f'<rect class="f{one.colour}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
                )
                base += value
        if rects:
            shapes.append(f"<g><title>{escape(label)}\n{escape(chr(10).join(said))}</title>{rects}</g>")
    return _figure(title, unit, _frame(labels, scale, say) + "".join(shapes), series)


def draw_lines(title: str, unit: str, labels: Sequence[str], series: Sequence[Series], say: Say) -> str:
    """Lines over time, broken where there is no value; where values are far apart the axis is logarithmic."""
    scale = logarithmic([value for one in series for value in one.values if value is not None])
    unit = f"{unit}, logarithmic axis" if scale.low else unit
    step = _PLOT_WIDTH / max(1, len(labels))
    shapes: list[str] = []
    for one in series:
        points = [
            None if value is None else (LEFT + step * (place + 0.5), scale.y(value))
            for place, value in enumerate(one.values)
        ]
        shapes += [f'<polyline class="line s{one.colour}" points="{run}"/>' for run in _runs(points)]
        for point, value, label in zip(points, one.values, labels, strict=True):
            if point is not None and value is not None:
                said = escape(f"{label}\n{one.name}: {say(value)}")
                shapes.append(
                    f'<circle class="f{one.colour}" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="3">'
                    f"<title>{said}</title></circle>"
                )
    return _figure(title, unit, _frame(labels, scale, say) + "".join(shapes), series)


def draw_rows(title: str, unit: str, rows: Sequence[tuple[str, float]], say: Say, colour: int = 1) -> str:
    """A bar a name, from left to right, with its value behind it."""
    left, right = 210, 110
    most = max((value for _, value in rows), default=0) or 1
    shapes: list[str] = []
    for place, (name, value) in enumerate(rows):
        y = TOP + place * _ROW
        width = value / most * (WIDTH - left - right)
        short = name if len(name) <= _LABEL_CHARACTERS else f"{name[: _LABEL_CHARACTERS - 1]}…"
        shapes.append(
            f"<g><title>{escape(name)}: {escape(say(value))}</title>"
            f'<text class="value" x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(short)}</text>'
            f'<rect class="f{colour}" x="{left}" y="{y + 2}" width="{max(1.0, width):.1f}" height="{_ROW - 8}" rx="2"/>'
            f'<text x="{left + width + 6:.1f}" y="{y + 14}">{escape(say(value))}</text></g>'
        )
    height = TOP + len(rows) * _ROW + 4
    return _figure(title, unit, "".join(shapes), [], height)


def _figure(title: str, unit: str, shapes: str, series: Sequence[Series], height: int = HEIGHT) -> str:
    keys = "".join(f'<span><i class="b{one.colour}"></i>{escape(one.name)}</span>' for one in series)
    legend = f'<div class="legend">{keys}</div>' if keys else ""
    return (
        f"<figure><figcaption>{escape(title)}<small>{escape(unit)}</small></figcaption>{legend}"
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">{shapes}</svg></figure>'
    )


def _frame(labels: Sequence[str], scale: Scale, say: Say) -> str:
    """Grid, axes and their labels."""
    parts: list[str] = []
    for value in scale.ticks():
        y = scale.y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(say(value))}</text>')
    step = _PLOT_WIDTH / max(1, len(labels))
    every = -(-len(labels) // _MOST_LABELS) or 1
    for place in range(0, len(labels), every):
        x = LEFT + step * (place + 0.5)
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{escape(labels[place])}</text>'
        )
    y = TOP + _PLOT_HEIGHT
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
    return "".join(parts)


def _runs(points: Sequence[tuple[float, float] | None]) -> list[str]:
    """The lines' points, a text for each run without a gap."""
    runs: list[list[str]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(f"{point[0]:.1f},{point[1]:.1f}")
    return [" ".join(run) for run in runs if len(run) > 1]


def round_up(value: float) -> float:
    """The next number whose quarters are easy to read."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if step * power >= value)
