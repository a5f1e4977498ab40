"""A conversation in the terminal: what was said on the right, times and tokens in the margin."""

from collections.abc import Iterator
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from open_llm_proxy.logs.conversation import Conversation, Item, Thread, Turn
from open_llm_proxy.logs.export.arguments import Argument, read_arguments
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

MARGIN: Final = 15
FOLDED: Final = {"system": 1, "reasoning": 1, "tool_result": 12}
"""Lines that are shown of what is folded."""

_COLOURS: Final = {
    "system": "dim",
    "user": "bold cyan",
    "assistant": "bold green",
    "reasoning": "dim",
    "tool_call": "bold yellow",
    "tool_result": "yellow",
    "refusal": "bold red",
}
_PLAIN: Final = frozenset(("user", "assistant", "refusal"))


def show_conversation(conversation: Conversation, console: Console, *, unfold: bool = False) -> None:
    """Print it; ``unfold``: reasoning, system prompts and tool results whole."""
    console.print(_facts(conversation), soft_wrap=True)
    many = len(conversation.threads)
    for number, thread in enumerate(conversation.threads, 1):
        if many > 1:
            console.print(Rule(f"conversation {number} of {many}", style="dim"))
        for part in _thread(thread, conversation.wanted, unfold=unfold):
            console.print(part)


def _facts(conversation: Conversation) -> Text:
    turns = conversation.turns
    usage = conversation.usage
    facts = [
        conversation.session_id or conversation.session_key or "",
        conversation.origin or conversation.client or "",
        ", ".join(conversation.models),
        f"{len(turns)} turn" + ("s" if len(turns) != 1 else ""),
        say_tokens(usage),
        "" if usage.cost_usd is None else say_cost(usage.cost_usd),
    ]
    return Text("  ·  ".join(clean(fact) for fact in facts if fact), style="dim")


def _thread(thread: Thread, wanted: str | None, *, unfold: bool) -> Iterator[RenderableType]:
    day = ""
    for turn in thread.turns:
        begun = say_time(turn.requested_at or turn.answered_at)[:10]
        if begun != day:
            yield Text(f"{begun} UTC", style="bold")
            day = begun
        yield _turn(turn, marked=turn.request_id == wanted, unfold=unfold)


def _turn(turn: Turn, *, marked: bool, unfold: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=False)
    table.add_column(width=MARGIN, justify="right")
    table.add_column(overflow="fold")
    notes = [Text(f"({note})", style="dim italic") for note in say_notes(turn)]
    answer = list(_answer(turn, unfold=unfold))
    if turn.sent:
        sent = [*notes, *(_item(item, unfold=unfold) for item in turn.sent)]
        table.add_row(Text(say_time(turn.requested_at, day=False), style="dim"), Group(*sent))
    else:
        answer = [*notes, *answer]
    table.add_row(_margin(turn, marked=marked), Group(*answer))
    return table


def _margin(turn: Turn, *, marked: bool) -> Text:
    lines = [say_time(turn.answered_at, day=False), *say_margin(turn), turn.request_id[:MARGIN]]
    return Text(("▶ " if marked else "") + "\n".join(lines), style="bold" if marked else "dim")


def _answer(turn: Turn, *, unfold: bool) -> Iterator[RenderableType]:
    for item in turn.answer:
        yield _item(item, unfold=unfold)
    for number, choice in enumerate(turn.choices, 2):
        yield Text(f"choice {number}", style="dim italic")
        yield from (_item(item, unfold=unfold) for item in choice)
    ending = say_ending(turn)
    if ending is not None:
        yield Padding(Text(ending, style="yellow" if turn.outcome == "ok" else "red"), (0, 0, 1, 0))
    elif not turn.answer:
        yield Text("(an empty answer)\n", style="dim italic")


def _item(item: Item, *, unfold: bool) -> RenderableType:
    style = _COLOURS[item.kind]
    title = Text(say_title(item), style=style)
    if item.kind == "tool_call" and item.text is not None:
        return Padding(Group(title, *(_argument(argument) for argument in read_arguments(item.text))), (0, 0, 1, 0))
    shade = "" if item.kind in _PLAIN and item.text is not None else "dim"
    text, left = _fold(say_text(item), 0 if unfold else FOLDED.get(item.kind, 0))
    body = [title, Text(text, style=shade)]
    if left:
        body.append(Text(f"… {left} (--full shows all)", style="dim italic"))
    return Padding(Group(*body), (0, 0, 1, 0))


def _fold(text: str, lines: int) -> tuple[str, str]:
    """The first lines of a text, none longer than a few of the screen's, and how much is left out."""
    every = text.strip("\n").split("\n")
    if not lines:
        return "\n".join(every), ""
    most = 100 * lines
    kept = "\n".join(every[: lines if len(every) > lines + 1 else lines + 1])  # one more is no longer than the note
    shown = kept[:most]
    if len(every) > lines + 1:
        return shown, f"{len(every) - lines} more lines"
    return shown, f"{len(kept) - most:,} more characters" if len(kept) > most else ""


def _argument(argument: Argument) -> RenderableType:
    text = clean(argument.text)
    if argument.language == "text":
        return Text.assemble((f"{argument.name}: " if argument.name else "", "dim"), text)
    code = Syntax(text, argument.language, theme="ansi_dark", background_color="default", word_wrap=True)
    if argument.language == "json" and "\n" not in text:
        return Text.assemble(
            (f"{argument.name}: " if argument.name else "", "dim"), code.highlight(text).plain.rstrip()
        )
    return Group(Text(argument.name, style="dim"), Padding(code, (0, 0, 0, 2)))
