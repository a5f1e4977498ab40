"""Calls on stdout as they come: one line each for a person, or their records for a program."""

import select
import sys
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from open_llm_proxy.answers.answer import Object, as_list, as_object, as_text
from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.answered import read_usage
from open_llm_proxy.logs.call_filter import is_failed
from open_llm_proxy.logs.calls import Call
from open_llm_proxy.logs.export.wording import clean, say_cost, say_duration, say_time, say_tokens
from open_llm_proxy.records.line import app_of

QUESTION_CHARACTERS: Final = 100
ERROR_CHARACTERS: Final = 160
ID_CHARACTERS: Final = 12
"""Of a request's id: its time to a tenth of a millisecond, so that `logs show` finds the one."""

NARROW: Final = 130
MODEL_CHARACTERS: Final = 18
APP_CHARACTERS: Final = 12
YEAR: Final = len("2026-")
DAY: Final = len("11-24 ")
LOOK_S: Final = 0.5
FORMATS: Final = ("line", "json")


class CallWriter:
    """Writes calls; ``written`` counts them.

    Args:
        form: ``line``, a line a call, or ``json``: its two records, a line each.

    Raises:
        UserError: Another form.
    """

    def __init__(self, form: str) -> None:
        if form not in FORMATS:
            raise UserError(f"--format takes {' or '.join(FORMATS)}, not {form!r}")
        self._form = form
        self._console = Console(highlight=False, emoji=False, markup=False)
        self.written = 0

    def write(self, calls: Iterable[Call]) -> None:
        """Write them, and send them off."""
        for call in calls:
            self.written += 1
            if self._form == "json":
                records = [record for record in call if record is not None]
                sys.stdout.write("".join(f"{dump(record)}\n" for record in records))
            elif self._console.is_terminal:
                self._console.print(format_call(call, self._console.width), no_wrap=True, overflow="ellipsis")
            else:
                sys.stdout.write(f"{format_call(call).plain.rstrip()}\n")
        sys.stdout.flush()

    def wait(self) -> bool:
        """Wait until the next look; False at once when nobody reads stdout any more."""
        closed = select.poll()
        closed.register(sys.stdout.fileno(), 0)
        return not closed.poll(LOOK_S * 1000)


def format_call(call: Call, width: int | None = None) -> Text:
    """Time (UTC), id, status, duration, tokens, cost, model, app, what was asked; then what came of it.

    Args:
        call: The call.
        width: Of the terminal: a narrow one gets no date, tokens and cost. None: it is for no terminal.
    """
    response = call.response or {}
    status, latency_ms = response.get("status"), response.get("latency_ms")
    said = str(status) if isinstance(status, int) else "..." if call.response is None else "---"
    time = say_time(call.at)[YEAR:]
    narrow = width is not None and width < NARROW
    columns = [
        (f"{time[DAY:] if narrow else time}  {call.request_id[:ID_CHARACTERS]:<{ID_CHARACTERS}}  ", "dim"),
        (f"{said}  ", "red" if is_failed(call) else "yellow" if call.response is None else "green"),
        (f"{say_duration(latency_ms if isinstance(latency_ms, int) else None):>7}  ", ""),
        ("" if narrow else _used(response), ""),
        (f"{_label(call.field('model'), MODEL_CHARACTERS)}  ", "bold"),
        (f"{_label(app_of(as_text(call.field('origin'))) or call.field('client'), APP_CHARACTERS)}  ", "cyan"),
        (_asked(call), ""),
        (_came(call), "dim"),
        (_failure(call), "red"),
    ]
    return Text.assemble(*columns, no_wrap=True)


def _used(response: Object) -> str:
    usage = read_usage(response.get("tokens"))
    cost = "" if usage.cost_usd is None else say_cost(usage.cost_usd)
    return f"{say_tokens(usage) or '-':>18}  {cost:>7}  "


def _label(text: object, characters: int) -> str:
    label = clean(text) if isinstance(text, str) and text else "-"
    return label.ljust(characters) if len(label) <= characters else f"{label[: characters - 1]}…"


def _asked(call: Call) -> str:
    """What the caller said now: the results of tools, or the user's words."""
    request = call.request or {}
    results = as_list(request.get("tool_results_this_turn"))
    if results:
        return f"[{len(results)} tool result{'s' if len(results) > 1 else ''}]"
    text = as_text(request.get("user_message_this_turn")) or as_text(request.get("user_question"))
    if text is None:
        return "[not logged]" if call.field("content_logged") is False else ""
    flat = " ".join(clean(text).split())
    return flat if len(flat) <= QUESTION_CHARACTERS else flat[: QUESTION_CHARACTERS - 1] + "…"


def _came(call: Call) -> str:
    calls = [as_object(one) for one in as_list((call.response or {}).get("tool_calls"))]
    names = [as_text(one.get("name")) or as_text(as_object(one.get("function")).get("name")) or "?" for one in calls]
    return f" → {', '.join(f'{clean(name)}()' for name in names)}" if names else ""


def _failure(call: Call) -> str:
    error = as_text((call.response or {}).get("error"))
    return "" if error is None else f"  {' '.join(clean(error).split())[:ERROR_CHARACTERS]}"
