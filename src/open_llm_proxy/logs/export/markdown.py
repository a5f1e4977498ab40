"""A conversation as Markdown: for an issue, a notebook, a mail."""

import re
from collections.abc import Iterator

from open_llm_proxy.logs.conversation import Conversation, Item, Thread, Turn
from open_llm_proxy.logs.export.arguments import read_arguments
from open_llm_proxy.logs.export.wording import (
    NOT_LOGGED,
    clean,
    say_cost,
    say_ending,
    say_margin,
    say_notes,
    say_text,
    say_time,
    say_title,
    say_tokens,
)

_TITLE_CHARACTERS = 100
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def render(conversation: Conversation) -> str:
    """The text, with a newline at its end."""
    return "\n".join(_render(conversation)).strip() + "\n"


def _render(conversation: Conversation) -> Iterator[str]:
    question = " ".join(clean(conversation.question or "Conversation").split())
    yield f"# {_escape(question[:_TITLE_CHARACTERS])}\n"
    yield from _facts(conversation)
    many = len(conversation.threads) > 1
    for number, thread in enumerate(conversation.threads, 1):
        if many:
            yield f"\n---\n\n# Conversation {number}: {say_time(thread.started_at)}"
        yield from _thread(thread, conversation.wanted)


def _facts(conversation: Conversation) -> Iterator[str]:
    turns = conversation.turns
    facts = {
        "Session": conversation.session_id or conversation.session_key,
        "App": conversation.origin or conversation.client,
        "Models": ", ".join(conversation.models),
        "Began": f"{say_time(conversation.threads[0].started_at)} UTC" if turns else None,
        "Turns": str(len(turns)),
        "Tokens": say_tokens(conversation.usage),
        "Cost": None if conversation.usage.cost_usd is None else say_cost(conversation.usage.cost_usd),
    }
    for name, value in facts.items():
        if value:
            yield f"- {name}: {_escape(clean(value))}"


def _thread(thread: Thread, wanted: str | None) -> Iterator[str]:
    for turn in thread.turns:
        yield from _turn(turn, marked=turn.request_id == wanted)


def _turn(turn: Turn, *, marked: bool) -> Iterator[str]:
    for note in say_notes(turn):
        yield f"\n*({note})*"
    for item in turn.sent:
        yield from _item(item, say_time(turn.requested_at))
    about = " · ".join([say_time(turn.answered_at), _escape(turn.model or "-"), *say_margin(turn)])
    yield f"\n<sub>{'**▶** ' if marked else ''}{about} · `{turn.request_id}`</sub>"
    for item in turn.answer:
        yield from _item(item, "")
    for number, choice in enumerate(turn.choices, 2):
        yield f"\n### Choice {number}"
        for item in choice:
            yield from _item(item, "")
    ending = say_ending(turn)
    if ending:
        yield f"\n> **{'Note' if turn.outcome == 'ok' else 'Error'}**: {_escape(ending)}"


def _item(item: Item, time: str) -> Iterator[str]:
    heading = _escape(say_title(item))
    if item.kind in {"user", "assistant", "refusal"}:
        yield f"\n## {heading}" + (f" · {time}" if time else "") + "\n"
        yield say_text(item)
    elif item.kind == "tool_call" and item.text is not None:
        yield f"\n**{heading}**\n"
        for argument in read_arguments(item.text):
            yield f"{_escape(argument.name)}:" if argument.name else ""
            yield _fence(clean(argument.text), "" if argument.language == "text" else argument.language)
    elif item.text is None:
        yield f"\n**{heading}**: {NOT_LOGGED}"
    else:
        yield f"\n<details><summary>{heading}</summary>\n"
        yield _fence(say_text(item), "")
        yield "\n</details>"


def _fence(text: str, language: str) -> str:
    """A block of code; its fence is longer than any in the text (CommonMark 4.5)."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
