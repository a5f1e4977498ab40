"""One call's life: read this first.

::

    on_request      the request is whole   peek → route → edit → note the request → attempt
    on_connection   a connection is there  send
    on_response     the head has come      relay it; note the response if it is whole
    on_body         more has come          pass it on; note the response before the last of it
    refuse          an error of ours       note what is to be noted, answer

A call is one object with callbacks, no task: it is the client connection's responder, the pool's waiter and the
upstream connection's receiver. ``_phase`` says which callbacks may still come.
"""

import json
from math import inf
from struct import Struct
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.head import ResponseHead
from open_llm_proxy.proxy import attempts, errors
from open_llm_proxy.proxy.caller import Caller, Identity, Plan, cut
from open_llm_proxy.proxy.capture import OWN_ANSWER, Captured, measured
from open_llm_proxy.proxy.errors import Refusal, render, render_event, row_of_protocol_status
from open_llm_proxy.proxy.relay import KNOWN_TIMINGS, TIMINGS, Relayed, server_timing
from open_llm_proxy.proxy.request import peek, read_body, read_model, read_multipart_model, read_user_id
from open_llm_proxy.proxy.routing import UNROUTED
from open_llm_proxy.proxy.stream_end import StreamEnd
from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from open_llm_proxy.http1.pool import Pool
    from open_llm_proxy.http1.upstream import UpstreamConnection
    from open_llm_proxy.proxy.application import ProxyApplication

_ROUTED_KEYS: Final = ("model", "stream", "user", "enable_thinking")

pack_id = Struct(">QQ").pack  # time-ordered: nanoseconds, then 64 random bits

_BODY, _CONNECTING, _WAITING, _ANSWERING, _FINISHED = range(5)


class Call:
    """From a request's head to its answer's last byte, and the two frames on the way."""

    # Defaults stand on the class, so that a call that needs none of them pays for none.
    _body = _sent_body = b""
    _plan: Plan | None = None
    _model: str | None = None  # these two are the plan's, once there is one
    _provider_name = UNROUTED
    _edits: tuple[str, ...] = ()
    _noted_response = False
    _pool: "Pool | None" = None
    _upstream: "UpstreamConnection | None" = None
    request_header: RequestHeader | None = None
    _relayed: Relayed | None = None
    _stream_end: StreamEnd | None = None
    _ttft_us: int | None = None
    _own_us = 0
    _attempts = 0
    _attempt_log: tuple[str, ...] = ()
    _gone_ms: int | None = None
    _unanswered = False
    _captured: Captured | None = None
    _phase = _BODY
    deadline = inf

    def __init__(self, app: "ProxyApplication", connection: Downstream, caller: Caller) -> None:
        self._app = app
        self._connection: Downstream | None = connection
        self._caller = caller
        self._started_ns = started_ns = monotonic_ns()
        self._arrived_ns = arrived_ns = started_ns + app.wall_offset_ns
        self.request_id = pack_id(arrived_ns, app.bits(64)).hex()
        self._session_id = caller.session_id

    # --- the request: callbacks of the client's connection --------------------------------------------------------

    def on_request(self, body: bytes) -> None:
        """The request is whole."""
        self._body = body
        caller = self._caller
        try:
            values = peek(body) if caller.plain else None
            plan = None if values is None else caller.plans.get(bytes(values.get("model", b"")))
            if values is None or plan is None or plan.edits.concern(values):
                self._prepare(body)
            else:  # compact JSON for a model that this caller asked before, with nothing to edit: as most calls are
                self._plan = plan
                self._sent_body = body
                if "user" in values:
                    self._session_id = caller.session(bytes(values["user"]))
        except Refusal as refusal:
            self.refuse(refusal)
            return
        self._note_request()
        self._attempt()

    def _prepare(self, raw: bytes) -> None:
        """Peek, route and edit."""
        caller = self._caller
        if caller.multipart:
            model = self._model = read_multipart_model(raw, caller.head.fields[b"content-type"])
            self._sent_body = raw
            self._route(model, json.dumps(model).encode())
            return
        body = read_body(raw)
        if body.duplicates:
            for key in _ROUTED_KEYS:
                body.get(key)  # refuses what stands twice
        user = read_user_id(body) if caller.messages else body.get("user")
        if isinstance(user, str):
            self._session_id = cut(user)
        model = self._model = read_model(body)
        plan = self._route(model, bytes(body.values["model"]))
        self._sent_body, self._edits = plan.edits.apply(body, model, chat=caller.chat)

    def _route(self, model: str, raw_model: bytes) -> Plan:
        caller = self._caller
        plan = caller.plans.get(raw_model)
        if plan is None:
            setup = caller.setup
            route = setup.router.route(model)
            if route is None:
                message = f"Unknown model '{model[:200]}'. Served here: {setup.router.describe_served()}"
                raise Refusal(errors.UNKNOWN_MODEL, message, param="model")
            self._provider_name = route.provider
            provider = setup.providers[route.provider]
            if provider.key_missing:
                raise Refusal(errors.NO_PROVIDER_KEY, f"{provider.name.upper()} API key not configured on server")
            plan = caller.plan(raw_model, model, provider)
        self._plan = plan
        return plan

    def on_refused(self, error: ProtocolError) -> bool:
        """The body's rest cannot be read."""
        self.refuse(Refusal(row_of_protocol_status(error.status), error.message))
        return True

    # --- the attempt ---------------------------------------------------------------------------------------------

    def _attempt(self) -> None:
        """Take a connection; the request goes out once its frame is with the kernel."""
        app, plan = self._app, self._plan
        assert plan is not None
        if app.drain_spent:
            self.refuse(Refusal(errors.DRAINING, errors.DRAINING.when))
            return
        app.calls.add(self)
        self._attempts += 1
        provider = plan.provider
        pool = provider.pool
        if pool is None:
            pool = provider.pool = app.pool(provider.origin)
        upstream = pool.take_idle() if self._attempts == 1 else None  # again: on a fresh one
        if upstream is not None:
            app.reuses += 1
            self._phase = _WAITING
            self._upstream = upstream
            app.turn.write(self._send, upstream)
        else:
            self._phase = _CONNECTING
            self._pool = pool
            self._own_us = (monotonic_ns() - self._started_ns) // 1000 or 1  # the handshake is not our share
            self.deadline = app.clock + self._caller.setup.limits.connect_s
            pool.wait(self)

    def on_connection(self, connection: "UpstreamConnection") -> None:
        """The pool's callback: a connection became free, or was made."""
        self._phase = _WAITING
        self._upstream = connection
        self._app.turn.write(self._send, connection)

    def _send(self, upstream: "UpstreamConnection") -> None:
        plan = self._plan
        if upstream is not self._upstream or plan is None:
            return  # the client left in the meantime
        self.deadline = self._app.clock + plan.between_bytes_s
        if not self._own_us:
            self._own_us = (monotonic_ns() - self._started_ns) // 1000
        body = self._sent_body
        upstream.send(self, b"%bcontent-length: %d\r\n\r\n" % (plan.request_lines, len(body)), body)

    def on_connect_failed(self, error: Exception) -> None:
        """The pool's callback: no connection is to be had."""
        if isinstance(error, TimeoutError):
            self.on_deadline()
        else:
            self.refuse(attempts.explain(error, self._plan.provider.name if self._plan else UNROUTED))

    def on_failed(self, error: Exception, retryable: bool) -> None:
        """The upstream connection's callback: it broke, or the provider broke HTTP."""
        assert self._plan is not None
        provider = self._plan.provider
        self._upstream = None
        if self._phase == _ANSWERING:
            self._cut_off(f"the provider broke off its answer: {error}")
        elif retryable and self._attempts < attempts.ATTEMPTS:
            self._attempt_log += (f"{provider.name}: a reused connection closed before any byte; sent again",)
            self._attempt()
        else:
            self.refuse(attempts.explain(error, provider.name))

    # --- the answer ----------------------------------------------------------------------------------------------

    def on_whole(self, head: ResponseHead, body: bytes) -> None:
        """The whole answer came in one piece."""
        relayed: Relayed | None = head.context
        if relayed is None:
            relayed = head.context = Relayed(head)
        if len(body) > self._caller.setup.capture_bytes:
            self.on_response(head, len(body), [body], done=True)
            return
        self._relayed = relayed
        self._phase = _FINISHED
        self._upstream = None
        self._note_whole(relayed, body)
        self._app.calls.discard(self)
        connection = self._connection
        if connection is not None:
            connection.respond(self._answer_head(relayed), body)

    def on_response(self, head: ResponseHead, length: int | None, pieces: list[bytes], done: bool) -> None:
        """The provider's head has come, and perhaps some of its body, or all."""
        relayed: Relayed | None = head.context
        if relayed is None:
            relayed = head.context = Relayed(head)
        self._relayed = relayed
        self._phase = _ANSWERING
        self._body = self._sent_body = b""  # it will not be sent again
        if pieces:
            self._capture(pieces)
        connection = self._connection
        if done:
            self._complete()
            if connection is not None:
                connection.respond(self._answer_head(relayed), b"".join(pieces), bodyless=relayed.bodyless)
            return
        self.deadline = self._app.clock + self._caller.setup.limits.between_bytes_s
        if connection is not None:
            self._start(connection, relayed, length, pieces)

    def _start(self, connection: Downstream, relayed: Relayed, length: int | None, pieces: list[bytes]) -> None:
        early = bool(pieces) and relayed.stream and self._ends_stream(pieces[-1])
        connection.start(self._answer_head(relayed), length, [] if early else pieces)
        if early:
            self._note_response()
            connection.send(pieces, after_frames=True)
        if not connection.writable and self._upstream is not None:
            self._upstream.set_reading(False)

    def _answer_head(self, relayed: Relayed) -> bytes:
        """The answer's head for the client; ``server-timing`` tells our own share, in milliseconds."""
        request_id = self.request_id.encode()
        own_us = self._own_us
        plan = self._plan
        assert plan is not None
        return b"%b%b%bx-llm-request-id: %b\r\n%b" % (
            relayed.lines,
            plan.answer_lines,
            TIMINGS[own_us] if own_us < KNOWN_TIMINGS else server_timing(own_us),
            request_id,
            b"" if relayed.telling_id else b"x-request-id: %b\r\n" % request_id,
        )

    def on_body(self, pieces: list[bytes], done: bool) -> None:
        """More of the answer has come; ``done``: the last of it."""
        connection = self._connection
        if pieces:
            self._capture(pieces)
        if done:
            self._complete()
            if connection is not None:
                connection.finish(pieces)
            return
        self.deadline = self._app.clock + self._caller.setup.limits.between_bytes_s
        if connection is not None:
            relayed = self._relayed
            early = relayed is not None and relayed.stream and self._ends_stream(pieces[-1])
            if early:
                self._note_response()
            connection.send(pieces, after_frames=early)

    def _capture(self, pieces: list[bytes]) -> None:
        captured = self._captured
        if captured is None:
            self._ttft_us = (monotonic_ns() - self._started_ns) // 1000
            captured = self._captured = Captured(self._caller.setup.capture_bytes)
        captured.add(pieces)

    def _ends_stream(self, piece: bytes) -> bool:
        if self._noted_response:
            return False
        end = self._stream_end
        if end is None:
            assert self._captured is not None
            end = self._stream_end = StreamEnd(self._captured, chat=self._caller.chat)
        return end.reached(piece)

    def _complete(self) -> None:
        self._phase = _FINISHED
        self._upstream = None
        self._note_response()
        self._app.calls.discard(self)

    def _cut_off(self, message: str) -> None:
        """The answer ends in its middle: with an event where one can stand, else the connection is broken off, too."""
        self._phase = _FINISHED
        connection, relayed, captured = self._connection, self._relayed, self._captured
        whole_events = captured is None or captured.ends_at_event()
        mendable = relayed is not None and relayed.stream and not relayed.encoded and whole_events
        self._note_response(error=message, complete=False)
        self._app.calls.discard(self)
        if connection is None:
            return
        self._connection = None
        if mendable and connection.can_append:
            refusal = Refusal(errors.CUT_OFF, message)
            event = render_event(refusal, anthropic=self._caller.messages, request_id=self.request_id)
            connection.finish([event])
        else:
            connection.abort()

    def refuse(self, refusal: Refusal) -> None:
        """Answer with an error of ours, and note both frames."""
        self._phase = _FINISHED
        self._note_request()
        self._app.calls.discard(self)
        connection = self._connection
        if connection is None:  # who asked left, and ``finish`` let the call go on
            self._note_response(error=refusal.message, complete=False)
            return
        body = render(refusal, anthropic=self._caller.messages, request_id=self.request_id)
        self._captured = Captured(len(body))
        self._captured.add([body])
        self._note_response(error=refusal.message, status=refusal.row.status)
        connection.respond(self._app.error_head(refusal, self._caller.cors_lines, self.request_id), body)

    @property
    def owes_response(self) -> bool:
        """Whether the request's frame has gone out and the response's has not."""
        return self.request_header is not None and not self._noted_response

    # --- leaving, waiting ----------------------------------------------------------------------------------------

    def on_gone(self) -> None:
        """The client left, or its connection was ended, before the answer was out."""
        if self._phase == _FINISHED:
            return
        self._connection = None
        elapsed_ms = (monotonic_ns() - self._started_ns) // 1_000_000
        mode = self._caller.setup.on_client_gone
        if self._plan is not None and self._plan.provider.on_client_gone is not None:
            mode = self._plan.provider.on_client_gone
        if mode == "finish" and self._phase != _BODY:
            self._gone_ms = elapsed_ms
            self._unanswered = self._relayed is None
            if self._upstream is not None:
                self._upstream.set_reading(True)
            return
        self._note_request()
        self._end_upstream()
        self._phase = _FINISHED
        error = f"Client disconnected/cancelled after {elapsed_ms}ms, before the answer was complete"
        self._note_response(error=error, complete=False)
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
            self.deadline = self._app.clock + self._caller.setup.limits.between_bytes_s if writable else inf
            self._upstream.set_reading(writable)

    def on_deadline(self) -> None:
        """The sweep found ``deadline`` passed."""
        message = f"Request timed out after {(monotonic_ns() - self._started_ns) // 1_000_000}ms"
        phase = self._phase
        self.deadline = inf
        self._end_upstream()
        if phase == _ANSWERING:
            self._cut_off(message)
        elif phase != _FINISHED:
            self.refuse(Refusal(errors.CONNECT_TIMEOUT if phase == _CONNECTING else errors.ANSWER_TIMEOUT, message))

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
        if self.request_header is not None:
            return
        caller, plan, body = self._caller, self._plan, self._body
        size = len(body)
        header = self.request_header = RequestHeader(
            self.request_id,
            self._arrived_ns,
            *(self._unplanned_identity() if plan is None else plan.identity),
            self._session_id,
            caller.client_request_id,
            caller.content_type,
            size,
            self._edits,
            caller.setup.config_sha256,
            caller.content_logged if plan is None else plan.content_logged,
            caller.traceparent,
        )
        limit = caller.setup.capture_bytes
        if size <= limit:
            self._app.append(header, (body,) if size else (), size)
        else:
            self._app.append(header, (memoryview(body)[:limit],), limit)

    def _unplanned_identity(self) -> Identity:
        return self._caller.identity(self._provider_name, self._model)

    def _note_whole(self, relayed: Relayed, body: bytes) -> None:
        """As ``_note_response``, for an answer that came in one piece and was not waited for in vain."""
        if self._gone_ms is not None:
            self._captured = Captured(len(body))
            self._captured.add([body])
            self._note_response()
            return
        caller, plan, told = self._caller, self._plan, relayed.told
        assert plan is not None
        self._noted_response = True
        size = len(body)
        elapsed_ns = monotonic_ns() - self._started_ns
        elapsed_us = elapsed_ns // 1000
        header = ResponseHeader(
            self.request_id,
            self._arrived_ns + elapsed_ns,
            *plan.identity,
            self._session_id,
            relayed.status,
            told.status,
            None,
            elapsed_us,
            elapsed_us if size else None,
            self._attempts,
            self._attempt_log,
            told.content_type,
            told.content_encoding,
            told.request_id,
            measured(told.error_headers, size) if told.error_headers else None,
            size,
            True,
            plan.content_logged,
            self._own_us,
            caller.traceparent,
        )
        self._app.append(header, (body,) if size else (), size)

    def _note_response(self, *, error: str | None = None, status: int = 0, complete: bool = True) -> None:
        """The response's frame joins the turn's."""
        if self._noted_response:
            return
        self._noted_response = True
        caller, plan, captured, relayed = self._caller, self._plan, self._captured, self._relayed
        if relayed is None:
            told = OWN_ANSWER
        else:
            told = relayed.told
            status = 0 if self._unanswered else relayed.status
        if error is None and self._gone_ms is not None:
            error = f"Client disconnected/cancelled after {self._gone_ms}ms; the answer was taken in for the record"
        elapsed_ns = monotonic_ns() - self._started_ns
        pieces: Sequence[bytes] = ()
        size = total = 0
        if captured is not None:
            pieces, size, total = captured.pieces, captured.size, captured.total_bytes
        header = ResponseHeader(
            self.request_id,
            self._arrived_ns + elapsed_ns,
            *(self._unplanned_identity() if plan is None else plan.identity),
            self._session_id,
            status,
            told.status,
            error,
            elapsed_ns // 1000,
            self._ttft_us,
            self._attempts,
            self._attempt_log,
            told.content_type,
            told.content_encoding,
            told.request_id,
            measured(told.error_headers, total) if complete and told.error_headers else told.error_headers,
            total,
            complete,
            caller.content_logged if plan is None else plan.content_logged,
            self._own_us,
            caller.traceparent,
        )
        self._app.append(header, pieces, size)
