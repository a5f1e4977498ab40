"""The responses API: ``output`` items, whole or as events, in the fields of a chat answer."""

from collections.abc import Iterable
from typing import Any, Final

from open_llm_proxy.answers.answer import Answer, Choice, Object, Text, ToolCall, as_index, as_list, as_object, as_text
from open_llm_proxy.answers.tool_deltas import arguments_text

MAX_ITEMS: Final = 4096
_FINAL: Final = frozenset(("response.completed", "response.incomplete", "response.failed", "response.cancelled"))
_PARTS: Final = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_text",
    "response.reasoning_summary_text.delta": "summary_text",
    "response.function_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "arguments",
    "response.mcp_call_arguments.delta": "arguments",
}


def read_plain(body: Object) -> Answer:
    """The answer in a whole response object (``finish_reason``: its status, or why it is incomplete)."""
    answer = Answer(ended=True)
    answer.note(body)
    texts, calls = _Texts(), list[ToolCall]()
    for item in as_list(body.get("output")):
        _read_item(as_object(item), texts, calls)
    finish = as_text(as_object(body.get("incomplete_details")).get("reason")) or as_text(body.get("status"))
    choice = texts.choice(calls, finish)
    if choice != Choice():
        answer.choices = [choice]
    return answer


class _Texts:
    """The three texts of an answer, from parts or deltas of any item."""

    __slots__ = ("content", "reasoning", "refusal", "summary")

    def __init__(self) -> None:
        self.content = Text()
        self.refusal = Text()
        self.reasoning = Text()
        self.summary: list[str] = []

    def add(self, kind: str | None, text: Any) -> None:
        """Take a part of the kind that its ``type`` names."""
        if kind in {"output_text", "text"}:
            self.content.add(text)
        elif kind == "refusal":
            self.refusal.add(text)
        elif kind == "reasoning_text":
            self.reasoning.add(text)
        elif kind == "summary_text" and isinstance(text, str) and text:
            self.summary.append(text)

    def choice(self, calls: list[ToolCall], finish_reason: str | None) -> Choice:
        """Choice 0; summaries stand for reasoning that the provider keeps to itself."""
        reasoning = self.reasoning.join() or "\n\n".join(self.summary) or None
        return Choice(0, self.content.join(), reasoning, self.refusal.join(), calls, finish_reason)


def _read_item(item: Object, texts: _Texts, calls: list[ToolCall]) -> None:
    kind = as_text(item.get("type"))
    if kind and (kind.endswith("_call") or "name" in item):
        text = arguments_text(item.get("arguments", item.get("input")))
        calls.append(ToolCall(as_text(item.get("call_id")) or as_text(item.get("id")), _name(item, kind), text))
        return
    for part in (*as_list(item.get("summary")), *as_list(item.get("content"))):
        piece = as_object(part)
        texts.add(as_text(piece.get("type")), piece.get("text") or piece.get("refusal"))


def _name(item: Object, kind: str) -> str:
    """A function's name; a built-in tool (``web_search_call``) has its kind's."""
    return as_text(item.get("name")) or kind.removesuffix("_call")


class _Item:
    """An output item that grows; its ``whole`` form, once it is done, counts alone."""

    __slots__ = ("parts", "shell", "whole")

    def __init__(self) -> None:
        self.shell: Object = {}
        self.whole: Object | None = None
        self.parts: dict[tuple[str, int], Text] = {}

    def add(self, kind: str, place: int, delta: Any) -> None:
        """Take a delta of the part at ``place``."""
        if (kind, place) in self.parts or len(self.parts) < MAX_ITEMS:
            self.parts.setdefault((kind, place), Text()).add(delta)

    def join(self) -> Object:
        """The item as a plain answer would have it."""
        if self.whole is not None:
            return self.whole
        joined = {key: text.join() or "" for key, text in self.parts.items()}
        arguments = [text for (kind, _), text in joined.items() if kind == "arguments"]
        if arguments:
            return {"type": "function_call", **self.shell, "arguments": arguments[0]}
        parts = [{"type": kind, "text": text} for (kind, _), text in joined.items()]
        return {**self.shell, "content": parts} if parts else self.shell


def read_events(events: Iterable[Object]) -> Answer:
    """The answer in a stream's events: the last event holds it whole; of a broken stream, what the others gave."""
    answer = Answer(streamed=True)
    items: dict[int, _Item] = {}
    final: Object | None = None
    for event in events:
        kind = as_text(event.get("type"))
        if isinstance(event.get("response"), dict):
            body = as_object(event["response"])
            answer.note(body)
            final = body if kind in _FINAL else final
        elif kind:
            _take(kind, event, items)
    output = [items[index].join() for index in sorted(items)]
    if final is None:
        read = read_plain({"output": output})
    else:  # some servers leave the last event's output empty
        read = read_plain(final if as_list(final.get("output")) else {**final, "output": output})
    answer.choices, answer.ended = read.choices, final is not None
    return answer


def _take(kind: str, event: Object, items: dict[int, _Item]) -> None:
    index = as_index(event.get("output_index"), 0)
    if index not in items and len(items) >= MAX_ITEMS:
        return
    if kind == "response.output_item.added":
        items.setdefault(index, _Item()).shell = as_object(event.get("item"))
    elif kind == "response.output_item.done":
        items.setdefault(index, _Item()).whole = as_object(event.get("item"))
    elif kind in _PARTS:
        place = as_index(event.get("summary_index"), as_index(event.get("content_index"), 0))
        items.setdefault(index, _Item()).add(_PARTS[kind], place, event.get("delta"))
