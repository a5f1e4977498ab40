"""The messages of a request that was recorded in full, as items: chat, responses and messages requests alike."""

from collections.abc import Iterator
from typing import Any, Final

from open_llm_proxy.answers.answer import Object, as_list, as_object, as_text
from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.logs.conversation import Item, Kind

_KINDS: Final[dict[str, Kind]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool_result",
    "function": "tool_result",
}
_ANSWERED: Final = frozenset(("assistant", "reasoning", "tool_call", "refusal"))


def is_answer(item: Item) -> bool:
    """Whether the model said it, not the caller."""
    return item.kind in _ANSWERED


def read_message(message: Any, prompts: dict[str, str]) -> list[Item]:
    """The items of one message.

    Args:
        message: As it stands in a record's ``messages``; whatever it is, nothing is raised.
        prompts: System prompts by their hash, as their own records give them.
    """
    found = as_object(message)
    kind = as_text(found.get("type")) or "message"
    if found.get("_dedup"):
        return [Item(kind="system", text=prompts.get(str(found.get("system_sha256"))))]
    if kind.endswith("_output"):  # the responses API's items
        return [_result(found.get("output"), found.get("call_id"))]
    if kind.endswith("_call"):
        return [_call(found.get("call_id"), found.get("name") or kind, found.get("arguments"))]
    if kind == "reasoning":
        return [Item(kind="reasoning", text=_text(found.get("summary")) or _text(found.get("content")))]
    return list(_read_said(found))


def _read_said(message: Object) -> Iterator[Item]:
    kind = _KINDS.get(str(message.get("role")), "user")
    if kind == "tool_result":
        yield _result(message.get("content"), message.get("tool_call_id"), message.get("name"))
        return
    reasoning = as_text(message.get("reasoning_content")) or as_text(message.get("reasoning"))
    if reasoning:
        yield Item(kind="reasoning", text=reasoning)
    yield from _read_content(kind, message.get("content"))
    if refusal := as_text(message.get("refusal")):
        yield Item(kind="refusal", text=refusal)
    for call in as_list(message.get("tool_calls")):
        function = as_object(as_object(call).get("function"))
        yield _call(as_object(call).get("id"), function.get("name"), function.get("arguments"))


def _read_content(kind: Kind, content: Any) -> Iterator[Item]:
    """A message's content: its text as one item, and what the messages API has as blocks among it."""
    blocks = [as_object(block) for block in as_list(content)]
    results = [block for block in blocks if block.get("type") == "tool_result"]
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    for block in blocks:
        if block.get("type") == "thinking":
            yield Item(kind="reasoning", text=as_text(block.get("thinking")))
    for block in results:
        yield _result(block.get("content"), block.get("tool_use_id"))
    rest = [part for part in as_list(content) if str(as_object(part).get("type")) not in _BLOCKS]
    text = _text(rest if isinstance(content, list) else content)
    if text is not None:
        yield Item(kind=kind, text=text)
    for block in calls:
        yield _call(block.get("id"), block.get("name"), block.get("input"))


_BLOCKS: Final = frozenset(("tool_result", "tool_use", "thinking", "redacted_thinking"))


def _call(call_id: Any, name: Any, arguments: Any) -> Item:
    text = arguments if isinstance(arguments, str) or arguments is None else dump(arguments)
    return Item(kind="tool_call", text=text, name=as_text(name), call_id=as_text(call_id))


def _result(content: Any, call_id: Any, name: Any = None) -> Item:
    text = _text(content)
    if text is None and content is not None:
        text = dump(content)
    return Item(kind="tool_result", text=text, name=as_text(name), call_id=as_text(call_id))


def _text(content: Any) -> str | None:
    """A content as text; parts that are none (images, sound) are named in brackets."""
    if isinstance(content, str):
        return content
    parts = [as_object(content)] if isinstance(content, dict) else as_list(content)
    texts = [_part(part) for part in parts]
    return "\n".join(texts) if texts else None


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    found = as_object(part)
    text = found.get("text")
    if isinstance(text, str):
        return text
    binary = _omitted(found)
    if binary is not None:
        return f"[{binary.get('omitted')}, {binary.get('bytes')} bytes]"
    return f"[{as_text(found.get('type')) or 'part'}: {dump(part)}]"


def _omitted(value: Any) -> Object | None:
    """What stands in a record for binary data, at any depth of a part."""
    found = as_object(value)
    if "omitted" in found:
        return found
    inner = (_omitted(item) for item in found.values() if isinstance(item, dict))
    return next((item for item in inner if item is not None), None)
