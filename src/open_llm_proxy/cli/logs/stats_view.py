"""Figures in the terminal: one line for all, a table by what was asked for, and plots."""

import csv
import json
import sys
from collections.abc import Callable
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from open_llm_proxy.cli.logs.fitted_table import fit_table
from open_llm_proxy.cli.logs.plots import Series, plot_bars, plot_lines
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.export.wording import clean, say_cost, say_count, say_duration, say_short
from open_llm_proxy.logs.stats import By, Figures, Stats

FORMS: Final = ("table", "json", "csv")
PLAIN_WIDTH: Final = 140


def show_stats(stats: Stats, by: By, form: str) -> None:
    """Print the figures of the groups ``by``.

    Raises:
        UserError: It is no form.
    """
    if form not in FORMS:
        raise UserError(f"--format takes {', '.join(FORMS)}, not {form!r}")
    rows = stats.groups[by]
    if form == "json":
        value = {"total": stats.total, "by": by, "rows": rows}
        sys.stdout.write(f"{json.dumps(msgspec.to_builtins(value), indent=2)}\n")
    elif form == "csv":
        _write_csv(by, rows)
    elif stats.total.calls:
        _show(stats, by, rows)


def _show(stats: Stats, by: By, rows: list[Figures]) -> None:
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH, highlight=False)
    console.print(_summary(stats.total))
    console.print()
    console.print(_table(by, rows, console.width))
    if stats.total.kinds:
        console.print()
        console.print(_kinds(stats.total))
    for plot in _plots(stats):
        console.print()
        coloured = Text.from_ansi(plot)
        console.print(coloured if console.is_terminal else coloured.plain)


def _summary(total: Figures) -> Text:
    return Text.assemble(
        (f"{say_count(total.calls)} calls", "bold"),
        f" in {say_count(total.sessions)} sessions, ",
        (f"{say_count(total.errors)} failed", "red" if total.errors else ""),
        f", {say_count(total.unanswered)} without an answer" if total.unanswered else "",
        f"; {say_short(total.prompt_tokens)} tokens in, {say_short(total.completion_tokens)} out",
        f"; {say_cost(total.cost_usd)}" if total.cost_usd is not None else "",
        f"; p50 {say_duration(total.latency.p50)}, p99 {say_duration(total.latency.p99)}",
    )


def _table(by: By, rows: list[Figures], width: int) -> Table:
    cells = {name: [Text(make(one)) for one in rows] for name, make in _COLUMNS.items()}
    names = {by: [Text(clean(one.name)) for one in rows]}
    return fit_table(names | cells, width, flexible=by, dispensable=_DISPENSABLE, numbers=tuple(_COLUMNS))


_COLUMNS: Final[dict[str, Callable[[Figures], str]]] = {
    "calls": lambda one: say_count(one.calls),
    "sessions": lambda one: say_count(one.sessions),
    "failed": lambda one: say_count(one.errors),
    "no answer": lambda one: say_count(one.unanswered),
    "in": lambda one: say_short(one.prompt_tokens),
    "out": lambda one: say_short(one.completion_tokens),
    "cached": lambda one: say_short(one.cached_tokens),
    "cost": lambda one: say_cost(one.cost_usd),
    "p50": lambda one: say_duration(one.latency.p50),
    "p90": lambda one: say_duration(one.latency.p90),
    "p99": lambda one: say_duration(one.latency.p99),
    "ttft p50": lambda one: say_duration(one.ttft.p50),
    "ttft p90": lambda one: say_duration(one.ttft.p90),
    "ttft p99": lambda one: say_duration(one.ttft.p99),
}
_DISPENSABLE: Final = (
    "ttft p99",
    "cached",
    "ttft p90",
    "no answer",
    "ttft p50",
    "sessions",
    "p90",
    "out",
    "cost",
    "in",
)


def _kinds(total: Figures) -> Text:
    kinds = sorted(total.kinds.items(), key=lambda row: -row[1])
    return Text("failed: " + ", ".join(f"{kind.replace('_', ' ')} {count:,}" for kind, count in kinds), style="red")


def _plots(stats: Stats) -> list[str]:
    times = stats.times
    if len(times) < 2:
        return []
    each = "an hour" if ":" in times[0].name else "a day"
    labels = [one.name[len("2026-") :].removesuffix(":00") for one in times]
    calls = [
        Series("answered", [one.calls - one.errors - one.unanswered for one in times], "green"),
        Series("failed or unanswered", [one.errors + one.unanswered for one in times], "red"),
    ]
    latency = [
        Series(name, [_seconds(getattr(one.latency, name)) for one in times], colour)
        for name, colour in (("p50", "green"), ("p90", "orange"))
    ]
    return [plot_bars(f"calls {each}", labels, calls), plot_lines("duration in seconds", labels, latency)]


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000


def _write_csv(by: By, rows: list[Figures]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    times = ("latency_p50_ms", "latency_p90_ms", "latency_p99_ms", "ttft_p50_ms", "ttft_p90_ms", "ttft_p99_ms")
    names = (
        "calls",
        "sessions",
        "errors",
        "unanswered",
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "cost_usd",
    )
    writer.writerow([by, *names, *times])
    for one in rows:
        percentiles = [one.latency.p50, one.latency.p90, one.latency.p99, one.ttft.p50, one.ttft.p90, one.ttft.p99]
        writer.writerow([one.name, *(getattr(one, name) for name in names), *percentiles])
