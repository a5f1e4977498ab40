"""A response's record as the items of an answer, and its usage as numbers."""

from collections.abc import Iterator
from typing import Any

from open_llm_proxy.answers.answer import Object, as_list, as_object, as_text
from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.answers.usage import normalise
from open_llm_proxy.logs.conversation import Item, Kind, Usage


def read_answer(response: Object) -> list[Item]:
    """Reasoning, content, refusal and tool calls; a text that the record leaves out is an item without one."""
    cut = set(map(str, as_list(response.get("truncated"))))
    items = [
        *_read_text("reasoning", response, "reasoning_content", cut),
        *_read_text("assistant", response, "content", cut),
    ]
    if refusal := as_text(response.get("refusal")):
        items.append(Item(kind="refusal", text=refusal, cut="refusal" in cut))
    return items + [
        _read_call(as_object(call), cut="tool_calls" in cut) for call in as_list(response.get("tool_calls"))
    ]


def read_choice(choice: Object) -> list[Item]:
    """One of several choices."""
    items: list[Item] = []
    if reasoning := as_text(choice.get("reasoning_content")):
        items.append(Item(kind="reasoning", text=reasoning))
    if content := as_text(choice.get("content")):
        items.append(Item(kind="assistant", text=content))
    return items + [_read_call(as_object(call), cut=False) for call in as_list(choice.get("tool_calls"))]


def read_usage(tokens: Any) -> Usage:
    """A provider's usage object as numbers."""
    counts = normalise(tokens)
    cost = as_object(tokens).get("cost")
    return Usage(
        prompt=counts.prompt,
        completion=counts.completion,
        total=counts.total,
        cached=counts.cached,
        cost_usd=float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else None,
    )


def _read_text(kind: Kind, response: Object, field: str, cut: set[str]) -> Iterator[Item]:
    """The field's text; in older records, which may have no more, its preview."""
    text, preview = as_text(response.get(field)), as_text(response.get(f"{field}_preview"))
    if text is not None:
        yield Item(kind=kind, text=text, cut=field in cut)
    elif preview is not None:
        yield Item(kind=kind, text=preview, cut=True)
    elif response.get(f"has_{field}"):
        yield Item(kind=kind, text=None)


def _read_call(call: Object, *, cut: bool) -> Item:
    function = as_object(call.get("function")) or call
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) or arguments is None else dump(arguments)
    return Item(
        kind="tool_call", text=text, name=as_text(function.get("name")), call_id=as_text(call.get("id")), cut=cut
    )
