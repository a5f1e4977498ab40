"""The ``demo`` provider: an upstream of ours on loopback, so that a first call takes the same road as any other.

Deterministic, small, and it says that it is a stand-in. Offered tools, it calls the first one with arguments that fit
its schema; after a tool's result it answers with what the tool gave.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.http1.head import RequestHead
from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.http1.roles import Responder
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.demo_arguments import as_list, as_object, make_arguments
from open_llm_proxy.proxy.errors import Refusal, render, row_of_protocol_status
from open_llm_proxy.proxy.relay import own_head

MODEL: Final = "demo"
CREATED: Final = 1_767_225_600
PACE_S: Final = 0.01
QUOTED_CHARACTERS: Final = 500
_JSON: Final = b"application/json"
_encode = msgspec.json.Encoder().encode
Object = dict[str, Any]


class DemoApplication:
    """An ``http1.downstream.Application`` that answers chat completions and the model list."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.limits = EngineLimits()
        self.draining = False
        self.clock = 0.0
        self.buffered_bytes = 0
        self.turn = Turn(loop, lambda: None, self.on_error)

    async def listen(self, listener: Any) -> asyncio.AbstractServer:
        """Answer on a listening socket."""
        return await self.loop.create_server(lambda: Downstream(self), sock=listener)

    def connected(self, connection: Downstream) -> None:
        """Every connection is welcome: only the proxy on this machine connects."""

    def disconnected(self, connection: Downstream) -> None:
        """Nothing is kept of a connection."""

    def on_error(self, error: BaseException) -> None:
        """A fault in a stand-in is for whoever runs it to see."""
        self.loop.call_exception_handler({"message": "the demo model failed", "exception": error})

    def refuse(self, connection: Downstream, error: ProtocolError) -> None:
        """A request that broke HTTP."""
        send_refusal(connection, Refusal(row_of_protocol_status(error.status), error.message))

    def begin(self, connection: Downstream, head: RequestHead, content_length: int) -> Responder:  # noqa: ARG002 - the interface has it
        """A request's head has come."""
        return DemoCall(self, connection, head)

    def begin_whole(self, connection: Downstream, head: RequestHead, content_length: int) -> Responder:  # noqa: ARG002 - the interface has it
        """The same, with the body at hand."""
        return DemoCall(self, connection, head)


def _read(body: bytes) -> Object:
    try:
        return as_object(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def send_refusal(connection: Downstream, refusal: Refusal) -> None:
    """Answer with an error."""
    body = render(refusal, anthropic=False, request_id="")
    connection.respond(own_head(refusal.row.status, _JSON, b""), body)


class DemoCall:
    """One call of the stand-in."""

    def __init__(self, app: DemoApplication, connection: Downstream, head: RequestHead) -> None:
        self._app = app
        self._connection = connection
        self._head = head
        self._gone = False

    def on_request(self, body: bytes) -> None:
        """The request is whole."""
        if self._head.path == b"/v1/models":
            listed = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "open-llm-proxy"}
            self._respond({"object": "list", "data": [listed]})
            return
        if self._head.path != b"/v1/chat/completions":
            refusal = Refusal(errors.NOT_FOUND, "the demo model answers chat completions only; it is a stand-in")
            send_refusal(self._connection, refusal)
            return
        request = _read(body)
        if not isinstance(request.get("messages"), list):
            send_refusal(self._connection, Refusal(errors.BAD_PARAM, "`messages` must be a list", param="messages"))
            return
        messages = [as_object(message) for message in as_list(request["messages"])]
        completion = complete(request, messages, hashlib.sha256(body).hexdigest()[:24])
        if request.get("stream") is True:
            usage = as_object(request.get("stream_options")).get("include_usage") is True
            self._stream(list(events(completion, usage=usage)))
        else:
            self._respond(completion)

    def _respond(self, value: Object) -> None:
        self._connection.respond(own_head(200, _JSON, b"x-demo: a stand-in, no model\r\n"), _encode(value))

    def _stream(self, parts: list[bytes]) -> None:
        head = own_head(200, b"text/event-stream", b"x-demo: a stand-in, no model\r\ncache-control: no-cache\r\n")
        self._connection.start(head, None, [parts[0]])
        self._app.loop.call_later(PACE_S, self._send, parts, 1)

    def _send(self, parts: list[bytes], index: int) -> None:
        if self._gone:
            return
        if index == len(parts) - 1:
            self._connection.finish([parts[index]])
        else:
            self._connection.send([parts[index]])
            self._app.loop.call_later(PACE_S, self._send, parts, index + 1)

    def on_refused(self, error: ProtocolError) -> bool:  # noqa: ARG002 - the application answers it
        """The request's rest cannot be read."""
        return False

    def on_gone(self) -> None:
        """The proxy ended the call."""
        self._gone = True

    def on_writable(self, writable: bool) -> None:
        """Answers are small."""


def text_of(content: Any) -> str:
    """A message's content as text: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    return "\n".join(str(as_object(part).get("text", "")) for part in as_list(content))


def complete(request: Object, messages: list[Object], digest: str) -> Object:
    """The ``chat.completion`` for a request."""
    message, finish_reason = _answer(request, messages, digest)
    prompt = sum(len(text_of(sent.get("content")).split()) for sent in messages)
    written = message["content"] or "".join(call["function"]["arguments"] for call in message.get("tool_calls", ()))
    completion = max(1, len(written.split()))
    return {
        "id": f"chatcmpl-demo-{digest}",
        "object": "chat.completion",
        "created": CREATED,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
    }


def _answer(request: Object, messages: list[Object], digest: str) -> tuple[Object, str]:
    last: Object = messages[-1] if messages else {}
    if last.get("role") == "tool":
        results = _last_results(messages)
        return {"role": "assistant", "content": "The tool gave: " + "\n".join(results)}, "stop"
    function = _chosen_tool(request)
    if function is not None:
        call: Object = {
            "id": f"call_demo_{digest[:16]}",
            "type": "function",
            "function": {
                "name": function["name"],
                "arguments": json.dumps(make_arguments(function.get("parameters")), ensure_ascii=False),
            },
        }
        return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    asked = next((text_of(sent.get("content")) for sent in reversed(messages) if sent.get("role") == "user"), "")
    content = f"I am the demo model of open-llm-proxy, a stand-in that repeats: {asked[:QUOTED_CHARACTERS]}"
    return {"role": "assistant", "content": content}, "stop"


def _last_results(messages: list[Object]) -> list[str]:
    results: list[str] = []
    for message in reversed(messages):
        if message.get("role") != "tool":
            break
        results.insert(0, text_of(message.get("content")))
    return results


def _chosen_tool(request: Object) -> Object | None:
    choice = request.get("tool_choice")
    if choice == "none":
        return None
    functions = [as_object(as_object(tool).get("function")) for tool in as_list(request.get("tools"))]
    functions = [function for function in functions if function.get("name")]
    wanted = as_object(as_object(choice).get("function")).get("name")
    for function in functions:
        if wanted is None or function["name"] == wanted:
            return function
    return None


def events(completion: Object, *, usage: bool) -> Iterator[bytes]:
    """The same completion as server-sent ``chat.completion.chunk`` events, ``[DONE]`` last."""
    choice = completion["choices"][0]
    message = choice["message"]
    base = {key: completion[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}

    def event(delta: Object, finish_reason: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
        return b"data: %b\n\n" % _encode(base | {"choices": choices} | ({"usage": None} if usage else {}))

    yield event({"role": "assistant", "content": None if message.get("tool_calls") else ""})
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        begun = {"index": index, "id": call["id"], "type": "function"}
        yield event({"tool_calls": [begun | {"function": {"name": function["name"], "arguments": ""}}]})
        arguments = function["arguments"]
        for start in range(0, len(arguments), 24):
            fragment = {"index": index, "function": {"arguments": arguments[start : start + 24]}}
            yield event({"tool_calls": [fragment]})
    for word in (message["content"] or "").split(" ") if message["content"] else ():
        yield event({"content": word + " "} if word else {"content": " "})
    yield event({}, choice["finish_reason"])
    if usage:
        yield b"data: %b\n\n" % _encode(base | {"choices": [], "usage": completion["usage"]})
    yield b"data: [DONE]\n\n"
