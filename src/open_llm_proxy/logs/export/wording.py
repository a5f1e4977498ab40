"""Figures and names as people read them: in the terminal and in files alike."""

import re
from datetime import UTC, datetime
from typing import Final

from open_llm_proxy.logs.conversation import Item, Kind, Turn, Usage

TITLES: Final[dict[Kind, str]] = {
    "system": "System prompt",
    "user": "User",
    "assistant": "Answer",
    "reasoning": "Reasoning",
    "tool_call": "Tool call",
    "tool_result": "Tool result",
    "refusal": "Refusal",
}
NOT_LOGGED: Final = "(not in the records: content was not logged)"
NO_PROMPT: Final = "(in no record that was read)"
CUT: Final = "… (cut in the record)"
# C0 and C1, DEL, line separators, marks that turn the direction of text around; lone surrogates are no UTF-8.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without control characters: a record must not steer the terminal or hide in a file."""
    return _CONTROLS.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def say_text(item: Item) -> str:
    """What was said, and when it is not all of it."""
    if item.text is None:
        return NO_PROMPT if item.kind == "system" else NOT_LOGGED
    return clean(item.text) + (f" {CUT}" if item.cut else "")


def say_title(item: Item) -> str:
    """What an item is."""
    title = TITLES[item.kind]
    return f"{title}: {clean(item.name)}" if item.name else title


def say_count(count: float | None) -> str:
    """A count with thousands apart; a dash where it is not known."""
    return "-" if count is None else f"{count:,.0f}"


def say_short(count: float | None) -> str:
    """A count in three digits: ``1.5 M``."""
    if count is None:
        return "-"
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {name}"
    return f"{count:.3g}"


def say_duration(ms: float | None) -> str:
    """A time span in the unit that suits it."""
    if ms is None:
        return "-"
    for limit_ms, unit_ms, unit in ((1000, 1, "ms"), (120_000, 1000, "s"), (7_200_000, 60_000, "min")):
        if ms < limit_ms:
            return f"{ms / unit_ms:.3g} {unit}"
    return f"{ms / 3_600_000:.3g} h"


def say_cost(usd: float | None) -> str:
    """US dollars: two digits of what is less than a cent."""
    if usd is None:
        return "-"
    return f"${usd:,.2f}" if usd >= 0.01 or usd == 0 else f"${usd:.2g}"


def say_tokens(usage: Usage) -> str:
    """Tokens in and out; empty where the provider did not count."""
    if usage.prompt is None and usage.completion is None:
        return "" if usage.total is None else f"{say_count(usage.total)} tok"
    return f"{say_count(usage.prompt or 0)} → {say_count(usage.completion or 0)} tok"


def say_time(timestamp: str | datetime | None, *, day: bool = True) -> str:
    """A time in UTC, to the second."""
    if timestamp is None:
        return "-"
    try:
        found = timestamp if isinstance(timestamp, datetime) else datetime.fromisoformat(timestamp)
    except ValueError:
        return str(timestamp)
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found.strftime("%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S")


def say_margin(turn: Turn) -> list[str]:
    """How long a turn took and what it used: for the margin."""
    lines = [] if turn.latency_ms is None else [say_duration(turn.latency_ms)]
    if turn.ttft_ms is not None:
        lines.append(f"first {say_duration(turn.ttft_ms)}")
    lines += [text for text in (say_tokens(turn.usage),) if text]
    if turn.usage.cached:
        lines.append(f"{say_count(turn.usage.cached)} cached")
    if turn.usage.cost_usd is not None:
        lines.append(say_cost(turn.usage.cost_usd))
    return lines


def say_notes(turn: Turn) -> list[str]:
    """What is to be known of a turn beside what was said."""
    notes: list[str] = []
    if turn.earlier_messages:
        many = f"{turn.earlier_messages} earlier message" + ("s are" if turn.earlier_messages > 1 else " is")
        notes.append(f"{many} in no record that was read")
    if turn.retry:
        notes.append("the same request again")
    return notes


def say_ending(turn: Turn) -> str | None:
    """How a turn ended, where not well: its error, that there is no answer, that the answer was cut off."""
    if turn.outcome == "unanswered":
        return "No answer is recorded: the call is running still, or its answer is outside the window"
    if turn.outcome == "error":
        status = f"HTTP {turn.status}: " if turn.status else ""
        return f"{status}{clean(turn.error or '')}"
    if turn.finish_reason in {"length", "max_tokens", "content_filter"}:
        return f"The answer ends early: {turn.finish_reason}"
    return None
