"""Chat completions and (text) completions: ``choices`` with a ``message``, a ``text``, or deltas of either."""

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from open_llm_proxy.answers.answer import Answer, Choice, Object, Text, ToolCall, as_index, as_list, as_object, as_text
from open_llm_proxy.answers.tool_deltas import ToolDeltas, plain_calls

MAX_CHOICES = 1024


def read_plain(body: Object) -> Answer:
    """The answer in a whole body; ``choices`` may be null (OpenRouter, with an error beside it)."""
    answer = Answer(ended=True)
    _note(answer, body)
    choices = [_read_choice(as_object(item), place) for place, item in enumerate(as_list(body.get("choices")))]
    answer.choices = sorted(choices, key=lambda choice: choice.index)
    return answer


class _Message(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[Any] | None = None
    function_call: Any = None
    audio: Any = None


class _Choice(msgspec.Struct, gc=False):
    message: _Message
    index: int | None = None
    finish_reason: str | None = None
    text: Any = None


class _Body(msgspec.Struct, gc=False):
    """An answer as nearly all are; what has other types than these is read field by field."""

    choices: list[_Choice]
    usage: dict[str, Any]
    model: str | None = None
    id: str | None = None
    object: Any = None
    type: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Body).decode


def read_ordinary(data: bytes) -> Answer | None:
    """What ``read_plain`` gives for an answer in which nothing is odd, for less; None for any other."""
    try:
        body = _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if body.error or body.object == "error" or body.type == "error":
        return None
    choices: list[Choice] = []
    for place, choice in enumerate(body.choices):
        message = choice.message
        if message.audio is not None or choice.text is not None:
            return None
        calls: list[ToolCall] = []
        if message.tool_calls or message.function_call:
            calls = plain_calls({"tool_calls": message.tool_calls, "function_call": message.function_call})
        index = place if choice.index is None else choice.index
        reasoning = message.reasoning_content or message.reasoning or None
        finish = choice.finish_reason or None
        choices.append(Choice(index, message.content or None, reasoning, message.refusal or None, calls, finish))
    if len(choices) > 1:
        choices.sort(key=lambda choice: choice.index)
    return Answer(choices, body.usage, body.model or None, body.id or None, ended=True)


def _read_choice(choice: Object, place: int) -> Choice:
    message = as_object(choice.get("message"))
    content, thinking = _texts(message.get("content"))
    return Choice(
        as_index(choice.get("index"), place),
        content or as_text(choice.get("text")) or as_text(as_object(message.get("audio")).get("transcript")),
        _reasoning(message) or thinking,
        as_text(message.get("refusal")),
        plain_calls(message),
        as_text(choice.get("finish_reason")),
    )


def _note(answer: Answer, body: Object) -> None:
    """What is outside the choices; usage stands in a choice with Moonshot, under ``x_groq`` with Groq."""
    answer.note(body)
    if not isinstance(body.get("usage"), dict):
        places = [body.get("x_groq"), *as_list(body.get("choices"))[:1]]
        for place in places:
            usage = as_object(place).get("usage")
            if isinstance(usage, dict):
                answer.usage = cast("Object", usage)


def _reasoning(message: Object) -> str | None:
    """Either name; servers that send both send the same text twice."""
    return as_text(message.get("reasoning_content")) or as_text(message.get("reasoning"))


def _texts(content: Any) -> tuple[str | None, str | None]:
    """Text and thinking of a ``content``: a string, or a list of parts (Mistral's reasoning models)."""
    if content is None or isinstance(content, str):
        return content or None, None
    text, thinking = Text(), Text()
    for item in as_list(content):
        if isinstance(item, str):
            text.add(item)
            continue
        part = as_object(item)
        text.add(part.get("text"))
        inner = part.get("thinking")
        thinking.add(inner)
        for piece in as_list(inner):
            thinking.add(as_object(piece).get("text"))
    return text.join(), thinking.join()


class _Growing:
    """One choice of a stream."""

    __slots__ = ("calls", "content", "finish_reason", "index", "reasoning", "refusal")

    def __init__(self, index: int) -> None:
        self.index = index
        self.content = Text()
        self.reasoning = Text()
        self.refusal = Text()
        self.calls: ToolDeltas | None = None
        self.finish_reason: str | None = None

    def add(self, choice: Object) -> None:
        """Take one chunk's choice; a gateway that streams a whole answer as one event sends ``message``."""
        delta = as_object(choice.get("delta")) or as_object(choice.get("message"))
        self.finish_reason = as_text(choice.get("finish_reason")) or self.finish_reason
        self.content.add(choice.get("text"))
        if not delta:
            return
        content = delta.get("content")
        if isinstance(content, str):
            self.content.add(content)
        elif content is not None:
            text, thinking = _texts(content)
            self.content.add(text)
            self.reasoning.add(thinking)
        if len(delta) > 1 or "content" not in delta:  # nearly every chunk has its content alone
            self._add_rest(delta)

    def _add_rest(self, delta: Object) -> None:
        self.reasoning.add(_reasoning(delta))
        self.refusal.add(delta.get("refusal"))
        self.content.add(as_object(delta.get("audio")).get("transcript"))
        if delta.get("tool_calls") or delta.get("function_call"):
            self.calls = self.calls or ToolDeltas()
            self.calls.add(delta)

    def join(self) -> Choice:
        """The choice as a plain answer would have it."""
        return Choice(
            self.index,
            self.content.join(),
            self.reasoning.join(),
            self.refusal.join(),
            self.calls.join() if self.calls else [],
            self.finish_reason,
        )


def read_chunks(chunks: Iterable[Object]) -> Answer:
    """The answer in the chunks of a stream; ``ended`` once a choice has its ``finish_reason``."""
    answer = Answer(streamed=True)
    growing: dict[int, _Growing] = {}
    for chunk in chunks:
        _note(answer, chunk)
        for place, item in enumerate(as_list(chunk.get("choices"))):
            choice = as_object(item)
            index = as_index(choice.get("index"), place)
            if index not in growing and len(growing) < MAX_CHOICES:
                growing[index] = _Growing(index)
            if index in growing:
                growing[index].add(choice)
    answer.choices = [growing[index].join() for index in sorted(growing)]
    answer.ended = any(choice.finish_reason for choice in answer.choices)
    return answer
