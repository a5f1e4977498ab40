"""What the connections of one worker share: setup, pools, the turn, counters; and which path is what."""

import asyncio
import random
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.http1.head import RequestHead
from open_llm_proxy.http1.pool import Origin, Pool
from open_llm_proxy.http1.resolver import Resolver
from open_llm_proxy.http1.roles import Responder
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.call import Call, pack_id
from open_llm_proxy.proxy.caller import Caller
from open_llm_proxy.proxy.capture import Held
from open_llm_proxy.proxy.descriptors import LAST, RESERVED, descriptors_left
from open_llm_proxy.proxy.endpoints import Endpoints
from open_llm_proxy.proxy.endpoints.local import LocalAnswer
from open_llm_proxy.proxy.errors import Refusal, header_lines, render, row_of_protocol_status
from open_llm_proxy.proxy.providers import is_messages
from open_llm_proxy.proxy.relay import own_head
from open_llm_proxy.proxy.setup import Setup
from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader
from open_llm_proxy.telemetry import scoreboard

if TYPE_CHECKING:
    from open_llm_proxy.http1.limits import EngineLimits

Append = Callable[[RequestHeader | ResponseHeader, Sequence[bytes | memoryview], int], None]
JSON: Final = b"application/json"
# Plain names only: no empty ones, no dots alone, nothing percent-encoded that a provider might decode to a slash.
_CALL_PATH: Final = re.compile(rb"/v1(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~:@!$&'()*+,;=\-]+)+")
_PATHS_KEPT: Final = 1024
SWEEP_S: Final = 0.25


class ProxyApplication:
    """An ``http1.downstream.Application``. ``append`` adds a frame to the turn's; ``report`` tells the operator."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        setup: Setup,
        *,
        append: Append,
        turn: Turn,
        counters: "memoryview[int]",
        board: scoreboard.Scoreboard,
        report: Callable[[str], None],
    ) -> None:
        self.loop = loop
        self.clock = loop.time()
        self.buffered_bytes = 0
        self.held = Held(setup.limits.buffer_bytes)
        self.setup = setup
        self.limits: EngineLimits = setup.limits
        self.append = append
        self.wall_offset_ns = time.time_ns() - time.monotonic_ns()
        self.turn = turn
        self.board = board
        self.draining = False
        self.connections: set[Downstream] = set()
        self.calls: set[Call] = set()
        self._counters = counters
        self._report = report
        self._pools: dict[Origin, Pool] = {}
        self._resolver = Resolver(loop)
        seed = random.SystemRandom().getrandbits(256)
        self.bits = random.Random(seed).getrandbits  # noqa: S311 - ids need to differ, not to be secret
        self._call_paths: set[bytes] = set()
        self._unauthorized_said = 0.0
        self._errors_said = 0.0
        self.drain_spent = False
        self.closed = False
        self.reuses = counters[scoreboard.UPSTREAM_REUSES]
        self.endpoints = Endpoints(self)

    # --- http1's Application -------------------------------------------------------------------------------------

    def connected(self, connection: Downstream) -> None:
        """Count a connection; one too many gets a 503 at once."""
        self.connections.add(connection)
        self._counters[scoreboard.CONNECTIONS] = len(self.connections)
        left = descriptors_left(connection.transport.get_extra_info("socket").fileno())
        if left < RESERVED or len(self.connections) > self.limits.connections:
            self._counters[scoreboard.CONNECTIONS_REFUSED] += 1
            if left < LAST:
                connection.transport.abort()
            else:
                self._turn_away(connection)

    def _turn_away(self, connection: Downstream) -> None:
        refusal = Refusal(errors.OVERLOADED, "too many connections at once")
        request_id = self.new_request_id()
        connection.turn_away(
            self.error_head(refusal, self.setup.cors.lines(None), request_id),
            render(refusal, anthropic=False, request_id=request_id),
        )

    def disconnected(self, connection: Downstream) -> None:
        """A client connection is gone."""
        self.connections.discard(connection)
        self._counters[scoreboard.CONNECTIONS] = len(self.connections)

    def begin(self, connection: Downstream, head: RequestHead, content_length: int) -> Responder:
        """A request's head has come: path, method, key, then what can be said of its size and type."""
        caller: Caller | None = head.context
        if caller is None or caller.setup is not self.setup:
            if head.method != b"POST" or not self._is_call(head.path):
                return self._begin_local(connection, head)
            key = self.setup.keyring.authenticate(head.fields)
            if key is None:
                return self._refuse_caller(connection, head)
            caller = head.context = Caller(self.setup, key, head)
        call = Call(self, connection, caller)
        call.uploading = True
        if content_length > self.limits.body_bytes:
            call.refuse(Refusal(errors.TOO_LARGE, f"the body is longer than {self.limits.body_bytes} bytes"))
        elif caller.refusal is not None:
            call.refuse(caller.refusal)
        elif self.drain_spent:
            call.refuse(Refusal(errors.DRAINING, errors.DRAINING.when))
        return call

    def begin_whole(self, connection: Downstream, head: RequestHead, content_length: int) -> Responder | None:
        """As ``begin``, where the body is here; None: it was answered from the head alone."""
        caller: Caller | None = head.context
        if (
            caller is not None
            and caller.setup is self.setup
            and caller.refusal is None
            and content_length <= self.limits.body_bytes
        ):
            return Call(self, connection, caller)
        responder = self.begin(connection, head, content_length)
        return None if connection.answered else responder

    def refuse(self, connection: Downstream, error: ProtocolError) -> None:
        """Answer a request that broke HTTP before it was anybody's call."""
        refusal = Refusal(row_of_protocol_status(error.status), error.message)
        self.answer_refusal(connection, refusal, None, self.new_request_id())

    def on_error(self, error: BaseException) -> None:
        """An exception of ours was caught so that serving goes on: counted, and said at intervals."""
        self._counters[scoreboard.SWALLOWED] += 1
        now = self.clock
        if now >= self._errors_said:
            self._errors_said = now + 10
            self._report(f"a fault of ours was caught, serving goes on: {type(error).__name__}: {error}")

    def open_calls(self) -> list[RequestHeader]:
        """The requests that have no response frame yet: for a new segment's header."""
        return [call.request_header for call in self.calls if call.request_header is not None and call.owes_response]

    # --- for calls and endpoints ---------------------------------------------------------------------------------

    def new_request_id(self) -> str:
        """32 hex digits, time-ordered: nanoseconds, then 64 random bits."""
        return pack_id(time.time_ns(), self.bits(64)).hex()

    def pool(self, origin: Origin) -> Pool:
        """The connections to ``origin``; they outlive a reload."""
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = Pool(self.loop, origin, self.limits, self._resolver, self._count_connect)
        return pool

    def _count_connect(self) -> None:
        self._counters[scoreboard.UPSTREAM_CONNECTS] += 1

    def error_head(self, refusal: Refusal, cors_lines: bytes, request_id: str) -> bytes:
        """The head of an error answer of ours."""
        lines = b"x-llm-request-id: %b\r\nx-request-id: %b\r\n" % (request_id.encode(), request_id.encode())
        lines += cors_lines + header_lines(refusal)
        return own_head(refusal.row.status, JSON, lines)

    def answer_refusal(
        self,
        connection: Downstream,
        refusal: Refusal,
        head: RequestHead | None,
        request_id: str,
    ) -> None:
        """Answer with an error that leaves no record; ``head`` None: the request had none that can be read."""
        anthropic = head is not None and is_messages(head.path)
        body = render(refusal, anthropic=anthropic, request_id=request_id)
        cors_lines = self.setup.cors.lines(None if head is None else head.fields.get(b"origin"))
        self.respond(connection, head, self.error_head(refusal, cors_lines, request_id), body)

    @staticmethod
    def respond(connection: Downstream, head: RequestHead | None, lines: bytes, body: bytes) -> None:
        """Send a whole answer of ours; to HEAD without its body (RFC 9110 §9.3.2)."""
        if head is not None and head.method == b"HEAD":
            connection.respond(lines + b"content-length: %d\r\n" % len(body), bodyless=True)
        else:
            connection.respond(lines, body)

    def _refuse_caller(self, connection: Downstream, head: RequestHead) -> Responder:
        self.answer_refusal(connection, self._refuse_key(head), head, self.new_request_id())
        return LocalAnswer()

    def check_key(self, head: RequestHead) -> Refusal | None:
        """Why the caller is refused; None: the key is good."""
        return self._refuse_key(head) if self.setup.keyring.authenticate(head.fields) is None else None

    def _refuse_key(self, head: RequestHead) -> Refusal:
        """What a caller without a good key is told: counted, and said at intervals."""
        self._counters[scoreboard.UNAUTHORIZED] += 1
        if not self.setup.keyring:
            return Refusal(errors.NO_PROXY_KEY, "no proxy key is configured on this server: set PROXY_KEY")
        now = self.clock
        if now >= self._unauthorized_said:
            self._unauthorized_said = now + 60
            self._report(f"calls without a good key are refused ({self._counters[scoreboard.UNAUTHORIZED]} so far)")
        sent = b"authorization" in head.fields or b"x-api-key" in head.fields
        message = "the proxy key is wrong" if sent else "no proxy key was sent: use `Authorization: Bearer KEY`"
        return Refusal(errors.UNAUTHORIZED, message)

    def _is_call(self, path: bytes) -> bool:
        if path in self._call_paths:
            return True
        if path != b"/chat" and (not _CALL_PATH.fullmatch(path) or self.endpoints.owns(path)):
            return False
        if len(self._call_paths) < _PATHS_KEPT:
            self._call_paths.add(path)
        return True

    def _begin_local(self, connection: Downstream, head: RequestHead) -> Responder:
        request_id = self.new_request_id()
        path = head.path
        if head.method == b"OPTIONS":
            lines = b"allow: GET, HEAD, POST, OPTIONS\r\nx-llm-request-id: %b\r\n" % request_id.encode()
            lines += self.setup.cors.preflight_lines(head.fields)
            connection.respond(own_head(204, b"", lines), bodyless=True)
            return LocalAnswer()
        if self._is_call(path):
            return self._refuse_method(connection, head, request_id, b"POST, OPTIONS")
        if not self.endpoints.owns(path):
            message = f"there is nothing at {path.decode('latin-1')[:200]}; `GET /` names the endpoints"
            self.answer_refusal(connection, Refusal(errors.NOT_FOUND, message), head, request_id)
            return LocalAnswer()
        if head.method not in (b"GET", b"HEAD"):
            return self._refuse_method(connection, head, request_id, b"GET, HEAD, OPTIONS")
        return self.endpoints.begin(connection, head, request_id)

    def _refuse_method(self, connection: Downstream, head: RequestHead, request_id: str, allow: bytes) -> Responder:
        message = f"{head.method.decode('latin-1')} is not taken here; use {allow.decode()}"
        refusal = Refusal(errors.BAD_METHOD, message, headers=b"allow: %b\r\n" % allow)
        self.answer_refusal(connection, refusal, head, request_id)
        return LocalAnswer()

    # --- life ----------------------------------------------------------------------------------------------------

    def reload(self, setup: Setup) -> None:
        """Use a new configuration; calls under way keep theirs."""
        self.setup = setup
        self.limits = setup.limits
        self.held.limit_bytes = setup.limits.buffer_bytes
        wanted = {provider.origin for provider in setup.providers.values()}
        for origin in [origin for origin in self._pools if origin not in wanted]:
            self._pools.pop(origin).close()
        for pool in self._pools.values():
            pool.limits = setup.limits
        self.endpoints.reload()

    def sweep(self) -> None:
        """Look at the deadlines of all connections and calls; a few times a second."""
        now = self.clock = self.loop.time()
        self.wall_offset_ns = time.time_ns() - time.monotonic_ns()
        for connection in [connection for connection in self.connections if connection.deadline <= now]:
            connection.on_deadline()
        for call in [call for call in self.calls if call.deadline <= now]:
            call.on_deadline()
        for pool in self._pools.values():
            pool.close_idle()
        counters = self._counters
        counters[scoreboard.IN_FLIGHT] = len(self.calls)
        counters[scoreboard.BUFFERED_BYTES] = self.buffered_bytes
        counters[scoreboard.UPSTREAM_REUSES] = self.reuses
        counters[scoreboard.UPSTREAM_IDLE] = sum(pool.idle for pool in self._pools.values())

    def drain(self) -> None:
        """Close what carries nothing; what is in flight or still arrives is answered with ``connection: close``."""
        self.draining = True
        for connection in list(self.connections):
            connection.close_if_idle()

    def end_drain(self) -> None:
        """``drain_s`` is spent: end the calls that are left."""
        self.drain_spent = True
        for call in list(self.calls):
            call.on_drained()

    def close(self) -> None:
        """Break off what is left: each open call gets its response frame, one whose body is not whole soon after."""
        self.closed = True
        for call in list(self.calls):
            call.on_worker_end()
        for connection in list(self.connections):
            connection.abort()
        for pool in self._pools.values():
            pool.close()
