"""Figures as one HTML page with charts: for a meeting, a grant, a group's wiki."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Final

from open_llm_proxy.logs.export import chart
from open_llm_proxy.logs.export.chart import Series, draw_bars, draw_lines, draw_rows
from open_llm_proxy.logs.export.page import render_page
from open_llm_proxy.logs.export.wording import clean, say_cost, say_count, say_duration, say_short, say_time
from open_llm_proxy.logs.stats import By, Figures, Stats

_MOST_ROWS: Final = 12
_HEADINGS: Final[dict[By, str]] = {"app": "By app", "model": "By model", "provider": "By provider", "day": "By day"}
_STYLE: Final = (
    chart.STYLE
    + """
body { max-width: 72rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(13.5rem, 1fr)); gap: .75rem;
  margin: 1rem 0 2rem; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem .9rem; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .82rem; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .7rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; } tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; } .zero { color: var(--soft); }
p.soft { color: var(--soft); margin: 0; }
"""
)
_COLUMNS: Final[tuple[tuple[str, Callable[[Figures], str]], ...]] = (
    ("Calls", lambda one: say_count(one.calls)),
    ("Sessions", lambda one: say_count(one.sessions)),
    ("Errors", lambda one: _share(one.errors, one.calls)),
    ("Tokens in", lambda one: say_short(one.prompt_tokens)),
    ("Tokens out", lambda one: say_short(one.completion_tokens)),
    ("Cost", lambda one: say_cost(one.cost_usd)),
    ("p50", lambda one: say_duration(one.latency.p50)),
    ("p90", lambda one: say_duration(one.latency.p90)),
    ("p99", lambda one: say_duration(one.latency.p99)),
    ("First byte p50", lambda one: say_duration(one.ttft.p50)),
    ("First byte p90", lambda one: say_duration(one.ttft.p90)),
)


def render(stats: Stats, made_at: datetime) -> str:
    """The page's text; of no call at all, a page that says so."""
    return render_page("Calls to language models", _STYLE, "\n".join(_body(stats, made_at)))


def _body(stats: Stats, made_at: datetime) -> Iterator[str]:
    yield "<h1>Calls to language models</h1>"
    yield f'<p class="soft">{escape(say_window(stats, made_at))}</p>'
    if stats.total.calls:
        yield _tiles(stats.total)
        yield from _charts(stats)
        for by in ("model", "app", "provider", "day"):
            yield f"<h2>{_HEADINGS[by]}</h2>"
            yield _table(by, stats.groups[by])
    yield f"<footer>Times are UTC. Made by open-llm-proxy logs stats on {say_time(made_at)}.</footer>"


def say_window(stats: Stats, now: datetime) -> str:
    """From when to when, in words."""
    start, end = stats.window
    if not stats.total.calls:
        return "No call in this time."
    return f"From {say_time(start) if start else 'the first record'} to {say_time(end or now)} UTC."


def _tiles(total: Figures) -> str:
    tiles = [
        ("calls", say_count(total.calls)),
        ("sessions", say_count(total.sessions)),
        ("errors", _share(total.errors, total.calls)),
        ("tokens in", say_short(total.prompt_tokens)),
        ("tokens out", say_short(total.completion_tokens)),
        ("cost reported", say_cost(total.cost_usd)),
        ("median duration", say_duration(total.latency.p50)),
        ("99th percentile", say_duration(total.latency.p99)),
    ]
    inner = "".join(f'<div class="tile"><b>{escape(value)}</b><span>{name}</span></div>' for name, value in tiles)
    return f'<div class="tiles">{inner}</div>'


def _charts(stats: Stats) -> Iterator[str]:
    times = stats.times
    hourly = bool(times) and ":" in times[0].name
    each = "an hour" if hourly else "a day"
    labels = _labels(times, hourly=hourly)

    def series(name: str, colour: int, read: Callable[[Figures], float | None]) -> Series:
        return Series(name, [read(one) for one in times], colour)

    answered = series("answered", 3, lambda one: one.calls - one.errors - one.unanswered)
    calls = [answered, series("failed", 4, lambda one: one.errors), series("no answer", 6, lambda one: one.unanswered)]
    yield draw_bars("Calls", f"calls {each}", labels, _used(calls), say_count, least=4)
    if stats.total.errors:
        kinds = sorted(stats.total.kinds.items(), key=lambda row: -row[1])
        rows = [(kind.replace("_", " "), float(count)) for kind, count in kinds]
        yield draw_rows("Errors by kind", "calls", rows, say_count, 4)
    tokens = [series("in", 1, lambda one: one.prompt_tokens), series("out", 2, lambda one: one.completion_tokens)]
    if any(value for one in tokens for value in one.values):
        yield draw_bars("Tokens", f"tokens {each}", labels, tokens, say_short)
    if stats.total.cost_usd:
        cost = [series("cost", 5, lambda one: one.cost_usd)]
        yield draw_bars("Cost", f"US dollars {each}, as providers report it", labels, cost, say_cost)
    latency = [
        series("p50", 3, lambda one: one.latency.p50),
        series("p90", 2, lambda one: one.latency.p90),
        series("p99", 4, lambda one: one.latency.p99),
    ]
    yield draw_lines("Duration", "until an answer is complete", labels, latency, say_duration)
    ttft = [series("p50", 3, lambda one: one.ttft.p50), series("p90", 2, lambda one: one.ttft.p90)]
    if any(value is not None for one in ttft for value in one.values):
        yield draw_lines("Time to the first byte", "of an answer's body", labels, ttft, say_duration)
    yield from _by_name(stats)


def _by_name(stats: Stats) -> Iterator[str]:
    for by in ("model", "app"):
        rows = [(clean(one.name), float(one.calls)) for one in stats.groups[by][:_MOST_ROWS]]
        if len(rows) > 1:
            more = len(stats.groups[by]) - len(rows)
            unit = f"calls, the first {_MOST_ROWS} of {len(stats.groups[by])}" if more else "calls"
            yield draw_rows(f"Calls by {by}", unit, rows, say_count)


def _used(series: Sequence[Series]) -> list[Series]:
    return [one for one in series if any(one.values)]


def _labels(times: Sequence[Figures], *, hourly: bool) -> list[str]:
    """``04-07`` a day; ``13:00`` an hour, the first of each day with the day."""
    labels: list[str] = []
    day = ""
    for one in times:
        text = one.name[len("2026-") :]
        labels.append(text[len("04-07 ") :] if hourly and text[:5] == day else text)
        day = text[:5]
    return labels


def _table(by: By, rows: Sequence[Figures]) -> str:
    head = "".join(f"<th>{name}</th>" for name in (by.capitalize(), *(name for name, _ in _COLUMNS)))
    lines = ""
    for one in rows:
        cells = "".join(f"<td>{escape(say(one))}</td>" for _, say in _COLUMNS)
        lines += f"<tr><td>{escape(clean(one.name))}</td>{cells}</tr>"
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def _share(part: int, whole: int) -> str:
    """A count and its share: ``12 (3 %)``."""
    if not part:
        return "0"
    share = 100 * part / whole
    return f"{part:,} ({share:.0f} %)" if share >= 1 else f"{part:,} ({share:.1f} %)"
