"""Calls on stdout as they come: one line each for a person, or their records for a program."""

import select
import sys
from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from open_llm_proxy.answers.answer import as_list, as_object, as_text
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

YEAR: Final = len("2026-")
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
                self._console.print(format_call(call), no_wrap=True, overflow="ellipsis")
            else:
                sys.stdout.write(f"{format_call(call).plain.rstrip()}\n")
        sys.stdout.flush()

    def wait(self) -> bool:
        """Wait until the next look; False at once when nobody reads stdout any more."""
        closed = select.poll()
        closed.register(sys.stdout.fileno(), 0)
        return not closed.poll(LOOK_S * 1000)


def format_call(call: Call) -> Text:
    """Time (UTC), id, status, duration, tokens, model, app, what was asked; then what came of it."""
    response = call.response or {}
    status = response.get("status")
    said = str(status) if isinstance(status, int) else "..." if call.response is None else "---"
    usage = read_usage(response.get("tokens"))
    latency_ms = response.get("latency_ms")
    columns = [
        (f"{say_time(call.at)[YEAR:]}  {call.request_id[:ID_CHARACTERS]:<{ID_CHARACTERS}}  ", "dim"),
        (f"{said}  ", "red" if is_failed(call) else "yellow" if call.response is None else "green"),
        (f"{say_duration(latency_ms if isinstance(latency_ms, int) else None):>7}  ", ""),
        (f"{say_tokens(usage) or '-':>17}  ", ""),
        ("" if usage.cost_usd is None else f"{say_cost(usage.cost_usd)}  ", ""),
        (f"{_label(call.field('model')):<18}  ", "bold"),
        (f"{_label(app_of(as_text(call.field('origin'))) or call.field('client')):<12}  ", "cyan"),
        (_asked(call), ""),
        (_came(call), "dim"),
        (_failure(call), "red"),
    ]
    return Text.assemble(*columns, no_wrap=True)


def _label(text: object) -> str:
    return clean(text) if isinstance(text, str) and text else "-"


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
