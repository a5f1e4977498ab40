"""The runner as a program: options in, one session, its transcript kept, an exit status out."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Final, TextIO, cast

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.events import Ended, Event, OnEvent, TurnEnded, TurnStarted
from open_llm_proxy.agent.loop import Session, ending
from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.model import ProxyModel
from open_llm_proxy.agent.options import Options, parse
from open_llm_proxy.agent.screen import Screen
from open_llm_proxy.agent.system_prompt import load_system_prompt
from open_llm_proxy.agent.toolbox import Toolbox
from open_llm_proxy.agent.transcript import Transcript
from open_llm_proxy.agent.view import View
from open_llm_proxy.errors import UserError

PROGRAM: Final = "agent_runner.py"


def main(arguments: Sequence[str] | None = None) -> int:
    """``agent_runner.py``: run one session; the exit status. Wrong usage and ``--help`` end the process."""
    return run_options(parse(arguments, PROGRAM))


def run_options(options: Options) -> int:
    """Run the session that the options describe; the exit status."""
    _take_any_text(sys.stdout, sys.stderr)
    # What the libraries log of lost sessions we say ourselves; some versions would set logging up to print it.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        transcript = Transcript(options.settings(os.environ))
    except UserError as error:
        _say(f"agent_runner: {error}")
        return exits.USAGE.code
    try:
        _let_interrupts_come()
        if options.system_prompt:
            transcript.system_prompt = load_system_prompt(options.system_prompt)
        asyncio.run(run_session(options, transcript, _watching(options, transcript)))
    except UserError as error:
        transcript.end(exits.USAGE.with_message(str(error)))
    except KeyboardInterrupt:
        transcript.end(exits.INTERRUPTED)
    with _uninterrupted():
        return _conclude(options, transcript)


async def run_session(options: Options, transcript: Transcript, on_event: OnEvent) -> None:
    """Connect, ask, and note in the transcript how it ended.

    Raises:
        asyncio.CancelledError: Ctrl-C; the transcript says so.
    """
    targets = [Target(url, command) for url, command in options.mcp_places]
    async with (
        ending(transcript, on_event),
        Toolbox(targets, options.tool_timeout, on_event) as tools,
        ProxyModel(transcript.settings) as model,
    ):
        transcript.servers = tools.servers
        if options.mcp_prompt:
            given = await tools.prompt(options.mcp_prompt)
            transcript.system_prompt = "\n\n".join(filter(None, (transcript.system_prompt, given)))
        await Session(transcript.settings, model, tools, on_event, transcript).ask(options.question)


def _watching(options: Options, transcript: Transcript) -> OnEvent:
    """Show what happens, and keep the transcript up to date on disk: a kill leaves what there was."""
    show: Any = View(Screen(sys.stderr if options.json else sys.stdout), transcript)

    def watch(event: Event) -> None:
        if not options.quiet:
            show(event)
        if options.transcript and isinstance(event, TurnStarted | TurnEnded | Ended):
            _save(options, transcript)

    return watch


def _conclude(options: Options, transcript: Transcript) -> int:
    how = transcript.exit or exits.INTERRUPTED
    if how.message:
        _say(f"agent_runner: {how.message}")
    if options.transcript:
        _save(options, transcript)
    screen = Screen(sys.stdout, rich=False)
    if options.json:
        screen.line(json.dumps(transcript.to_json(), ensure_ascii=False))
    elif options.quiet and transcript.answer is not None:
        screen.line(transcript.answer)
    return how.code


def _save(options: Options, transcript: Transcript) -> None:
    assert options.transcript
    try:
        transcript.save(options.transcript)
    except OSError as error:
        _say(f"the transcript is not kept: {error}")


def _say(message: str) -> None:
    Screen(sys.stderr, rich=False).line(message)


def _let_interrupts_come() -> None:
    """``agent_runner.py`` blocks Ctrl-C while it starts."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _take_any_text(*files: TextIO) -> None:
    """Let no character that the terminal's encoding lacks end a session."""
    for file in files:
        reconfigure = getattr(cast("Any", file), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


class _uninterrupted:  # noqa: N801 - used as a word
    """Ctrl-C does nothing in the block: what is left to do is short."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGINT, signal.SIG_IGN)

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self._before)
