"""Anthropic's messages API: ``content`` blocks, whole or as events, in the fields of a chat answer."""

from collections.abc import Iterable
from typing import Any, Final

from open_llm_proxy.answers.answer import Answer, Choice, Object, Text, ToolCall, as_index, as_list, as_object, as_text
from open_llm_proxy.answers.jsontext import dump, parse
from open_llm_proxy.answers.tool_deltas import arguments_text

MAX_BLOCKS: Final = 4096


def read_plain(body: Object) -> Answer:
    """The answer in a whole message (thinking: reasoning; ``tool_use``: a tool call, its input as compact JSON)."""
    answer = Answer(ended=True)
    answer.note(body)
    blocks = as_list(body.get("content"))
    finish = as_text(body.get("stop_reason"))
    if blocks or finish:
        answer.choices = [_read_blocks([as_object(block) for block in blocks], finish)]
    return answer


def _read_blocks(blocks: list[Object], finish_reason: str | None) -> Choice:
    content, thinking = Text(), Text()
    calls: list[ToolCall] = []
    for block in blocks:
        kind = as_text(block.get("type")) or ""
        if kind == "text":
            content.add(block.get("text"))
        elif kind == "thinking":
            thinking.add(block.get("thinking"))
        elif kind.endswith("tool_use"):  # server_tool_use, mcp_tool_use
            text = arguments_text(block.get("input"))
            calls.append(ToolCall(as_text(block.get("id")), as_text(block.get("name")), text))
    return Choice(0, content.join(), thinking.join(), None, calls, finish_reason)


class _Block:
    """A content block that grows."""

    __slots__ = ("start", "text")

    def __init__(self, start: Object) -> None:
        self.start = start
        self.text = Text()

    def join(self) -> Object:
        """The block as a plain answer would have it."""
        kind, text = as_text(self.start.get("type")), self.text.join()
        if text is None:
            return self.start
        if kind in {"text", "thinking"}:
            return {"type": kind, kind: (as_text(self.start.get(kind)) or "") + text}
        return {**self.start, "input": _compact(text)}


def _compact(text: str) -> str:
    """Tool input as the plain answer's would be written; text that is no JSON (broken off) as it came."""
    try:
        return dump(parse(text))
    except ValueError:
        return text


_DELTAS: Final = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


def read_events(events: Iterable[Object]) -> Answer:
    """The answer in a stream's events; usage begins in ``message_start`` and is completed by ``message_delta``."""
    answer = Answer(streamed=True)
    blocks: dict[int, _Block] = {}
    usage: Object = {}
    finish: str | None = None
    for event in events:
        kind = as_text(event.get("type"))
        if kind == "content_block_delta":
            _grow(blocks, event)
        elif kind == "content_block_start":
            index = as_index(event.get("index"), len(blocks))
            if len(blocks) < MAX_BLOCKS:
                blocks[index] = _Block(as_object(event.get("content_block")))
        elif kind in {"message_start", "message_delta"}:
            message = as_object(event.get("message"))
            answer.note(message)
            usage |= _present(message.get("usage")) | _present(event.get("usage"))
            finish = as_text(as_object(event.get("delta")).get("stop_reason")) or finish
        elif kind == "message_stop":
            answer.ended = True
    answer.usage = usage or None
    if blocks or finish:
        answer.choices = [_read_blocks([blocks[index].join() for index in sorted(blocks)], finish)]
    return answer


def _grow(blocks: dict[int, _Block], event: Object) -> None:
    delta = as_object(event.get("delta"))
    field = _DELTAS.get(as_text(delta.get("type")) or "")
    if field is None:  # signatures, citations
        return
    index = as_index(event.get("index"), 0)
    if index not in blocks and len(blocks) < MAX_BLOCKS:  # its start was lost
        blocks[index] = _Block({"type": "tool_use" if field == "partial_json" else field})
    if index in blocks:
        blocks[index].text.add(delta.get(field))


def _present(usage: Any) -> Object:
    return {name: value for name, value in as_object(usage).items() if value is not None}
