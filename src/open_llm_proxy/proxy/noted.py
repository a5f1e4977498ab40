"""What a call notes of itself for the record: its two frames, with all that the recorder must know."""

from time import monotonic_ns
from typing import TYPE_CHECKING

from open_llm_proxy.proxy.caller import Caller, Identity, Plan
from open_llm_proxy.proxy.capture import OWN_ANSWER, Captured, measured
from open_llm_proxy.proxy.relay import Relayed
from open_llm_proxy.proxy.routing import UNROUTED
from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from open_llm_proxy.proxy.application import ProxyApplication


class Noted:
    """The facts of one call, and its frames made of them; each frame is noted once.

    ``request_header`` is the request's, once it is noted: a new segment names the calls that are open.
    """

    _app: "ProxyApplication"
    _caller: Caller
    _started_ns: int
    _arrived_ns: int
    _session_id: str | None
    request_id: str

    # Defaults stand on the class, so that a call that needs none of them pays for none.
    _body: bytes = b""
    _plan: Plan | None = None
    _model: str | None = None  # these two are the plan's, once there is one
    _provider_name = UNROUTED
    _edits: tuple[str, ...] = ()
    _noted_response = False
    request_header: RequestHeader | None = None
    _relayed: Relayed | None = None
    _ttft_us: int | None = None
    _own_us: int = 0
    _attempts: int = 0
    _attempt_log: tuple[str, ...] = ()
    _gone_ms: int | None = None
    _unanswered = False
    _captured: Captured | None = None

    @property
    def owes_response(self) -> bool:
        """Whether the request's frame has gone out and the response's has not."""
        return self.request_header is not None and not self._noted_response

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
            self._captured = Captured(len(body), self._app.held)
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
