"""One call's life: read this first.

::

    on_body      the request is whole   peek → route → edit → note the request → attempt
    on_connection a connection is there  send
    on_response  the head has come      relay it; note the response if it is whole
    on_body…     more has come          pass it on; note the response before the last of it
    refuse       an error of ours       note what is to be noted, answer

A call is one object with callbacks, no task: it is the client connection's responder, the pool's waiter and the upstream
connection's receiver. ``_phase`` says which callbacks may still come.
"""

import time
from math import inf
from typing import TYPE_CHECKING, Final

from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.head import RequestHead, ResponseHead
from open_llm_proxy.proxy import attempts, errors
from open_llm_proxy.proxy.auth import CALLER_CHARACTERS, identity
from open_llm_proxy.proxy.capture import ERROR_HEADERS, REQUEST_ID_HEADERS, Captured
from open_llm_proxy.proxy.errors import Refusal, render, render_event, row_of_protocol_status
from open_llm_proxy.proxy.relay import is_event_stream, relay_head
from open_llm_proxy.proxy.request import Body, read_body, read_model, read_multipart_model
from open_llm_proxy.proxy.routing import UNROUTED
from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader

if TYPE_CHECKING:
    from open_llm_proxy.http1.pool import Pool
    from open_llm_proxy.http1.upstream import UpstreamConnection
    from open_llm_proxy.proxy.application import ProxyApplication
    from open_llm_proxy.proxy.providers import ReadyProvider

CHAT_PATHS: Final = (b"/v1/chat/completions", b"/chat")
MESSAGES_PATH: Final = b"/v1/messages"
_ROUTED_KEYS: Final = ("model", "stream", "user", "enable_thinking")
# How a stream says that it is whole, before HTTP does: a client stops reading there, so the record must be safe by then.
# No JSON string holds a raw line feed, so none of these can stand in a text.
_DONE: Final = (b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE]\r\n\r\n")
_LAST_EVENTS: Final = tuple(
    b"event: " + name
    for name in (b"message_stop", b"response.completed", b"response.incomplete", b"response.failed")
)
_LATER_LAST_EVENTS: Final = tuple(b"\n" + event for event in _LAST_EVENTS)
_EVENT_END: Final = (b"\n\n", b"\r\n\r\n")

_BODY, _CONNECTING, _WAITING, _ANSWERING, _FINISHED = range(5)


class Call:
    """From a request's head to its answer's last byte, and the two frames on the way."""

    __slots__ = (
        "_app",
        "_arrived_ns",
        "_attempt_log",
        "_attempts",
        "_body",
        "_captured",
        "_connection",
        "_content_logged",
        "_edits",
        "_ending",
        "_gone_ms",
        "_head",
        "_key",
        "_model",
        "_noted_request",
        "_noted_response",
        "_own_ns",
        "_path",
        "_phase",
        "_pool",
        "_provider",
        "_query",
        "_response",
        "_sent_body",
        "_session_id",
        "_setup",
        "_started_ns",
        "_stream",
        "_ttft_us",
        "_upstream",
        "deadline",
        "request_id",
    )

    def __init__(
        self,
        app: "ProxyApplication",
        connection: Downstream,
        head: RequestHead,
        path: bytes,
        query: bytes,
        key: str,
        request_id: str,
    ) -> None:
        self._app = app
        self._setup = app.setup
        self._connection: Downstream | None = connection
        self._head = head
        self._path = path
        self._query = query
        self._key = key
        self.request_id = request_id
        self._arrived_ns = time.time_ns()
        self._started_ns = time.monotonic_ns()
        self._own_ns = 0
        self._phase = _BODY
        self.deadline = inf
        self._body = b""
        self._sent_body = b""
        self._model: str | None = None
        self._provider: ReadyProvider | None = None
        self._session_id: str | None = identity(head.fields.get(b"x-session-id"))
        self._content_logged = self._setup.log_content
        self._edits: tuple[str, ...] = ()
        self._noted_request = False
        self._noted_response = False
        self._pool: Pool | None = None
        self._upstream: UpstreamConnection | None = None
        self._response: ResponseHead | None = None
        self._captured = Captured(self._setup.capture_bytes)
        self._stream = False
        self._ending = False
        self._ttft_us: int | None = None
        self._attempts = 0
        self._attempt_log: tuple[str, ...] = ()
        self._gone_ms: int | None = None

    # --- the request: callbacks of the client's connection --------------------------------------------------------

    def check_head(self) -> None:
        """What can be said from the head alone, in the documented order.

        Raises:
            Refusal: 413 or 415.
        """
        fields = self._head.fields
        if fields.get(b"x-log-content", b"").lower() == b"none":
            self._content_logged = False
        limit = self._setup.limits.body_bytes
        if self._head.content_length > limit:
            raise Refusal(errors.TOO_LARGE, f"the body is longer than {limit} bytes")
        if fields.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Refusal(errors.BAD_TYPE, "send the body uncompressed: it is routed by its `model`")
        kind = fields.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
        if kind not in _JSON_TYPES and kind != _MULTIPART and not kind.endswith(b"+json"):
            shown = kind.decode("latin-1")
            raise Refusal(
                errors.BAD_TYPE, f"content type `{shown}` cannot be routed; send application/json or multipart/form-data"
            )

    def on_request(self, body: bytes) -> None:
        """The request is whole."""
        begun_ns = time.monotonic_ns()
        self._body = body
        try:
            self._prepare(body)
        except Refusal as refusal:
            self.refuse(refusal)
            return
        self._note_request()
        self._own_ns = time.monotonic_ns() - begun_ns
        self._attempt()

    def _prepare(self, raw: bytes) -> None:
        content_type = self._head.fields.get(b"content-type", b"")
        if content_type[:10].lower() == b"multipart/":
            model = self._model = read_multipart_model(raw, content_type)
            self._sent_body = raw
            self._route(model)
            return
        body = read_body(raw)
        if body.duplicates:
            self._refuse_duplicates(body)
        self._read_session(body)
        model = self._model = read_model(body)
        provider = self._route(model)
        self._sent_body, self._edits = provider.edits.apply(body, model, chat=self._path in CHAT_PATHS)

    @staticmethod
    def _refuse_duplicates(body: Body) -> None:
        for key in _ROUTED_KEYS:
            if key in body.duplicates:
                raise Refusal(errors.DUPLICATE_KEY, f"`{key}` stands twice in the body; send it once", param=key)

    def _read_session(self, body: Body) -> None:
        if self._path == MESSAGES_PATH:
            metadata = body.get("metadata") if "metadata" in body.values else None
            user = metadata.get("user_id") if isinstance(metadata, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        else:
            user = body.get("user") if "user" in body.values else None
        if isinstance(user, str):
            self._session_id = user[:CALLER_CHARACTERS]

    def _route(self, model: str) -> "ReadyProvider":
        setup = self._setup
        route = setup.router.route(model)
        if route is None:
            served = setup.router.describe_served()
            raise Refusal(errors.UNKNOWN_MODEL, f"Unknown model '{model[:200]}'. Served here: {served}", param="model")
        provider = self._provider = setup.providers[route.provider]
        logged = provider.settings.log_content
        if logged is not None:
            asked_for_less = self._content_logged != setup.log_content
            self._content_logged = logged and not asked_for_less
        if provider.key_missing:
            raise Refusal(errors.NO_PROVIDER_KEY, f"{provider.name.upper()} API key not configured on server")
        return provider

    def on_refused(self, error: ProtocolError) -> bool:
        """The body's rest cannot be read."""
        self.refuse(Refusal(row_of_protocol_status(error.status), error.message))
        return True

    # --- the attempt ---------------------------------------------------------------------------------------------

    def _attempt(self) -> None:
        """Take a connection; the request goes out once its frame is with the kernel."""
        app, provider = self._app, self._provider
        assert provider is not None
        app.calls.add(self)
        self._attempts += 1
        pool = self._pool = app.pool(provider.origin)
        upstream = pool.take_idle()
        if upstream is not None:
            app.count_reuse()
            self._phase = _WAITING
            self._upstream = upstream
            app.turn.write(self._send, None)
        else:
            self._phase = _CONNECTING
            self.deadline = app.now() + self._setup.limits.connect_s
            pool.wait(self)

    def on_connection(self, connection: "UpstreamConnection") -> None:
        """The pool's callback: a connection became free, or was made."""
        self._phase = _WAITING
        self._upstream = connection
        self._app.turn.write(self._send, None)

    def _send(self, _: object) -> None:
        upstream, provider = self._upstream, self._provider
        if upstream is None or provider is None or self._phase != _WAITING:
            return  # the client left in the meantime
        self.deadline = self._app.now() + self._setup.limits.between_bytes_s
        body = self._sent_body
        head = provider.request_head(self._path, self._query, self._head.fields, len(body))
        upstream.send(self, head, body)

    def on_connect_failed(self, error: Exception) -> None:
        """The pool's callback: no connection is to be had."""
        assert self._provider is not None
        self.refuse(attempts.explain(error, self._provider.name))

    def on_failed(self, error: Exception, retryable: bool) -> None:
        """The upstream connection's callback: it broke, or the provider broke HTTP."""
        assert self._provider is not None
        self._upstream = None
        if self._phase == _ANSWERING:
            self._cut_off(str(error))
        elif retryable and self._attempts < attempts.ATTEMPTS:
            self._attempt_log += (f"{self._provider.name}: a reused connection closed before any byte; sent again",)
            self._attempt()
        else:
            self.refuse(attempts.explain(error, self._provider.name))

    # --- the answer ----------------------------------------------------------------------------------------------

    def on_response(self, head: ResponseHead, pieces: list[bytes], done: bool) -> None:
        """The provider's head has come, and perhaps some of its body, or all."""
        begun_ns = time.monotonic_ns()
        self._phase = _ANSWERING
        self._response = head
        self._stream = is_event_stream(head)
        self._body = self._sent_body = b""  # it will not be sent again
        self._take(pieces)
        connection = self._connection
        if connection is None:
            if done:
                self._complete()
            return
        lines = self._answer_lines(head, self._own_ns + time.monotonic_ns() - begun_ns)
        relayed = relay_head(head, lines)
        if done:
            self._complete()
            bodyless = head.status in (204, 304)
            connection.respond(relayed, pieces[0] if len(pieces) == 1 else b"".join(pieces), bodyless=bodyless)
            return
        length = head.content_length
        early = bool(pieces) and self._stream and self._ends_stream(pieces[-1])
        connection.start(relayed, length, [] if early else pieces)
        if not connection.writable and self._upstream is not None:
            self._upstream.set_reading(False)
        if early:
            self._note_response()
            connection.send(pieces, after_frames=True)

    def _answer_lines(self, head: ResponseHead, own_ns: int) -> bytes:
        assert self._provider is not None
        lines = b"x-llm-request-id: %b\r\n%bserver-timing: proxy;dur=%.3f\r\n%b" % (
            self.request_id.encode(),
            self._provider.name_line,
            own_ns / 1e6,
            self._setup.cors.lines(self._head.fields.get(b"origin")),
        )
        if b"x-request-id" not in head.values:
            lines += b"x-request-id: %b\r\n" % self.request_id.encode()
        if self._stream:
            lines += b"x-accel-buffering: no\r\n"
        return lines

    def on_body(self, pieces: list[bytes], done: bool) -> None:
        """More of the answer has come; ``done``: the last of it."""
        self._take(pieces)
        connection = self._connection
        if done:
            self._complete()
            if connection is not None:
                connection.finish(pieces)
        elif connection is not None:
            early = self._stream and not self._noted_response and self._ends_stream(pieces[-1])
            if early:
                self._note_response()
            connection.send(pieces, after_frames=early)

    def _take(self, pieces: list[bytes]) -> None:
        self.deadline = self._app.now() + self._setup.limits.between_bytes_s
        if pieces:
            if self._ttft_us is None:
                self._ttft_us = (time.monotonic_ns() - self._started_ns) // 1000
            self._captured.add(pieces)

    def _ends_stream(self, piece: bytes) -> bool:
        if piece.endswith(_DONE):
            return True
        if self._path in CHAT_PATHS:
            return False
        if piece.startswith(_LAST_EVENTS) or any(event in piece for event in _LATER_LAST_EVENTS):
            self._ending = True
        return self._ending and piece.endswith(_EVENT_END)

    def _complete(self) -> None:
        self._phase = _FINISHED
        self._upstream = None
        self._note_response()
        self._app.calls.discard(self)

    def _cut_off(self, why: str) -> None:
        """The provider broke off mid-answer: end with an event where one can stand, else break the connection too."""
        assert self._response is not None
        self._phase = _FINISHED
        message = f"the provider broke off its answer: {why}"
        connection = self._connection
        mendable = (
            self._stream and b"content-encoding" not in self._response.values and self._captured.ends_at_event()
        )
        self._note_response(error=message, complete=False)
        self._app.calls.discard(self)
        if connection is None:
            return
        self._connection = None
        if mendable and self._response.content_length is None:
            refusal = Refusal(errors.CUT_OFF, message)
            anthropic = self._path == MESSAGES_PATH
            connection.finish([render_event(refusal, anthropic=anthropic, request_id=self.request_id)])
        else:
            connection.abort()

    def refuse(self, refusal: Refusal) -> None:
        """Answer with an error of ours, and note both frames."""
        self._phase = _FINISHED
        self._note_request()
        body = render(refusal, anthropic=self._path == MESSAGES_PATH, request_id=self.request_id)
        self._captured = Captured(len(body))
        self._captured.add([body])
        self._response = None
        self._note_response(error=refusal.message, status=refusal.row.status)
        self._app.calls.discard(self)
        connection = self._connection
        if connection is not None:
            connection.respond(self._app.error_head(refusal, self._head.fields, self.request_id, self._setup), body)

    # --- leaving, waiting ----------------------------------------------------------------------------------------

    def on_gone(self) -> None:
        """The client left, or its connection was ended, before the answer was out."""
        if self._phase == _FINISHED:
            return
        self._connection = None
        elapsed_ms = (time.monotonic_ns() - self._started_ns) // 1_000_000
        mode = self._setup.on_client_gone
        if self._provider is not None and self._provider.settings.on_client_gone is not None:
            mode = self._provider.settings.on_client_gone
        if mode == "finish" and self._phase != _BODY:
            self._gone_ms = elapsed_ms
            if self._upstream is not None:
                self._upstream.set_reading(True)
            return
        self._note_request()
        self._end_upstream()
        self._phase = _FINISHED
        self._note_response(
            error=f"Client disconnected/cancelled after {elapsed_ms}ms, before the answer was complete", complete=False
        )
        self._app.calls.discard(self)

    def _end_upstream(self) -> None:
        if self._phase == _CONNECTING and self._pool is not None:
            self._pool.forsake(self)
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.cancel()

    def on_writable(self, writable: bool) -> None:
        """The client reads too slowly, or reads again: the provider waits meanwhile, and its clock, too."""
        if self._upstream is not None and self._phase == _ANSWERING:
            self.deadline = self._app.now() + self._setup.limits.between_bytes_s if writable else inf
            self._upstream.set_reading(writable)

    def on_deadline(self) -> None:
        """The sweep found ``deadline`` passed."""
        elapsed_ms = (time.monotonic_ns() - self._started_ns) // 1_000_000
        phase = self._phase
        self.deadline = inf
        self._end_upstream()
        if phase == _ANSWERING:
            self._cut_off(f"Request timed out after {elapsed_ms}ms")
        elif phase != _FINISHED:
            row = errors.CONNECT_TIMEOUT if phase == _CONNECTING else errors.ANSWER_TIMEOUT
            self.refuse(Refusal(row, f"Request timed out after {elapsed_ms}ms: {row.when}"))

    def on_drained(self) -> None:
        """``drain_s`` is spent: a call that has no answer yet gets a 503, one in mid-answer is cut off."""
        phase = self._phase
        self._end_upstream()
        if phase == _ANSWERING:
            self._cut_off("the proxy stopped and its drain time is spent")
        elif phase != _FINISHED:
            self.refuse(Refusal(errors.DRAINING, errors.DRAINING.when))

    # --- the record ----------------------------------------------------------------------------------------------

    def _note_request(self) -> None:
        if self._noted_request:
            return
        self._noted_request = True
        fields = self._head.fields
        provider = self._provider
        body = self._body
        self._app.capture.note_request(
            RequestHeader(
                self.request_id,
                self._arrived_ns,
                self._path.decode(),
                UNROUTED if provider is None else provider.name,
                self._model,
                self._key,
                identity(fields.get(b"origin") or fields.get(b"referer")),
                identity(fields.get(b"x-client")),
                self._session_id,
                identity(fields.get(b"x-request-id")),
                identity(fields.get(b"content-type")),
                len(body),
                self._edits,
                self._setup.config_sha256,
                self._content_logged,
                identity(fields.get(b"traceparent")),
            ),
            body,
        )

    def _note_response(self, *, error: str | None = None, status: int | None = None, complete: bool = True) -> None:
        if self._noted_response:
            return
        self._noted_response = True
        fields = self._head.fields
        head, provider, captured = self._response, self._provider, self._captured
        values = head.values if head is not None else {}
        if status is None:
            status = head.status if head is not None else 0
        if error is None and self._gone_ms is not None:
            error = f"Client disconnected/cancelled after {self._gone_ms}ms; the answer was taken in for the record"
        provider_status = head.status if head is not None else None
        self._app.capture.note_response(
            ResponseHeader(
                self.request_id,
                time.time_ns(),
                self._path.decode(),
                UNROUTED if provider is None else provider.name,
                self._model,
                self._key,
                identity(fields.get(b"origin") or fields.get(b"referer")),
                identity(fields.get(b"x-client")),
                self._session_id,
                status,
                provider_status,
                error,
                (time.monotonic_ns() - self._started_ns) // 1000,
                self._ttft_us,
                self._attempts,
                self._attempt_log,
                identity(values.get(b"content-type")) if head is not None else "application/json",
                identity(values.get(b"content-encoding")),
                _first(values, REQUEST_ID_HEADERS),
                _error_headers(values) if provider_status is not None and provider_status >= 400 else None,
                captured.total_bytes,
                complete,
                self._content_logged,
                self._own_ns // 1000,
                identity(fields.get(b"traceparent")),
            ),
            captured.pieces,
            captured.size,
        )


_JSON_TYPES: Final = (b"application/json", b"*/*", b"")
_MULTIPART: Final = b"multipart/form-data"


def _first(values: dict[bytes, bytes], names: tuple[bytes, ...]) -> str | None:
    for name in names:
        if (value := values.get(name)) is not None:
            return identity(value)
    return None


def _error_headers(values: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): identity(values[name]) or "" for name in ERROR_HEADERS if name in values}
