"""Captured bytes of an answer, whole or streamed, to an ``Answer``."""

from collections.abc import Iterator
from typing import Any, Final, cast

from open_llm_proxy.answers import chat, messages, responses, sse
from open_llm_proxy.answers.answer import Answer, Object, as_object, is_error
from open_llm_proxy.answers.api import Api
from open_llm_proxy.answers.jsontext import parse, parse_partial, to_text

ERROR_CHARACTERS: Final = 4096
_PLAIN: Final = {"messages": messages.read_plain, "responses": responses.read_plain}
_STREAMED: Final = {"messages": messages.read_events, "responses": responses.read_events}


def assemble(body: bytes, api: Api, content_type: str | None = None, *, whole: bool = True) -> Answer:
    """The answer in a decoded body.

    Args:
        body: The body, content codings taken off.
        api: The shape to read it as.
        content_type: The header's value; a body that plainly is JSON, or events, is read as that all the same.
        whole: False where the body is known to end early: what JSON there is, is read.
    """
    start = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    events = "text/event-stream" in (content_type or "").lower()
    if start not in {b"{", b"["} and (events or sse.looks_like_events(body)):
        return _read_stream(body, api)
    ordinary = chat.read_ordinary(body) if whole and api == "chat" else None
    return ordinary or _read_plain(body, api, whole=whole)


def _read_plain(body: bytes, api: Api, *, whole: bool) -> Answer:
    try:
        value: Any = parse(body)
    except ValueError:
        try:
            value = None if whole else parse_partial(body)
        except ValueError:
            value = None
        whole = False
    if not isinstance(value, dict):
        return Answer(readable=False)
    content = cast("Object", value)
    answer = _PLAIN.get(api, chat.read_plain)(content)
    answer.ended = answer.ended and whole
    if is_error(content):
        answer.error = to_text(body[:ERROR_CHARACTERS])
    return answer


def _read_stream(body: bytes, api: Api) -> Answer:
    stream = _Stream(body)
    answer = _STREAMED.get(api, chat.read_chunks)(stream.objects())
    answer.ended = answer.ended or stream.done
    answer.error = stream.error
    answer.readable = stream.seen
    return answer


class _Stream:
    """The JSON objects of a stream's events, and what was seen while they were read."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.done = False
        self.seen = False
        self.error: str | None = None

    def objects(self) -> Iterator[Object]:
        """Each event's object. The last event counts even if no blank line ended it: servers forget that."""
        stream = sse.parse(self._body)
        for event in (*stream.events, stream.tail) if stream.tail else stream.events:
            data = event.data
            if data == b"[DONE]" or data.strip() == b"[DONE]":
                self.done = self.seen = True
                continue
            try:
                chunk = as_object(parse(data))
            except ValueError:
                chunk = {}
            if event.name == b"error" or is_error(chunk) or _has_failed(chunk):
                self.error = self.error or to_text(data[:ERROR_CHARACTERS])
            if chunk:
                self.seen = True
                yield chunk


def _has_failed(event: Object) -> bool:
    """Whether this is the responses API's last event of a response that has failed."""
    return event.get("type") == "response.failed" or bool(as_object(event.get("response")).get("error"))
