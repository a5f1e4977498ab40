"""A session is asked again: the same questions in the same order, with another model, prompt or tools."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal

from open_llm_proxy.agent.budget import BudgetedModel, BudgetError
from open_llm_proxy.agent.cell import append_path
from open_llm_proxy.agent.events import OnEvent, ignore
from open_llm_proxy.agent.loop import NoTools, Session, ToolSource, ending
from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.model import ProxyModel
from open_llm_proxy.agent.original import Original
from open_llm_proxy.agent.recorded import Missing, RecordedTools
from open_llm_proxy.agent.settings import MCP_URL, Settings
from open_llm_proxy.agent.toolbox import Toolbox
from open_llm_proxy.agent.transcript import Transcript
from open_llm_proxy.errors import UserError

ToolsFrom = Literal["recorded", "live"]
NO_ORIGIN: Final = "http://localhost"
TAG: Final = "replay"


@dataclass(frozen=True)
class Terms:
    """How a session is asked again.

    Attributes:
        settings: Where and how; the origin and the session id among them.
        system_prompt: What the model is told.
        tools_from: Who answers tool calls.
        targets: MCP servers; recorded tools take their list from them where the log has none. None: no word of it.
    """

    settings: Settings
    system_prompt: str
    tools_from: ToolsFrom = "recorded"
    targets: tuple[Target, ...] | None = None
    max_calls: int | None = None
    max_cost: float | None = None


@dataclass
class Replay:
    """What came of it: the transcript is valid at each moment. ``missing``: calls that the log has no result for."""

    transcript: Transcript
    missing: list[Missing] = field(default_factory=list[Missing])
    notes: list[str] = field(default_factory=list[str])


def origin_of(original: Original) -> str:
    """The replay's origin: the session's own with ``/replay``, so that it can be told from real traffic."""
    return append_path(original.origin or NO_ORIGIN, TAG)


def choose_prompt(original: Original, given: str | None) -> tuple[str, list[str]]:
    """The system prompt of a replay, and what there is to say of it."""
    if given is not None:
        return given, []
    if original.system_prompt is None:
        return "", [f"{_lacks(original, 'system prompt')}; the replay has none. --system-prompt PATH gives it one"]
    return original.system_prompt, []


def check_tools(original: Original, tools_from: ToolsFrom, targets: tuple[Target, ...] | None) -> list[str]:
    """What there is to say of a replay's tools.

    Raises:
        UserError: The session used tools that are not known.
    """
    if original.tools is not None or targets is not None:
        return []
    lacks = _lacks(original, "list of tools")
    if original.tool_calls or tools_from == "live":
        raise UserError(
            lacks, "Name the MCP server that has them: --mcp-url URL (and its prompt: --system-prompt PATH)"
        )
    return [f"{lacks}; it called none, and the replay has none. --mcp-url URL gives it some"]


async def replay(original: Original, terms: Terms, kept: Replay, on_event: OnEvent = ignore) -> None:
    """Ask a session's questions again; ``kept`` holds at each moment what came of it, and in the end how it ended.

    Raises:
        asyncio.CancelledError: The task was cancelled; the transcript says so.
    """
    transcript = kept.transcript
    transcript.system_prompt = terms.system_prompt
    async with (
        ending(transcript, on_event),
        _tools(original, terms, transcript, on_event) as tools,
        ProxyModel(terms.settings) as model,
    ):
        if isinstance(tools, RecordedTools):
            kept.missing = tools.missing
        _compare_tools(original, tools, kept)
        budgeted = BudgetedModel(model, terms.max_calls, terms.max_cost)
        session = Session(terms.settings, budgeted, tools, on_event, transcript)
        try:
            await _ask(original, session)
        except BudgetError:
            transcript.turns.pop()  # it was not taken
            raise
        finally:
            if budgeted.is_cost_unknown:
                kept.notes.append("no answer named a cost: --max-cost could not be watched")


async def _ask(original: Original, session: Session) -> None:
    """All questions, up to the first that gets no answer: what follows would be about nothing."""
    opening = list(session.transcript.messages)
    thread = original.questions[0].thread
    for question in original.questions:
        if question.thread != thread:
            thread = question.thread
            session.transcript.messages[:] = opening
        if (await session.ask(question.text)).code:
            return


@asynccontextmanager
async def _tools(
    original: Original, terms: Terms, transcript: Transcript, on_event: OnEvent
) -> AsyncGenerator[ToolSource]:
    if terms.tools_from == "recorded" and (original.tools is not None or terms.targets is None):
        yield RecordedTools(original.tools or [], original.tool_calls)
        return
    targets = terms.targets if terms.targets is not None else _own_targets(original)
    if not targets:
        yield NoTools()
        return
    async with Toolbox(targets, terms.settings.tool_timeout_s, on_event) as box:
        transcript.servers = box.servers
        if terms.tools_from == "live":
            yield box
            return
        tools = list(box.tools)
    yield RecordedTools(tools, original.tool_calls)


def _own_targets(original: Original) -> tuple[Target, ...]:
    """Where a session's tools are that nobody named: its own servers, else the group's, as the runner has it."""
    if not original.tools:
        return ()
    return tuple(Target(url=url) for url in original.places or [MCP_URL])


def _compare_tools(original: Original, tools: ToolSource, kept: Replay) -> None:
    offered = {tool["function"]["name"] for tool in tools.tools}
    used = dict.fromkeys(call.name for call in original.tool_calls)
    if lacking := [name for name in used if name not in offered]:
        kept.notes.append(f"the session used tools that the replay is not offered: {', '.join(lacking)}")


def _lacks(original: Original, what: str) -> str:
    mode = " was logged in summary mode:" if original.is_summary else ":"
    return f"The session {original.name}{mode} its {what} is not in the records"


def replay_session(original: Original, terms: Terms, kept: Replay, on_event: OnEvent = ignore) -> None:
    """The same as a program's only work: Ctrl-C ends it, and ``kept`` holds what there was."""
    with suppress(KeyboardInterrupt):
        asyncio.run(replay(original, terms, kept, on_event))
