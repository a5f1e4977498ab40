"""Who said what, in which order: chat, responses and messages requests under one set of roles."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from open_llm_proxy.answers.answer import Object, as_list, as_object, as_text
from open_llm_proxy.answers.api import Api
from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.records.fields import Fields, first_byte, value_of

_NULL: Final = msgspec.Raw(b"null")


class _Item(msgspec.Struct, gc=False):
    """A message, or an item of the responses API; contents stay undecoded until they are wanted."""

    role: Any = None
    content: msgspec.Raw = _NULL
    tool_call_id: Any = None
    type: Any = None
    call_id: Any = None
    output: msgspec.Raw = _NULL


class ToolResult(NamedTuple):
    """What a tool gave for a call; None where there is no such id, or no text."""

    tool_call_id: str | None
    content: str | None


class Conversation(msgspec.Struct):
    """What a request record says of a conversation.

    ``system`` is the first system (or developer) prompt, unscrubbed. ``tool_results`` are those that came after the
    last assistant message.
    """

    message_count: int | None = None
    system: str | None = None
    user_question: str | None = None
    user_message: str | None = None
    tool_results: list[ToolResult] | None = None


_items = msgspec.json.Decoder(list[_Item]).decode
SYSTEM_ROLES: Final = frozenset(("system", "developer"))
_TOOL_ROLES: Final = frozenset(("tool", "function"))


def read_conversation(fields: Fields, api: Api) -> Conversation:
    """The conversation in a request's fields; an empty one where the API has none."""
    if api == "responses":
        return _read_responses(fields)
    if api == "messages":
        return _read_messages(fields)
    if api == "completions":
        prompt = text_of(value_of(fields.get("prompt")))
        return Conversation(user_question=prompt, user_message=prompt)
    return _read_chat(fields["messages"]) if "messages" in fields else Conversation()


def text_of(content: Any) -> str | None:
    """The text of a ``content``: a string, or the text parts of a list joined with a newline; None without any."""
    if isinstance(content, str):
        return content
    parts = [as_object(content)] if isinstance(content, dict) else as_list(content)
    texts = [part if isinstance(part, str) else as_object(part).get("text") for part in parts]
    found = [text for text in texts if isinstance(text, str)]
    return "\n".join(found) if found else None


def _read_items(raw: msgspec.Raw) -> list[_Item]:
    try:
        return _items(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):  # one that is no object, a lone surrogate, …
        return [_read_item(as_object(item)) for item in as_list(value_of(raw))]


def _read_item(item: Object) -> _Item:
    content, output = (msgspec.Raw(dump(item.get(name)).encode()) for name in ("content", "output"))
    return _Item(item.get("role"), content, item.get("tool_call_id"), item.get("type"), item.get("call_id"), output)


def _read_chat(raw: msgspec.Raw) -> Conversation:
    return _read_said(_read_items(raw))


def _read_responses(fields: Fields) -> Conversation:
    """Items without a role are the model's (calls, reasoning) or a tool's (``…_output``)."""
    if "input" not in fields:
        return Conversation(system=text_of(value_of(fields.get("instructions"))))
    given = value_of(fields["input"]) if first_byte(fields["input"]) == b'"' else None
    if isinstance(given, str):
        found = Conversation(message_count=1, user_question=given, user_message=given)
    else:
        found = _read_said([_responses_item(item) for item in _read_items(fields["input"])])
    found.system = text_of(value_of(fields.get("instructions"))) or found.system
    return found


def _responses_item(item: _Item) -> _Item:
    """The item under a chat role; ``content`` of a tool is its result."""
    kind = as_text(item.type) or "message"
    if kind.endswith("_output"):
        return _Item("tool", item.output, item.call_id)
    return _Item(item.role if kind == "message" else "assistant", item.content)


def _read_said(said: list[_Item]) -> Conversation:
    roles = [as_text(item.role) for item in said]
    found = Conversation(message_count=len(said))
    for role, item in zip(roles, said, strict=True):
        if role in SYSTEM_ROLES:
            found.system = text_of(value_of(item.content))
            break
    if "user" in roles:
        first, last = roles.index("user"), _last_index(roles, "user")
        found.user_question = text_of(value_of(said[first].content))
        found.user_message = found.user_question if last == first else text_of(value_of(said[last].content))
    start = _last_index(roles, "assistant") + 1
    results = [
        ToolResult(as_text(item.tool_call_id), _result_text(value_of(item.content)))
        for role, item in zip(roles[start:], said[start:], strict=True)
        if role in _TOOL_ROLES
    ]
    found.tool_results = results or None
    return found


def _last_index(roles: list[str | None], role: str) -> int:
    """Where the role comes last; -1 where it does not."""
    return len(roles) - 1 - roles[::-1].index(role) if role in roles else -1


def _result_text(content: Any) -> str | None:
    """A tool's result as text; a structure without text parts as JSON."""
    text = text_of(content)
    return dump(content) if text is None and isinstance(content, dict) else text


def _read_messages(fields: Fields) -> Conversation:
    """Tool results are blocks of a user's message; a message of nothing else is no word of the user's."""
    items = _read_items(fields["messages"]) if "messages" in fields else []
    roles = [as_text(item.role) for item in items]
    found = Conversation(message_count=len(items) if "messages" in fields else None)
    found.system = text_of(value_of(fields.get("system")))
    places = [place for place, role in enumerate(roles) if role == "user"]
    found.user_question = _first_spoken(items, places)
    found.user_message = _first_spoken(items, reversed(places))
    results = [result for item in items[_last_index(roles, "assistant") + 1 :] for result in _result_blocks(item)]
    found.tool_results = results or None
    return found


def _first_spoken(items: list[_Item], places: Iterable[int]) -> str | None:
    for place in places:
        content = value_of(items[place].content)
        spoken = [block for block in as_list(content) if as_object(block).get("type") != "tool_result"]
        if isinstance(content, str) or spoken:
            return text_of(content if isinstance(content, str) else spoken)
    return None


def _result_blocks(item: _Item) -> Iterator[ToolResult]:
    for block in as_list(value_of(item.content)):
        result = as_object(block)
        if result.get("type") == "tool_result":
            yield ToolResult(as_text(result.get("tool_use_id")), _result_text(result.get("content")))
