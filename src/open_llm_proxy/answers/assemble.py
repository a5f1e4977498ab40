"""Chat completions and text completions, plain or as deltas, to one answer (OpenAI API reference, "Chat")."""

import json
from collections.abc import Iterable
from typing import Any, cast

import msgspec

from open_llm_proxy.answers.sse import parse as parse_stream

Object = dict[str, Any]
_decode = msgspec.json.Decoder().decode


class ToolCall(msgspec.Struct):
    """A tool call with its arguments as the string it is."""

    id: str | None = None
    name: str | None = None
    arguments: str = ""


class Choice(msgspec.Struct):
    """One choice; text that never came is None."""

    index: int = 0
    content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] = []
    finish_reason: str | None = None


class Answer(msgspec.Struct):
    """What an answer says. ``ended``: it came to the end that its form has; ``error``: the JSON of its error."""

    choices: list[Choice] = []
    usage: Object | None = None
    model: str | None = None
    id: str | None = None
    error: str | None = None
    ended: bool = False
    readable: bool = True


def as_object(value: Any) -> Object:
    """``value`` where it is a JSON object, else an empty one."""
    return cast("Object", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """``value`` where it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """A string, or the text parts of a list joined; else None."""
    if isinstance(value, str):
        return value
    parts = [as_object(part) for part in as_list(value)]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    return "\n".join(texts) if texts else None


def load(data: bytes | str) -> Any:
    """JSON as clients and providers send it; None: it is none."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _join(first: str | None, more: Any) -> str | None:
    text = as_text(more)
    return first if text is None else (first or "") + text


def _error(body: Object) -> str | None:
    error = body.get("error")
    if error in (None, "", {}):
        return None
    return error if isinstance(error, str) else msgspec.json.encode(error).decode()


def _note_common(answer: Answer, body: Object) -> None:
    answer.model = _string(body.get("model")) or answer.model
    answer.id = _string(body.get("id")) or answer.id
    if isinstance(body.get("usage"), dict):
        answer.usage = body["usage"]
    answer.error = _error(body) or answer.error


def read_plain(data: bytes) -> Answer:
    """The answer in a whole JSON body."""
    body = load(data)
    if not isinstance(body, dict):
        return Answer(readable=False)
    answer = Answer(ended=True)
    _note_common(answer, as_object(body))
    for position, raw in enumerate(as_list(as_object(body).get("choices"))):
        choice = as_object(raw)
        message = as_object(choice.get("message")) or {"content": choice.get("text")}
        answer.choices.append(
            Choice(
                index=choice["index"] if isinstance(choice.get("index"), int) else position,
                content=as_text(message.get("content")),
                reasoning=_reasoning(message),
                refusal=_string(message.get("refusal")),
                tool_calls=[_tool_call(as_object(call)) for call in _calls(message)],
                finish_reason=_string(choice.get("finish_reason")),
            )
        )
    return answer


def _reasoning(message: Object) -> str | None:
    for key in ("reasoning_content", "reasoning"):
        text = as_text(message.get(key))
        if text is not None:
            return text
    return None


def _calls(message: Object) -> list[Any]:
    calls = as_list(message.get("tool_calls"))
    if not calls and isinstance(message.get("function_call"), dict):  # the API's older form
        return [{"function": message["function_call"]}]
    return calls


def _arguments(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()


def _tool_call(call: Object) -> ToolCall:
    function = as_object(call.get("function"))
    return ToolCall(_string(call.get("id")), _string(function.get("name")), _arguments(function.get("arguments")))


def read_stream(data: bytes) -> Answer:
    """The answer in an event stream of ``chat.completion.chunk``s."""
    answer = Answer()
    choices: dict[int, Choice] = {}
    calls: dict[tuple[int, int], ToolCall] = {}
    for text in (event.data.decode("utf-8", "replace") for event in parse_stream(data).events):
        if text.strip() == "[DONE]":
            answer.ended = True
            continue
        body = as_object(load(text))
        _note_common(answer, body)
        for position, raw in enumerate(as_list(body.get("choices"))):
            choice = as_object(raw)
            index = choice["index"] if isinstance(choice.get("index"), int) else position
            target = choices.setdefault(index, Choice(index=index, tool_calls=[]))
            _add_delta(target, choice, calls)
            if isinstance(choice.get("usage"), dict):
                answer.usage = choice["usage"]
    answer.choices = [choices[index] for index in sorted(choices)]
    answer.ended = answer.ended or any(choice.finish_reason for choice in answer.choices)
    return answer


def _add_delta(target: Choice, choice: Object, calls: dict[tuple[int, int], ToolCall]) -> None:
    delta = as_object(choice.get("delta")) or as_object(choice.get("message")) or {"content": choice.get("text")}
    target.content = _join(target.content, delta.get("content"))
    reasoning = delta.get("reasoning_content")
    target.reasoning = _join(target.reasoning, delta.get("reasoning") if reasoning is None else reasoning)
    target.refusal = _join(target.refusal, delta.get("refusal"))
    target.finish_reason = _string(choice.get("finish_reason")) or target.finish_reason
    _add_calls(target, _calls(delta), calls)


def _add_calls(target: Choice, deltas: Iterable[Any], calls: dict[tuple[int, int], ToolCall]) -> None:
    for position, raw in enumerate(deltas):
        call = as_object(raw)
        number = call["index"] if isinstance(call.get("index"), int) else position
        known = calls.get((target.index, number))
        identity = _string(call.get("id"))
        if known is not None and identity and known.id and identity != known.id and "index" not in call:
            number = len(target.tool_calls)  # providers without an index tell calls apart by id
            known = None
        if known is None:
            known = calls[target.index, number] = ToolCall()
            target.tool_calls.append(known)
        function = as_object(call.get("function"))
        known.id = known.id or identity
        known.name = known.name or _string(function.get("name"))
        known.arguments += _arguments(function.get("arguments"))
