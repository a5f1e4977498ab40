"""A comparison's heads and figures as people read them: in the terminal and in Markdown alike."""

from collections.abc import Callable
from typing import Any, Final

from open_llm_proxy.agent.comparison import CallPair, Comparison, Side
from open_llm_proxy.logs.export.wording import say_cost, say_count, say_duration

DIFFERENCES: Final = {
    "same": "the same call",
    "changed": "another call",
    "only_original": "only in the original",
    "only_replay": "only in the replay",
}
NO_ANSWER: Final = "(no answer)"
SHORT_HASH: Final = 12


def say_sides(comparison: Comparison) -> list[tuple[str, str, str]]:
    """What each of both was and used: a name, the original's, the replay's."""
    both = (comparison.original, comparison.replay)
    said = [(head, say(both[0]), say(both[1])) for head, say in _ROWS]
    return [row for row in said if row[1] != "-" or row[2] != "-"]


def say_call(pair: CallPair) -> str:
    """What is to be said of a pair of calls."""
    how = DIFFERENCES[pair.difference]
    result = pair.replay.result if pair.replay else None
    if result is not None and result.source == "recorded" and result.is_error:
        how += ", without a recorded result"
    return f"{pair.name}: {how}"


def say_end(comparison: Comparison) -> str:
    """How the replay ended, and whether anything differs."""
    reason = str(comparison.exit.get("reason", "")).replace("_", " ")
    message = str(comparison.exit.get("message") or "")
    ended = f"{reason}: {message}" if message else reason
    return f"{ended} \u00b7 {'nothing differs' if comparison.is_same else 'answers or tool calls differ'}"


def _say_hash(sha256: str | None) -> str:
    return f"sha256 {sha256[:SHORT_HASH]}" if sha256 else "-"


def _say_model(side: Side) -> str:
    named = ", ".join(side.upstream_models)
    return (side.model or "-") + (f" ({named})" if named and named != side.model else "")


def _tokens(side: Side) -> str:
    figures = side.figures
    if figures.prompt_tokens is None and figures.completion_tokens is None:
        return "-"
    return f"{say_count(figures.prompt_tokens)} \u2192 {say_count(figures.completion_tokens)}"


def _calls(side: Side) -> str:
    failed = side.figures.failed_tool_calls
    return f"{side.figures.tool_calls}" + (f" ({failed} failed)" if failed else "")


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


_ROWS: Final[list[tuple[str, Callable[[Side], str]]]] = [
    ("session", lambda side: _text(side.session_id)),
    ("origin", lambda side: _text(side.origin)),
    ("model", _say_model),
    ("system prompt", lambda side: _say_hash(side.system_sha256)),
    ("tool list", lambda side: _say_hash(side.tools_sha256)),
    ("temperature", lambda side: "-" if side.temperature is None else f"{side.temperature:g}"),
    ("turns", lambda side: str(side.figures.turns)),
    ("tool calls", _calls),
    ("tokens", _tokens),
    ("cost", lambda side: say_cost(side.figures.cost)),
    ("model time", lambda side: say_duration(side.figures.model_ms)),
]
