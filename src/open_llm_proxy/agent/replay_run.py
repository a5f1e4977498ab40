"""A replay as a program: the session found, its terms settled, asked again, compared."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, get_args

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.comparison import Comparison, compare
from open_llm_proxy.agent.events import Event
from open_llm_proxy.agent.logged import find_original
from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.options import NONE
from open_llm_proxy.agent.original import Original, read_transcript
from open_llm_proxy.agent.replay import Replay, Terms, ToolsFrom, check_tools, choose_prompt, origin_of, replay_session
from open_llm_proxy.agent.screen import Screen
from open_llm_proxy.agent.settings import Settings, resolve_key, resolve_proxy_url
from open_llm_proxy.agent.system_prompt import load_system_prompt
from open_llm_proxy.agent.transcript import Transcript
from open_llm_proxy.agent.view import View
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.window import Window

Say = Callable[[str], None]


class Wanted(NamedTuple):
    """What was typed of a replay. None: no word of it."""

    session: str
    model: str | None = None
    tools: str = "recorded"
    system_prompt: str | None = None
    mcp_urls: tuple[str, ...] = ()
    mcp_commands: tuple[str, ...] = ()
    proxy_url: str | None = None
    api_key: str | None = None
    from_dir: str | None = None
    store: str | None = None
    window: Window | None = None
    max_cost: float | None = None
    max_calls: int | None = None
    max_turns: int = 20
    timeout_s: float | None = None
    transcript: str | None = None

    @property
    def targets(self) -> tuple[Target, ...] | None:
        """The MCP servers."""
        if not self.mcp_urls and not self.mcp_commands:
            return None
        urls = tuple(Target(url=url) for url in self.mcp_urls if url != NONE)
        return (*urls, *(Target(command=command) for command in self.mcp_commands))


def replay_wanted(wanted: Wanted, say: Say) -> tuple[Comparison, int]:
    """Replay; the comparison, and the exit status, which is the runner's (3: the budget is spent, too).

    Args:
        wanted: What was typed.
        say: Told what a person should know before anything is paid for.

    Raises:
        UserError: The session is not found, or lacks what a replay needs; nothing was sent.
    """
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # what it logs of a lost session, we say ourselves
    kept_at = _writable(wanted.transcript)
    original = find(wanted, say)
    terms, notes = settle(original, wanted)
    for note in (*original.notes, *notes):
        say(note)
    kept = Replay(Transcript(terms.settings, system_prompt=terms.system_prompt))
    replay_session(original, terms, kept, _watching(kept.transcript))
    how = kept.transcript.exit or kept.transcript.end(exits.INTERRUPTED)
    if kept_at is not None:
        kept.transcript.save(kept_at)
    for note in kept.notes:
        say(note)
    if how.code:
        say(how.message or how.reason)
    return compare(original, kept, notes), how.code


def find(wanted: Wanted, say: Say) -> Original:
    """The session: in a transcript's file, if there is one of that name, else in the records.

    Raises:
        UserError: There is none.
    """
    path = Path(wanted.session).expanduser()
    if path.is_file():
        return read_transcript(path)
    if path.suffix == ".json" or os.sep in wanted.session:
        raise UserError(f"There is no transcript {wanted.session}", "A session in the logs is named by its id alone")
    try:
        return find_original(wanted.session, wanted.window, wanted.from_dir, wanted.store, os.environ, say)
    except UserError as error:  # nothing found is no finding here: there is nothing to run
        raise UserError(error.message, error.remedy) from error


def settle(original: Original, wanted: Wanted) -> tuple[Terms, list[str]]:
    """How the session is asked again, and what there is to say of it.

    Raises:
        UserError: An option is wrong, or the session lacks what is needed.
    """
    tools = _tools_from(wanted.tools)
    model = wanted.model or original.model
    if not model:
        raise UserError(f"The session {original.name} names no model", "Name one: --model ID")
    given = load_system_prompt(wanted.system_prompt) if wanted.system_prompt else None
    prompt, notes = choose_prompt(original, given)
    notes += check_tools(original, tools, wanted.targets)
    settings = Settings(
        proxy_url=resolve_proxy_url(wanted.proxy_url, os.environ),
        api_key=resolve_key(wanted.api_key, os.environ),
        model=model,
        origin=origin_of(original),
        temperature=original.temperature,
        seed=original.seed,
        enable_thinking=original.enable_thinking,
        max_turns=wanted.max_turns,
        timeout_s=wanted.timeout_s,
        tool_result_max=0
        if tools == "recorded"
        else Settings.tool_result_max,  # recorded ones are as the model got them
    )
    return Terms(settings, prompt, tools, wanted.targets, wanted.max_calls, wanted.max_cost), notes


def _tools_from(text: str) -> ToolsFrom:
    for known in get_args(ToolsFrom):
        if text == known:
            return known
    raise UserError(f"--tools takes recorded or live, not {text!r}")


def _writable(text: str | None) -> Path | None:
    path = Path(text).expanduser() if text else None
    if path is not None and (path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK)):
        raise UserError(f"--transcript {text} cannot be written there", "Name another file")
    return path


def _watching(transcript: Transcript) -> Callable[[Event], None]:
    """Show the session as it happens, where somebody watches."""
    if not sys.stderr.isatty():
        return lambda _: None
    return View(Screen(sys.stderr), transcript)
