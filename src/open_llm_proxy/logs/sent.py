"""What a request adds to its conversation: all that the call before it in the thread had is left out.

In summary mode a request's record holds its first and last user message and the tool results behind the last answer;
in full mode all messages.
"""

from collections import Counter
from itertools import dropwhile, takewhile
from typing import Any, Final

from open_llm_proxy.answers.answer import Object, as_list, as_object, as_text
from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.logs.calls import Call
from open_llm_proxy.logs.conversation import Item
from open_llm_proxy.logs.messages import is_answer, read_message
from open_llm_proxy.logs.threads import count_of, is_repeated

_PROMPT_APART: Final = ("/messages", "/responses")
"""Ends of the paths whose requests have their system prompt outside the messages that are counted."""


def read_sent(call: Call, last: Call | None, prompts: dict[str, str]) -> tuple[list[Item], int]:
    """The items that are new, and how many messages stand before them that no record holds.

    Args:
        call: The call.
        last: The one before it in its thread.
        prompts: System prompts by their hash.
    """
    if call.request is None or (last is not None and is_repeated(last, call)):
        return [], 0
    messages = call.request.get("messages")
    if isinstance(messages, list):
        return _read_full(as_list(messages), last, prompts), 0
    items = _read_prompt(call.request, last, prompts)
    if call.field("content_logged") is False:
        return items + _read_hidden(call, last), 0
    return _read_summary(call.request, last, items)


# --- full mode -------------------------------------------------------------------------------------------------------


def _read_full(messages: list[Any], last: Call | None, prompts: dict[str, str]) -> list[Item]:
    had = last.request.get("messages") if last is not None and last.request is not None else None
    if last is not None and not isinstance(had, list):
        return [item for item in _behind_answer(messages, prompts) if not is_answer(item)]
    known = Counter(dump(message) for message in as_list(had))
    items: list[Item] = []
    for message in messages:
        key = dump(message)
        if known[key]:
            known[key] -= 1
        else:
            items += read_message(message, prompts)
    if last is None or last.response is None or last.response.get("error"):
        return items
    return _without_echo(items)


def _without_echo(items: list[Item]) -> list[Item]:
    """The last answer, which the client sends back, is there already."""
    before = list(takewhile(lambda item: not is_answer(item), items))
    return before + list(dropwhile(is_answer, items[len(before) :]))


def _behind_answer(messages: list[Any], prompts: dict[str, str]) -> list[Item]:
    """What follows the model's last message."""
    items = [item for message in messages for item in read_message(message, prompts)]
    last = max((place for place, item in enumerate(items) if is_answer(item)), default=-1)
    return items[last + 1 :]


# --- summary mode ----------------------------------------------------------------------------------------------------


def _read_prompt(request: Object, last: Call | None, prompts: dict[str, str]) -> list[Item]:
    """The system prompt, where a record holds it and the call before had another."""
    sha256 = as_text(request.get("system_sha256"))
    had = last.request.get("system_sha256") if last is not None and last.request is not None else None
    known = sha256 in prompts and sha256 != had
    return [Item(kind="system", text=prompts[sha256])] if sha256 is not None and known else []


def _read_summary(request: Object, last: Call | None, items: list[Item]) -> tuple[list[Item], int]:
    cut = set(map(str, as_list(request.get("truncated"))))
    question, said = as_text(request.get("user_question")), as_text(request.get("user_message_this_turn"))
    said = said or question  # older records have the question only
    results = [_read_result(as_object(one), cut) for one in as_list(request.get("tool_results_this_turn"))]
    if last is None:
        items += [_user(text, cut) for text in dict.fromkeys((question, said)) if text is not None]
        known = sum(item.kind == "user" for item in items) + len(results) + _prompts_counted(request)
        count = request.get("message_count")
        return items + results, max(0, count - known) if isinstance(count, int) else 0
    if said is not None and (not results or said != _last_said(last)):
        return [*items, *results, _user(said, cut)], 0
    return items + results, 0


def _user(text: str, cut: set[str]) -> Item:
    return Item(kind="user", text=text, cut="user_message_this_turn" in cut or "user_question" in cut)


def _last_said(last: Call) -> str | None:
    request = last.request or {}
    return as_text(request.get("user_message_this_turn")) or as_text(request.get("user_question"))


def _read_result(result: Object, cut: set[str]) -> Item:
    content = result.get("content")
    text = content if isinstance(content, str) or content is None else dump(content)
    call_id = as_text(result.get("tool_call_id"))
    return Item(kind="tool_result", text=text, call_id=call_id, cut="tool_results_this_turn" in cut)


def _prompts_counted(request: Object) -> int:
    """Whether one of the messages is a system prompt: 1 or 0."""
    path = (as_text(request.get("endpoint")) or "").partition("?")[0]
    return int(bool(request.get("system_sha256")) and not path.endswith(_PROMPT_APART))


def _read_hidden(call: Call, last: Call | None) -> list[Item]:
    """What a request without texts must have brought: results for the tool calls before it, else a user's words."""
    asked = as_list(last.response.get("tool_calls")) if last is not None and last.response is not None else []
    before, now = (count_of(last) if last is not None else None), count_of(call)
    if asked and (before is None or now is None or now <= before + 1 + len(asked)):
        ids = [as_text(as_object(one).get("id")) for one in asked]
        return [Item(kind="tool_result", text=None, call_id=call_id) for call_id in ids]
    return [Item(kind="user", text=None)]
