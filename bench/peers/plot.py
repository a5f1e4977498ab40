"""The plot: a dot a peer on logarithmic axes, as SVG that can be read on light and on dark pages."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench.peers.ours import NAME
from bench.peers.result import Measured, Result
from bench.table import format_number

_WIDTH, _ROW, _TOP, _LABEL, _GAP = 960, 26, 74, 130, 28
_TITLE = f"{NAME} beside its peers, each with its logging; less is better, axes logarithmic"
_FOOT = f"{NAME}: \N{WHITE CIRCLE} serving, \N{BLACK CIRCLE} with the recorder that writes both bodies of every call"
_STYLE = """\
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .faint { fill: #59636e; font-size: 12px; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .stem { stroke: #8c959f; stroke-width: 2; }
  .dot { fill: #6e7781; }
  .ours { fill: #0969da; font-weight: 600; }
  .ours-stem { stroke: #0969da; stroke-width: 2; }
  .part { fill: #ffffff; stroke: #0969da; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .faint { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .stem { stroke: #656c76; }
    .dot { fill: #9198a1; }
    .ours { fill: #4493f8; }
    .ours-stem { stroke: #4493f8; }
    .part { fill: #0d1117; stroke: #4493f8; }
  }
"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One axis: a title, a peer's value, and the part of it that its serving process has."""

    title: str
    unit: str
    find: Callable[[Measured], float | None]
    find_part: Callable[[Measured], float | None] = lambda _peer: None


def _find(reading: str) -> Callable[[Measured], float | None]:
    return lambda peer: peer.find(reading)


def _find_serving(reading: str) -> Callable[[Measured], float | None]:
    def find(peer: Measured) -> float | None:
        whole, recorder = peer.find(reading), peer.find(f"{reading}, recorder")
        return None if whole is None or recorder is None else whole - recorder

    return find


PANELS = (
    Panel("CPU a call", "µs", _find("call"), _find_serving("call")),
    Panel("CPU a chunk of a stream", "µs", _find("chunk"), _find_serving("chunk")),
    Panel("memory, 1,000 streams", "MB", _find("memory")),
)


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis between two powers of ten."""

    low: int
    high: int
    left: float
    width: float

    def place(self, value: float) -> float:
        """Where a value stands."""
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.left + self.width * min(1.0, max(0.0, share))

    @property
    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def make_axis(values: Sequence[float], left: float, width: float) -> Axis:
    """The least axis that holds all values."""
    low = math.floor(math.log10(min(values))) if values else 0
    high = math.ceil(math.log10(max(values))) if values else 1
    return Axis(low, max(high, low + 1), left, width)


def draw(result: Result) -> str:
    """The whole picture."""
    peers = [peer for peer in result.peers if any(panel.find(peer) is not None for panel in PANELS)]
    height = _TOP + _ROW * len(peers) + 40
    width = (_WIDTH - _LABEL - _GAP * len(PANELS)) / len(PANELS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(describe(peers))}</title>",
        f"<style>\n{_STYLE}</style>",
        f'<text class="title" x="8" y="22">{_TITLE}</text>',
    ]
    for number, peer in enumerate(peers):
        kind = ' class="ours"' if peer.name == NAME else ""
        parts.append(f'<text{kind} x="8" y="{_row(number) + 4}">{escape(peer.name)}</text>')
    for number, panel in enumerate(PANELS):
        parts += draw_panel(panel, peers, _LABEL + _GAP / 2 + number * (width + _GAP), width - 34, height)
    foot = f"{_FOOT}; measured {result.at[:10]}"
    parts.append(f'<text class="faint" x="8" y="{height - 8}">{foot}</text>')
    return "\n".join([*parts, "</svg>", ""])


def describe(peers: Sequence[Measured]) -> str:
    """The picture in words, for who cannot see it."""
    cells = [f"{peer.name} {format_number(peer.find('call'))} µs CPU a call" for peer in peers]
    return "; ".join(cells)


def _row(number: int) -> float:
    return _TOP + _ROW * number + _ROW / 2


def draw_panel(panel: Panel, peers: Sequence[Measured], left: float, width: float, height: float) -> list[str]:
    """Title, grid, and each peer's dot."""
    values = [value for peer in peers for find in (panel.find, panel.find_part) if (value := find(peer)) is not None]
    axis = make_axis(values, left, width)
    bottom = height - 34
    parts = [f'<text class="title" x="{left:.0f}" y="46">{panel.title} ({panel.unit})</text>']
    for tick in axis.ticks:
        x = axis.place(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 4}" x2="{x:.1f}" y2="{bottom:.0f}"/>')
        parts.append(f'<text class="faint" x="{x:.1f}" y="{_TOP - 10}" text-anchor="middle">{tick:,.10g}</text>')
    for number, peer in enumerate(peers):
        parts += draw_dot(panel, peer, axis, _row(number))
    return parts


def draw_dot(panel: Panel, peer: Measured, axis: Axis, y: float) -> list[str]:
    """A dot with its number; ours with a ring for the serving process alone."""
    value, part = panel.find(peer), panel.find_part(peer)
    if value is None:
        return [f'<text class="faint" x="{axis.left:.0f}" y="{y + 4:.0f}">not measured</text>']
    x, is_ours = axis.place(value), peer.name == NAME
    stem, dot = ("ours-stem", "ours") if is_ours else ("stem", "dot")
    parts = [f'<line class="{stem}" x1="{axis.left:.1f}" y1="{y:.0f}" x2="{x:.1f}" y2="{y:.0f}"/>']
    if part is not None:
        parts.append(f'<circle class="part" cx="{axis.place(part):.1f}" cy="{y:.0f}" r="4.5"/>')
    text = "ours" if is_ours else "faint"
    parts.append(f'<circle class="{dot}" cx="{x:.1f}" cy="{y:.0f}" r="5"/>')
    parts.append(f'<text class="{text}" x="{x + 9:.1f}" y="{y + 4:.0f}">{format_number(value)}</text>')
    return parts
