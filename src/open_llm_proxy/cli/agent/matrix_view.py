"""A plan's progress on stderr, and its report on stdout."""

import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from open_llm_proxy.agent.matrix import OnOutcome, Outcome
from open_llm_proxy.agent.matrix_run import INTERRUPTED, MARKDOWN, PAGE
from open_llm_proxy.agent.report import Report
from open_llm_proxy.agent.report_wording import (
    FAILED,
    HEADS,
    LEGEND,
    PASSED,
    say_group,
    say_mark,
    say_summary,
    say_versions,
)
from open_llm_proxy.logs.export.wording import clean
from open_llm_proxy.telemetry import diagnostics

PLAIN_WIDTH: Final = 160
_NUMBERS_FROM: Final = 2
_COLOURS: Final = {PASSED: "green", FAILED: "red"}


def watch(cells: int) -> OnOutcome:
    """Say a line a cell that was run, as it ends."""
    done = 0

    def show(outcome: Outcome) -> None:
        nonlocal done
        done += 1
        if outcome.fresh or not outcome.is_complete:
            why = f": {outcome.problem}" if outcome.problem else ""
            diagnostics.say("info", f"[{done}/{cells}] {say_mark(outcome)} {outcome.cell.name}{why}")

    return show


def conclude(report: Report, folder: Path, status: int) -> None:
    """Print the report, and say where everything is."""
    show_report(report)
    kept = sum(not outcome.fresh and outcome.is_complete for outcome in report.outcomes)
    if kept:
        diagnostics.say("info", f"{kept} of {len(report.outcomes)} cells had been run before")
    if report.incomplete:
        why = "interrupted" if status == INTERRUPTED else "not everything could be run"
        diagnostics.say("warning", f"{why}: {len(report.incomplete)} cells are left; the same command goes on")
    diagnostics.say("info", f"{folder / MARKDOWN}, {folder / PAGE}")


def show_report(report: Report) -> None:
    """Print it."""
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, width=PLAIN_WIDTH, highlight=False, emoji=False, markup=False)
    console.print(Text(f"{clean(report.plan.name)}: {say_summary(report)}", style="bold"))
    console.print()
    console.print(_groups(report))
    console.print()
    console.print(_grid(report))
    console.print(Text(LEGEND, style="dim"))
    console.print()
    for name, text in say_versions(report.versions):
        console.print(Text(f"{clean(name)}: {clean(text)}", style="dim"))
    for outcome in report.incomplete:
        console.print(Text(f"{outcome.cell.name}: {clean(outcome.problem)}", style="red"))


def _groups(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, head in enumerate(HEADS):
        table.add_column(head, justify="left" if place < _NUMBERS_FROM else "right", no_wrap=True)
    for group in report.groups:
        table.add_row(*(Text(clean(text)) for text in say_group(group)))
    return table


def _grid(report: Report) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("question", no_wrap=True, overflow="ellipsis")
    for group in report.groups:
        table.add_column(clean(group.name), overflow="fold")
    for question in report.plan.questions:
        marks = [map(say_mark, report.row(question.name, group)) for group in report.groups]
        table.add_row(Text(question.name), *(_coloured(list(one)) for one in marks))
    return table


def _coloured(marks: list[str]) -> Text:
    return Text(" ").join(Text(mark, style=_COLOURS.get(mark, "yellow")) for mark in marks)
