"""Which call goes on with which conversation: a session may hold several, side by side or one after the other.

Records in summary mode do not hold the messages that a client sends again and again, so what tells is how many they
are, the first question, and the ids of the tool calls that are answered.
"""

from typing import Final

from open_llm_proxy.answers.answer import as_list, as_object, as_text
from open_llm_proxy.logs.calls import Call

OPENING_MESSAGES: Final = 2
"""A request with no more messages than this (system prompt and question) begins a conversation."""


def split_threads(calls: list[Call]) -> list[list[Call]]:
    """A session's calls, in order, as threads; each thread in order, the threads by their first call."""
    threads: list[list[Call]] = []
    for call in calls:
        going_on = [thread for thread in threads if goes_on(thread[-1], call)]
        if going_on:
            max(going_on, key=lambda thread: (_answers_tools(thread[-1], call), count_of(thread[-1]) or 0)).append(call)
        elif threads and _has_history(call) and as_text(call.field("session_id")):
            max(threads, key=lambda thread: thread[-1].at).append(call)  # its client shortened what it sends again
        else:
            threads.append([call])
    return threads


def goes_on(last: Call, call: Call) -> bool:
    """Whether ``call`` may be what came next in the conversation after ``last``."""
    if _question(last) != _question(call):
        return False
    before, now = count_of(last), count_of(call)
    if is_repeated(last, call):
        return True
    return (before is None or now is None or now > before) and _answers_tools(last, call) >= 0


def is_repeated(last: Call, call: Call) -> bool:
    """Whether ``call`` sends again what ``last`` sent and got no answer for."""
    if last.request is None or call.request is None or not _failed(last):
        return False
    names = ("message_count", "user_question", "user_message_this_turn", "tool_results_this_turn", "messages")
    return all(last.request.get(name) == call.request.get(name) for name in names)


def count_of(call: Call) -> int | None:
    """How many messages its request had."""
    count = call.request.get("message_count") if call.request is not None else None
    return count if isinstance(count, int) else None


def result_ids(call: Call) -> set[str]:
    """The tool calls whose results its request brings."""
    results = as_list(call.request.get("tool_results_this_turn")) if call.request is not None else []
    return {found for result in results if (found := as_text(as_object(result).get("tool_call_id")))}


def _question(call: Call) -> str | None:
    return as_text(call.request.get("user_question")) if call.request is not None else None


def _failed(call: Call) -> bool:
    return call.response is None or bool(call.response.get("error"))


def _has_history(call: Call) -> bool:
    return (count_of(call) or 0) > OPENING_MESSAGES or bool(result_ids(call))


def _answers_tools(last: Call, call: Call) -> int:
    """1: it brings results of tool calls that ``last`` made; -1: of others; 0: of none, or that cannot be told."""
    brought = result_ids(call)
    made = as_list(last.response.get("tool_calls")) if last.response is not None else []
    asked = {found for one in made if (found := as_text(as_object(one).get("id")))}
    if not brought or not asked:
        return 0
    return 1 if brought & asked else -1
