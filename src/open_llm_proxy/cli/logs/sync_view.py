"""How ``logs sync`` tells what it does: a bar on a terminal, what failed, and one line at the end."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from open_llm_proxy.cli.output import show, warn
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.sync import Advance, Outcome


@contextmanager
def watching() -> Generator[Callable[[Advance], None]]:
    """A bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("copying", total=None)
        yield lambda step: progress.update(bar, total=step.total_bytes, completed=step.done_bytes)


def show_outcome(outcome: Outcome, source: Source, target: Source, *, dry_run: bool) -> None:
    """Each failure on stderr; of a dry run each file; and what it came to."""
    for failure in outcome.failed:
        warn(f"{failure.key} was not copied: {failure.why}")
    if dry_run:
        for key in outcome.copied:
            show(f"would copy {key}")
        for key in outcome.pruned:
            show(f"would delete {key}")
    show(f"{source.url} -> {target.url}: {summarise(outcome, dry_run=dry_run)}")


def summarise(outcome: Outcome, *, dry_run: bool) -> str:
    """What it came to, in a line."""
    would = "to copy" if dry_run else "copied"
    parts = [f"{len(outcome.copied)} {would} ({outcome.copied_bytes / 1e6:,.1f} MB)", f"{outcome.unchanged} unchanged"]
    if outcome.pruned:
        parts.append(f"{len(outcome.pruned)} {'to delete' if dry_run else 'deleted'}")
    if outcome.gone:
        parts.append(f"{outcome.gone} condensed meanwhile")
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} failed")
    return ", ".join(parts)
