"""A plan is run: cells side by side up to a limit, each kept as it ends; what is kept already is not run again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from open_llm_proxy.agent.cell import Cell, cells_of, was_run
from open_llm_proxy.agent.cell_folder import CellFolder
from open_llm_proxy.agent.gold import grade
from open_llm_proxy.agent.jsonvalues import Object, as_object, as_text
from open_llm_proxy.agent.judge import judge_answer, judged_already, verdict
from open_llm_proxy.agent.loop import Session, all_or_none, ending
from open_llm_proxy.agent.model import ProxyModel
from open_llm_proxy.agent.plan import Plan
from open_llm_proxy.agent.settings import Settings, fresh_session_id
from open_llm_proxy.agent.toolbox import Toolbox
from open_llm_proxy.agent.transcript import Transcript

VERSION_S: Final = 10.0


@dataclass(frozen=True)
class Outcome:
    """A cell and what is kept of it. ``fresh``: it was run just now."""

    cell: Cell
    saved: Object
    fresh: bool = False

    @property
    def ran(self) -> bool:
        """Whether its session came to its end."""
        return was_run(self.saved)

    @property
    def passed(self) -> bool | None:
        """Whether its answer is right; None: it was not run, has no gold answer, or the judge said nothing."""
        passed = as_object(self.saved.get("verdict")).get("passed")
        return passed if self.ran and isinstance(passed, bool) else None

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to do."""
        return self.ran and (self.cell.question.gold is None or self.passed is not None)

    @property
    def problem(self) -> str:
        """Why it could not be run, or not be judged; empty: it could."""
        if not self.ran:
            return as_text(as_object(self.saved.get("exit")).get("message")) or "it was not run"
        return "" if self.is_complete else as_text(as_object(self.saved.get("verdict")).get("reason"))


OnOutcome = Callable[[Outcome], None]


class Matrix:
    """One run of a plan.

    Args:
        plan: What to try.
        folder: Where results are kept; it is held by the caller.
        proxy_url: Where calls go.
        api_key: The proxy key.
        on_outcome: Told of each cell when it is done, or found done.
    """

    def __init__(self, plan: Plan, folder: CellFolder, proxy_url: str, api_key: str, on_outcome: OnOutcome) -> None:
        self.cells = list(cells_of(plan))
        self._plan = plan
        self._folder = folder
        self._proxy_url = proxy_url
        self._api_key = api_key
        self.on_outcome = on_outcome
        self._version: str | None = None
        self._outcomes: dict[str, Outcome] = {}

    async def run(self) -> list[Outcome]:
        """Run what is left; the outcomes of all cells, in the plan's order.

        Raises:
            UserError: A result cannot be kept.
        """
        self._version = await read_version(self._proxy_url)
        left = iter(self.cells)

        async def work() -> None:
            for cell in left:
                outcome = self._outcomes[cell.name] = await self._finish(cell)
                self.on_outcome(outcome)

        await all_or_none(work() for _ in range(min(self._plan.parallel, len(self.cells))))
        return self.outcomes

    @property
    def outcomes(self) -> list[Outcome]:
        """What there is so far: of cells that nothing is kept of, an empty one."""
        return [
            self._outcomes.get(cell.name) or Outcome(cell, self._folder.finished(cell) or {}) for cell in self.cells
        ]

    async def _finish(self, cell: Cell) -> Outcome:
        settings = self._settings(cell)
        saved = self._folder.finished(cell)
        fresh = saved is None
        if saved is None:
            transcript = await run_cell(cell, settings)
            saved = transcript.to_json() | {"cell": cell.described(self._version), "verdict": None}
            self._folder.write(cell, saved)
        given = await self._grade(cell, settings, saved)
        if given != saved.get("verdict"):
            saved = saved | {"verdict": given}
            self._folder.write(cell, saved)
        return Outcome(cell, saved, fresh)

    def _settings(self, cell: Cell) -> Settings:
        return replace(cell.settings(fresh_session_id()), proxy_url=self._proxy_url, api_key=self._api_key)

    async def _grade(self, cell: Cell, settings: Settings, saved: Object) -> Object | None:
        gold, judge = cell.question.gold, self._plan.judge
        if gold is None or not was_run(saved):
            return None
        answer = as_text(saved.get("answer"))
        if gold.kind == "judge" and judge is not None:
            known = judged_already(cell, judge, saved)
            return known or await judge_answer(cell, judge, settings, answer, self._folder.judge_file(cell))
        graded = grade(gold, answer)
        return verdict(cell, passed=graded.passed, reason=graded.reason)


async def run_cell(cell: Cell, settings: Settings) -> Transcript:
    """Run a cell's session; the transcript says how it ended.

    Raises:
        asyncio.CancelledError: The task was cancelled.
    """
    transcript = Transcript(settings, system_prompt=cell.prompt.text)
    async with (
        ending(transcript),
        Toolbox(cell.plan.targets, settings.tool_timeout_s) as tools,
        ProxyModel(settings) as model,
    ):
        transcript.servers = tools.servers
        if cell.prompt.mcp_prompt:
            given = await tools.prompt(cell.prompt.mcp_prompt)
            transcript.system_prompt = "\n\n".join(filter(None, (transcript.system_prompt, given)))
        session = Session(settings, model, tools, transcript=transcript)
        for question in cell.question.asks:
            if (await session.ask(question)).code:
                break
    return transcript


async def read_version(proxy_url: str) -> str | None:
    """What the proxy says of itself at its root; None: nothing, or it is another server."""
    import httpx  # noqa: PLC0415 - half a second, and not for `--help`

    parts = urlsplit(proxy_url)
    root = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/').removesuffix('/v1')}/"))
    try:
        async with httpx.AsyncClient(timeout=VERSION_S) as client:
            told = as_object((await client.get(root)).json())
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    return as_text(told.get("version")) or None
