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
from open_llm_proxy.proxy.caller import Caller, Plan, cut
from open_llm_proxy.proxy.capture import Captured
from open_llm_proxy.proxy.errors import Refusal, render, render_event, row_of_protocol_status
from open_llm_proxy.proxy.noted import Noted
from open_llm_proxy.proxy.relay import KNOWN_TIMINGS, TIMINGS, Relayed, server_timing
from open_llm_proxy.proxy.request import Body, peek, read_body, read_model, read_multipart_model, read_user_id
from open_llm_proxy.proxy.routing import UNROUTED
from open_llm_proxy.proxy.stream_end import DONE_EVENTS, LOOK_BACK_BYTES, StreamEnd
from open_llm_proxy.spool.frame import WORKER_ENDED

if TYPE_CHECKING:
    from open_llm_proxy.http1.pool import Pool
    from open_llm_proxy.http1.upstream import UpstreamConnection
    from open_llm_proxy.proxy.application import ProxyApplication

_ROUTED_KEYS: Final = ("model", "stream", "user", "enable_thinking")

pack_id = Struct(">QQ").pack  # time-ordered: nanoseconds, then 64 random bits

_BODY, _CONNECTING, _WAITING, _ANSWERING, _FINISHED = range(5)


class Call(Noted):
    """From a request's head to its answer's last byte, and the two frames on the way."""

    # Defaults stand on the class, so that a call that needs none of them pays for none.
    uploading = False
    """Whether the body comes after the head: how long that takes is the client's affair, no share of ours."""
    _upload_ns = 0
    _phase = _BODY
    _sent_body = b""
    _pool: "Pool | None" = None
    _upstream: "UpstreamConnection | None" = None
    _stream_end: StreamEnd | None = None
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
        if self.uploading:
            self._upload_ns = monotonic_ns() - self._started_ns
        try:
            values = peek(body) if caller.plain else None
            plan = None if values is None else caller.plans.get(bytes(values.get("model", b"")))
            if values is None or plan is None or plan.edits.concern(values):
                self._prepare(body, None if values is None else Body(body, values))
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

    def _prepare(self, raw: bytes, body: Body | None) -> None:
        """Route and edit; ``body`` None: it is still to be read."""
        caller = self._caller
        if caller.multipart:
            model = self._model = read_multipart_model(raw, caller.fields[b"content-type"])
            self._sent_body = raw
            self._route(model, json.dumps(model).encode())
            return
        if body is None:
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
            self._own_us = (
                monotonic_ns() - self._started_ns - self._upload_ns
            ) // 1000 or 1  # the handshake is not our share
            self.deadline = app.clock + self._caller.setup.limits.connect_s
            app.turn.arm()  # the request is on record while the connection is made
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
            self._own_us = (monotonic_ns() - self._started_ns - self._upload_ns) // 1000
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

    def on_fault(self, error: Exception) -> None:
        """A fault of ours, anywhere on the call's way: it ends here, and its records say so."""
        self._app.on_error(error)
        connection, self._connection = self._connection, None
        try:
            self._end_upstream()
            self._phase = _FINISHED
            self._note_request()
            self._note_response(error=f"The proxy failed on this call: {type(error).__name__}", complete=False)
        except Exception as another:  # noqa: BLE001 - what failed may be the noting itself
            self._app.on_error(another)
        self._app.calls.discard(self)
        self._app.turn.arm()
        if connection is not None:
            connection.abort()

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
        else:
            self._app.turn.arm()

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

    def on_chunk(self, piece: bytes, chunk: bytes) -> None:
        """As ``on_body``: one chunk, which is passed on as it came unless it may be the end of the stream."""
        connection, captured, plan = self._connection, self._captured, self._plan
        if (
            connection is None
            or captured is None
            or plan is None
            or not self._caller.chat
            or len(piece) < LOOK_BACK_BYTES
            or piece.endswith(DONE_EVENTS)
        ):
            self.on_body([piece], done=False)
            return
        captured.add_one(piece)
        self.deadline = self._app.clock + plan.between_bytes_s
        connection.send_chunk(piece, chunk)

    def _capture(self, pieces: list[bytes]) -> None:
        captured = self._captured
        if captured is None:
            self._ttft_us = (monotonic_ns() - self._started_ns) // 1000
            captured = self._captured = Captured(self._caller.setup.capture_bytes, self._app.held)
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
        if self._connection is None:
            self._app.turn.arm()

    def _cut_off(self, message: str) -> None:
        """The answer ends in its middle: with an event where one can stand, else the connection is broken off, too."""
        self._phase = _FINISHED
        connection, relayed, captured = self._connection, self._relayed, self._captured
        whole_events = captured is None or captured.ends_at_event()
        mendable = relayed is not None and relayed.stream and not relayed.encoded and whole_events
        self._note_response(error=message, complete=False)
        self._app.calls.discard(self)
        if connection is None:
            self._app.turn.arm()
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
            self._app.turn.arm()
            return
        body = render(refusal, anthropic=self._caller.messages, request_id=self.request_id)
        self._captured = Captured(len(body), self._app.held)
        self._captured.add([body])
        self._note_response(error=refusal.message, status=refusal.row.status)
        connection.respond(self._app.error_head(refusal, self._caller.cors_lines, self.request_id), body)

    # --- leaving, waiting ----------------------------------------------------------------------------------------

    def on_gone(self) -> None:
        """The client left, or its connection was ended, before the answer was out."""
        if self._app.closed:
            self.on_worker_end()
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
        self._end(f"Client disconnected/cancelled after {elapsed_ms}ms, before the answer was complete")

    def on_worker_end(self) -> None:
        """The worker ends, and what it has not answered with it, whatever ``on_client_gone`` says."""
        if self._phase != _FINISHED:
            self._end(WORKER_ENDED)

    def _end(self, error: str) -> None:
        """There will be no answer, or no more of it."""
        self._note_request()
        self._end_upstream()
        self._phase = _FINISHED
        self._note_response(error=error, complete=False)
        self._app.calls.discard(self)
        self._app.turn.arm()

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
