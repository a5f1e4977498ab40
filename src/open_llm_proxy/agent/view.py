"""A session as a person reads it while it happens: turns, SQL, folded results, tokens and seconds, a summary."""

import json
from typing import Final

from open_llm_proxy.agent.arguments import is_sql, read_arguments
from open_llm_proxy.agent.events import (
    Asked,
    Connected,
    Delta,
    Ended,
    Event,
    Reopened,
    Retried,
    ToolEnded,
    TurnEnded,
    TurnStarted,
)
from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object
from open_llm_proxy.agent.screen import Screen
from open_llm_proxy.agent.transcript import ToolCall, Transcript, Turn

FOLD_LINES: Final = 12
FOLD_CHARACTERS: Final = 1200
LINE_CHARACTERS: Final = 160
INDENT: Final = "    "


class View:
    """Shows events on a screen. ``view(event)`` takes each as it comes."""

    def __init__(self, screen: Screen, transcript: Transcript) -> None:
        self._screen = screen
        self._transcript = transcript
        self._streaming = ""  # what is being shown piece by piece: "", "reasoning" or "text"

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Connected():
                self._connected(event.server)
            case Reopened():
                self._screen.line(f"mcp   {event.server}: session lost ({event.reason}), opened again", "yellow")
            case Asked():
                self._asked(event.question)
            case TurnStarted():
                self._screen.line(f"\n[{event.turn.number}]", "bold")
            case Delta():
                self._delta(event)
            case Retried():
                self._break()
                self._screen.line(f"{INDENT}{event.reason}; once more", "yellow")
            case TurnEnded():
                self._turn(event.turn)
            case ToolEnded():
                self._result(event.call)
            case Ended():
                self._ended(event)

    def _connected(self, server: Object) -> None:
        version = f" {server['version']}" if server.get("version") else ""
        self._screen.line(f"mcp   {server['name']}{version} at {server['place']}", "cyan")
        for kind, key in (("tools", ""), ("prompts", "name"), ("resources", "uri")):
            names = [str(as_object(one).get(key) if key else one) for one in as_list(server.get(kind))]
            if names:
                self._screen.line(f"      {kind}: {', '.join(names)}", "dim")

    def _asked(self, question: str) -> None:
        settings = self._transcript.settings
        self._screen.line(f"model {settings.model} at {settings.proxy_url}, session {settings.session_id}", "cyan")
        self._screen.line(f"ask   {question}", "bold cyan")

    def _delta(self, delta: Delta) -> None:
        for kind, text, style in (("reasoning", delta.reasoning, "dim italic"), ("text", delta.text, "")):
            if text:
                if self._streaming != kind:
                    self._break()
                    self._streaming = kind
                self._screen.piece(text, style)

    def _break(self) -> None:
        if self._streaming:
            self._screen.line()
        self._streaming = ""

    def _turn(self, turn: Turn) -> None:
        streamed = bool(self._streaming)
        self._break()
        if not streamed:
            if turn.reasoning_content:
                self._folded(turn.reasoning_content, "dim italic")
            if turn.content and turn.tool_calls:
                self._screen.line(_indented(turn.content))
            elif turn.content or turn.refusal:
                self._screen.markdown(turn.content or turn.refusal or "")
        for call in turn.tool_calls:
            self._call(call)
        self._screen.line(INDENT + _figures(turn), "dim")

    def _call(self, call: ToolCall) -> None:
        self._screen.line(f"{INDENT}{call.name}  {call.id}", "magenta")
        if call.problem:
            self._screen.line(_indented(call.problem), "red")
        others: Object = {}
        for name, value in read_arguments(call.arguments).values.items():
            if is_sql(name, value):
                self._screen.sql(value, INDENT * 2)
            else:
                others[name] = value
        if others:
            self._folded(json.dumps(others, ensure_ascii=False))

    def _result(self, call: ToolCall) -> None:
        if call.result is None:
            return
        result = call.result
        how = "failed" if result.is_error else "gave"
        source = "" if result.source == "live" else f", {result.source}"
        head = f"{INDENT}{call.name}  {call.id} {how} {result.characters:,} characters"
        self._screen.line(f"{head} in {result.latency_ms / 1000:.2f} s{source}", "red" if result.is_error else "green")
        self._folded(result.content)

    def _folded(self, text: str, style: str = "") -> None:
        lines = text.strip("\n")[:FOLD_CHARACTERS].splitlines()
        shown = [line[:LINE_CHARACTERS] + ("…" if len(line) > LINE_CHARACTERS else "") for line in lines[:FOLD_LINES]]
        self._screen.line("\n".join(INDENT * 2 + line for line in shown), style)
        hidden = len(text.strip("\n").splitlines()) - len(shown)
        if hidden > 0 or len(text) > FOLD_CHARACTERS:
            self._screen.line(f"{INDENT * 2}… folded: {len(text):,} characters, {hidden:,} more lines", "dim")

    def _ended(self, event: Ended) -> None:
        self._break()
        self._screen.line(f"\n{summary(self._transcript)}", "bold" if event.exit.code == 0 else "bold red")


def summary(transcript: Transcript) -> str:
    """A session in a line."""
    usage, turns = transcript.usage, transcript.turns
    calls = sum(len(turn.tool_calls) for turn in turns)
    seconds = sum(turn.latency_ms or 0 for turn in turns) / 1000
    tool_seconds = sum(call.result.latency_ms for turn in turns for call in turn.tool_calls if call.result) / 1000
    parts = [
        (transcript.exit.reason if transcript.exit else "running").replace("_", " "),
        f"{len(turns)} turn{'s' * (len(turns) != 1)}",
        f"{calls} tool call{'s' * (calls != 1)}",
        f"{usage.prompt_tokens:,} + {usage.completion_tokens:,} tokens",
        *([f"${usage.cost:.4f}"] if usage.cost is not None else []),
        f"{seconds:.2f} s model, {tool_seconds:.2f} s tools",
        f"session {transcript.settings.session_id}",
    ]
    return " · ".join(parts)


def _figures(turn: Turn) -> str:
    usage = turn.usage or {}
    parts = [f"{(turn.latency_ms or 0) / 1000:.2f} s"]
    if usage:
        parts.append(f"{usage.get('prompt_tokens', 0):,} + {usage.get('completion_tokens', 0):,} tokens")
    if turn.finish_reason not in {None, "stop", "tool_calls"}:
        parts.append(str(turn.finish_reason))
    if turn.attempts > 1:
        parts.append(f"{turn.attempts} attempts")
    return " · ".join([*parts, *([turn.request_id] if turn.request_id else [])])


def _indented(text: str) -> str:
    return "\n".join(INDENT + line for line in text.strip("\n").splitlines())
