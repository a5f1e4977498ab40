"""A plan's run as a program: the folder held, the cells run, the reports written, whatever ends it."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from open_llm_proxy.agent import report_markdown, report_page
from open_llm_proxy.agent.cell_folder import CellFolder
from open_llm_proxy.agent.matrix import Matrix, OnOutcome
from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.plan import Plan
from open_llm_proxy.agent.report import Report, make_report
from open_llm_proxy.agent.settings import resolve_key, resolve_proxy_url

RUNS: Final = "runs"
MARKDOWN: Final = "report.md"
PAGE: Final = "report.html"
INCOMPLETE: Final = 4
INTERRUPTED: Final = 130


class Place(NamedTuple):
    """Where a plan is run: options that win over the plan, as they were typed."""

    out: str | None = None
    proxy_url: str | None = None
    api_key: str | None = None
    mcp_urls: tuple[str, ...] = ()
    mcp_commands: tuple[str, ...] = ()

    def folder(self, plan: Plan) -> Path:
        """The folder that the results go to."""
        return Path(self.out).expanduser() if self.out else Path(RUNS) / plan.name

    def fitted(self, plan: Plan) -> Plan:
        """The plan with these tools instead of its own."""
        targets = (*(Target(url=url) for url in self.mcp_urls), *(Target(command=one) for one in self.mcp_commands))
        return replace(plan, targets=targets) if targets else plan


def run_plan(plan: Plan, place: Place, watch: Callable[[int], OnOutcome]) -> tuple[Report, int]:
    """Run what is left of a plan; the report, and the exit status: 0, 4 or 130.

    Args:
        plan: What to try.
        place: Where.
        watch: Given the number of cells, what is told of each.

    Raises:
        UserError: The folder is in use, or cannot be written.
    """
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # what it logs of a lost session stands in the cell's file
    plan = place.fitted(plan)
    folder = CellFolder(place.folder(plan))
    proxy_url = resolve_proxy_url(place.proxy_url or plan.proxy_url, os.environ)
    with folder.held():
        matrix = Matrix(plan, folder, proxy_url, resolve_key(place.api_key, os.environ), lambda _: None)
        matrix.on_outcome = watch(len(matrix.cells))
        interrupted = True
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(matrix.run())
            interrupted = False
        names = {cell.name for cell in matrix.cells}
        report = make_report(plan, matrix.outcomes, folder.others(names))
        folder.put(folder.path / MARKDOWN, report_markdown.render(report))
        folder.put(folder.path / PAGE, report_page.render(report))
    return report, INTERRUPTED if interrupted else INCOMPLETE if report.incomplete else 0
