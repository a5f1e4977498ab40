"""A conversation as one HTML page: nothing is loaded, reasoning and results fold, all that was said is escaped."""

from collections.abc import Iterator
from html import escape
from typing import Final

from open_llm_proxy.logs.conversation import Conversation, Item, Thread, Turn
from open_llm_proxy.logs.export.arguments import Argument, read_arguments
from open_llm_proxy.logs.export.page import render_page
from open_llm_proxy.logs.export.prose import STYLE as PROSE_STYLE
from open_llm_proxy.logs.export.prose import render_prose
from open_llm_proxy.logs.export.sql_markup import mark_sql
from open_llm_proxy.logs.export.wording import (
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

_TITLE_CHARACTERS: Final = 160
_SUMMARY_CHARACTERS: Final = 110
_STYLE: Final = """
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 0 1.5rem; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.turn { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: .5rem 1rem; margin: .5rem 0; }
.margin { color: var(--soft); font-size: .78rem; line-height: 1.45; text-align: right; padding-top: .55rem;
  font-variant-numeric: tabular-nums; }
.margin b { font-weight: 600; color: var(--ink); }
.item { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--line); border-radius: 8px;
  padding: .5rem .85rem .6rem; margin: 0 0 .5rem; }
.item > h3, summary { font-size: .78rem; font-weight: 600; letter-spacing: .02em; color: var(--soft);
  margin: 0 0 .2rem; }
summary { cursor: pointer; margin: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
summary span { font-weight: 400; } details[open] > summary { margin-bottom: .4rem; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.user { border-left-color: var(--user); } .user > h3 { color: var(--user); }
.assistant { border-left-color: var(--answer); } .assistant > h3 { color: var(--answer); }
.tool_call, .tool_result { border-left-color: var(--tool); } .tool_call > h3 { color: var(--tool); }
.reasoning, .tool_result, .system { background: transparent; }
.item pre { background: var(--tint); border-radius: 6px; padding: .5rem .7rem; }
.name { color: var(--soft); font-size: .8rem; margin: .35rem 0 .1rem; overflow-wrap: anywhere; }
.name code { color: var(--ink); }
.bad, .refusal { border-left-color: var(--bad); background: var(--badtint); color: var(--bad); }
.note { color: var(--soft); font-size: .85rem; font-style: italic; margin: .25rem 0 .5rem; }
.missing { color: var(--soft); font-style: italic; }
.wanted .margin { background: var(--mark); border-radius: 8px; padding-right: .5rem; }
.id { font-size: .72rem; overflow-wrap: anywhere; opacity: .75; }
.sql-word { color: var(--word); font-weight: 600; } .sql-string { color: var(--string); }
.sql-number { color: var(--number); } .sql-comment { color: var(--soft); font-style: italic; }
@media (max-width: 40rem) { .turn { grid-template-columns: 1fr; } .margin { text-align: left; padding: 0; } }
@media print { body { max-width: none; } .item { break-inside: avoid; } }
"""


def render(conversation: Conversation) -> str:
    """The page's text."""
    question = " ".join(clean(conversation.question or "Conversation").split())
    title = question if len(question) <= _TITLE_CHARACTERS else question[:_TITLE_CHARACTERS] + "…"
    return render_page(title, _STYLE + PROSE_STYLE, "\n".join(_body(title, conversation)))


def _body(title: str, conversation: Conversation) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1>"
    yield _facts(conversation)
    many = len(conversation.threads) > 1
    for number, thread in enumerate(conversation.threads, 1):
        if many:
            yield f"<h2>Conversation {number} of {len(conversation.threads)}</h2>"
        yield from _thread(thread, conversation.wanted)
    yield "<footer>Times are UTC. Made by open-llm-proxy logs show.</footer>"


def _facts(conversation: Conversation) -> str:
    turns = conversation.turns
    errors = sum(turn.outcome != "ok" for turn in turns)
    first, last = conversation.threads[0].started_at, max(thread.finished_at or "" for thread in conversation.threads)
    facts = {
        "Session": conversation.session_id or conversation.session_key,
        "App": conversation.origin,
        "Client": conversation.client,
        "Models": ", ".join(conversation.models),
        "Time": f"{say_time(first)} to {say_time(last)} UTC",
        "Turns": f"{len(turns)}" + (f", {errors} without a good answer" if errors else ""),
        "Tokens": say_tokens(conversation.usage),
        "Cost": None if conversation.usage.cost_usd is None else say_cost(conversation.usage.cost_usd),
    }
    rows = (f"<dt>{name}</dt><dd>{escape(clean(value))}</dd>" for name, value in facts.items() if value)
    return f"<dl>{''.join(rows)}</dl>"


def _thread(thread: Thread, wanted: str | None) -> Iterator[str]:
    day = ""
    for turn in thread.turns:
        begun = say_time(turn.requested_at or turn.answered_at)[:10]
        if begun != day:
            yield f"<h2>{escape(begun)}</h2>"
            day = begun
        yield from _turn(turn, marked=turn.request_id == wanted)


def _turn(turn: Turn, *, marked: bool) -> Iterator[str]:
    chosen = " wanted" if marked else ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in say_notes(turn))
    sent = notes + "".join(map(_item, turn.sent)) if turn.sent else ""
    if sent:
        margin = f"<b>{escape(say_time(turn.requested_at, day=False))}</b>"
        yield f'<div class="turn{chosen}"><div class="margin">{margin}</div><div>{sent}</div></div>'
    margin = "<br>".join([f"<b>{escape(say_time(turn.answered_at, day=False))}</b>", *map(escape, _about(turn))])
    margin += f'<div class="id">{escape(turn.request_id)}</div>'
    answer = ("" if sent else notes) + "".join(map(_item, turn.answer)) + "".join(_choices(turn)) + _ending(turn)
    yield f'<div class="turn{chosen}"><div class="margin">{margin}</div><div>{answer}</div></div>'


def _about(turn: Turn) -> list[str]:
    return [clean(turn.model or "-"), *say_margin(turn)]


def _choices(turn: Turn) -> Iterator[str]:
    for number, choice in enumerate(turn.choices, 2):
        yield f'<p class="note">Choice {number}</p>' + "".join(map(_item, choice))


def _ending(turn: Turn) -> str:
    ending = say_ending(turn)
    if ending is None:
        return ""
    return f'<div class="item bad"><div class="text">{escape(ending)}</div></div>'


def _item(item: Item) -> str:
    title = escape(say_title(item))
    if item.kind == "tool_call" and item.text is not None:
        inner = "".join(map(_argument, read_arguments(item.text)))
        return f'<div class="item tool_call"><h3>{title}</h3>{inner}</div>'
    if item.kind == "assistant" and item.text is not None:
        prose = render_prose(say_text(item), _code)
        return f'<div class="item assistant"><h3>{title}</h3><div class="prose">{prose}</div></div>'
    if item.text is None or item.kind in {"user", "refusal", "tool_call"}:
        shade = "text" if item.text is not None else "text missing"
        text = escape(say_text(item))
        return f'<div class="item {item.kind}"><h3>{title}</h3><div class="{shade}">{text}</div></div>'
    return f'<details class="item {item.kind}">{_fold(item, title)}</details>'


def _fold(item: Item, title: str) -> str:
    text = say_text(item)
    first = " ".join(text.split())
    first = first if len(first) <= _SUMMARY_CHARACTERS else first[:_SUMMARY_CHARACTERS] + "…"
    tag = "pre" if item.kind == "tool_result" else "div"
    return f'<summary>{title} <span>{escape(first)}</span></summary><{tag} class="text">{escape(text)}</{tag}>'


def _code(text: str, language: str) -> str:
    return mark_sql(text) if language in {"sql", "duckdb"} else escape(text)


def _argument(argument: Argument) -> str:
    name, text = escape(clean(argument.name)), clean(argument.text)
    if argument.language == "sql":
        return f'<div class="name">{name}</div><pre>{mark_sql(text)}</pre>'
    if name and len(text) <= _SUMMARY_CHARACTERS and "\n" not in text:
        return f'<div class="name">{name}: <code>{escape(text)}</code></div>'
    return (f'<div class="name">{name}</div>' if name else "") + f"<pre>{escape(text)}</pre>"
