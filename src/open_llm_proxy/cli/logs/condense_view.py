"""How ``logs condense`` tells what it does: a bar and a line a day on a terminal, lines of JSON in a job's log."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from open_llm_proxy.cli.output import show
from open_llm_proxy.logs.condense.plan import Plan
from open_llm_proxy.logs.condense.run import Report, Step
from open_llm_proxy.logs.stored import Source


class JobView:
    """A line of JSON for what happens."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def watch(self, step: Step) -> None:
        """A day or month begins, is done, or has failed."""
        line: dict[str, Any] = {"event": step.state, "period": step.period, "number": step.number, "of": step.of}
        if step.state != "begun":
            line["seconds"] = round(step.elapsed_s, 3)
        if step.done is not None:
            line |= {name: value for name, value in step.done._asdict().items() if name != "period"}
        if step.failed is not None:
            line["error"] = step.failed.why
        self._show(line)

    def end(self, report: Report) -> None:
        """The last line: what failed."""
        self._show(
            {
                "event": "end",
                "done": [one.period for one in report.done],
                "failed": [one.period for one in report.failed],
                "waiting": report.waiting,
                "source": self._source.url,
            }
        )

    def _show(self, line: dict[str, Any]) -> None:
        show(json.dumps(line, ensure_ascii=False))
        sys.stdout.flush()


class TerminalView:
    """A bar, and a line for what is done."""

    def __init__(self, source: Source, progress: Progress) -> None:
        self._source = source
        self._progress = progress
        self._bar = progress.add_task("", total=None)

    def watch(self, step: Step) -> None:
        """As ``JobView``."""
        done = step.number - (step.state == "begun")
        self._progress.update(self._bar, description=step.period, total=step.of, completed=done)
        if step.done is not None:
            one = step.done
            extra = [f"{count:,} {name}" for name, count in (("doubles", one.doubles), ("torn", one.torn)) if count]
            told = ", ".join([f"{one.records:,} records", *extra, f"{step.elapsed_s:.1f} s"])
            self._progress.console.print(f"[green]✓[/] {step.period}  {told}", highlight=False)
        if step.failed is not None:
            self._progress.console.print(f"[red]✗[/] {step.period}  ", step.failed.why, markup=False, highlight=False)

    def end(self, report: Report) -> None:
        """As ``JobView``."""
        show(summarise(report, self._source))


@contextmanager
def watching(source: Source) -> Generator[JobView | TerminalView]:
    """The view for where stdout goes."""
    if not sys.stdout.isatty():
        yield JobView(source)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield TerminalView(source, progress)


def summarise(report: Report, source: Source) -> str:
    """What a run came to, in a line."""
    if not report.done and not report.failed and not report.waiting:
        return f"nothing to condense in {source.url}"
    parts = [f"{len(report.done)} done"]
    if report.waiting:
        parts.append(f"waiting for their days: {', '.join(report.waiting)}")
    parts.append(f"failed: {', '.join(one.period for one in report.failed)}" if report.failed else "none failed")
    return "; ".join(parts)


def show_plan(plan: Plan, source: Source) -> None:
    """What a dry run found."""
    terminal = sys.stdout.isatty()
    for job in plan.jobs:
        late = f" (late files of {', '.join(job.late)})" if job.late else ""
        line = {"event": "planned", "period": job.period, "late": list(job.late)}
        show(f"would condense {job.period}{late}" if terminal else json.dumps(line))
    planned = [job.period for job in plan.jobs]
    if not terminal:
        show(json.dumps({"event": "end", "planned": planned, "waiting": plan.waiting, "source": source.url}))
    elif not planned:
        show(f"nothing to condense in {source.url}")
