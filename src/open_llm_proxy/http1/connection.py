"""Both directions of a connection as state machines: bytes in, head and pieces out; no transport.

``RequestReader`` goes WAIT → HEAD → (start_body) → WAIT … → COMPLETE → (next_request) → WAIT. While a request is being
answered, what the client sends further is held back (RFC 9112 §9.3.2: pipelined requests are answered in order).

``ResponseReader`` takes one answer; 1xx heads are passed over (RFC 9110 §15.2).
"""

from enum import IntEnum

from open_llm_proxy.http1.body import ChunkedDecoder
from open_llm_proxy.http1.errors import ProtocolError, UpstreamProtocolError
from open_llm_proxy.http1.head import (
    HEAD_END,
    RequestHead,
    ResponseHead,
    check_unfinished,
    parse_request_head,
    parse_response_head,
)
from open_llm_proxy.http1.limits import INFORMATIONAL_HEADS, EngineLimits


class Step(IntEnum):
    """What ``RequestReader`` has come to."""

    WAIT = 0
    HEAD = 1
    COMPLETE = 2


class RequestReader:
    """A client's bytes, one request at a time.

    After ``Step.HEAD`` the caller looks at ``head`` and either calls ``start_body`` or answers and ends. After
    ``Step.COMPLETE`` the body is taken with ``take_body``; ``next_request`` goes on with what was held back.

    Raises (from each method that takes bytes on):
        ProtocolError: With the status to answer.
    """

    __slots__ = ("_body", "_decoder", "_held", "_limits", "_remaining", "_step", "body_bytes", "head")

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self._held = b""  # a head in the making, or what came behind the request
        self._step = Step.WAIT
        self._body: list[bytes] = []
        self._decoder: ChunkedDecoder | None = None
        self._remaining = 0
        self.body_bytes = 0
        self.head: RequestHead | None = None

    @property
    def held_bytes(self) -> int:
        """Bytes that wait: of an unfinished head, or behind a request that is being answered."""
        return len(self._held)

    def receive(self, data: bytes) -> Step:
        """Take what the socket gave."""
        if self.head is None:
            return self._receive_head(self._held + data if self._held else data)
        if self._step == Step.WAIT:
            return self._receive_body(data)
        self._held += data
        return self._step

    def _receive_head(self, data: bytes) -> Step:
        while data.startswith(b"\r\n"):  # RFC 9112 §2.2: an empty line before the request line is ignored
            data = data[2:]
        end = data.find(HEAD_END)
        if end < 0:
            if len(data) > self._limits.head_bytes:
                raise ProtocolError(431, f"the head is longer than {self._limits.head_bytes} bytes")
            if data:
                check_unfinished(data)
            self._held = data
            return Step.WAIT
        end += 4
        if end > self._limits.head_bytes:
            raise ProtocolError(431, f"the head is longer than {self._limits.head_bytes} bytes")
        self.head = parse_request_head(data[:end], self._limits.header_lines)
        self._held = data[end:]
        self._step = Step.HEAD
        return Step.HEAD

    def start_body(self) -> Step:
        """Go on from the head into the body."""
        head = self.head
        assert head is not None
        self._remaining = head.content_length
        self._decoder = ChunkedDecoder() if head.chunked else None
        self._step = Step.WAIT
        data, self._held = self._held, b""
        return self._receive_body(data)

    def _receive_body(self, data: bytes) -> Step:
        if self._decoder is not None:
            return self._receive_chunked(data, self._decoder)
        remaining = self._remaining
        size = len(data)
        if size > remaining:
            self._held = data[remaining:]
            data = data[:remaining]
            size = remaining
        if size:
            self._body.append(data)
            self.body_bytes += size
            self._remaining = remaining = remaining - size
        self._step = Step.WAIT if remaining else Step.COMPLETE
        return self._step

    def _receive_chunked(self, data: bytes, decoder: ChunkedDecoder) -> Step:
        for piece in decoder.feed(data) if data else ():
            self._body.append(piece)
            self.body_bytes += len(piece)
        if decoder.content_bytes > self._limits.body_bytes:
            raise ProtocolError(413, f"the body is longer than {self._limits.body_bytes} bytes")
        if decoder.done:
            self._held = decoder.leftover
            self._step = Step.COMPLETE
        return self._step

    def take_body(self) -> bytes:
        """The whole body; it is not kept here."""
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        return whole

    def next_request(self) -> Step:
        """Forget the request that was answered and begin with what was held back."""
        self.head = None
        self._decoder = None
        self._step = Step.WAIT
        self.body_bytes = 0
        self._body.clear()
        if not self._held:
            return Step.WAIT
        data, self._held = self._held, b""
        return self._receive_head(data)


class ResponseReader:
    """A provider's bytes, one answer.

    ``head`` is None until it has come; ``done`` says that the body is whole; ``reusable`` that the connection may
    carry another call.

    Raises (from ``receive`` and ``receive_eof``):
        UpstreamProtocolError: The provider broke HTTP, or ended before the answer was whole.
    """

    __slots__ = ("_decoder", "_held", "_informational", "_limits", "_remaining", "done", "head", "reusable", "started")

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self._held = b""
        self._decoder: ChunkedDecoder | None = None
        self._remaining = 0  # -1: to the end of the connection
        self._informational = 0
        self.head: ResponseHead | None = None
        self.done = False
        self.reusable = False
        self.started = False

    def receive(self, data: bytes) -> list[bytes]:
        """The pieces of the body in ``data``; empty while the head is not whole."""
        self.started = True
        if self.head is None:
            data = self._receive_head(self._held + data if self._held else data)
            if self.head is None:
                return []
            if not data or self.done:
                self.reusable = self.reusable and not data
                return []
        if self._decoder is not None:
            return self._receive_chunked(data, self._decoder)
        remaining = self._remaining
        if remaining < 0:
            return [data]
        size = len(data)
        if size < remaining:
            self._remaining = remaining - size
            return [data]
        self.done = True
        if size == remaining:
            return [data]
        self.reusable = False  # bytes that belong to no answer: whatever they are, they are not for the next call
        return [data[:remaining]]

    def _receive_chunked(self, data: bytes, decoder: ChunkedDecoder) -> list[bytes]:
        try:
            pieces = decoder.feed(data)
        except ProtocolError as error:
            raise UpstreamProtocolError(f"the provider's chunked body: {error}") from error
        if decoder.done:
            self.done = True
            if decoder.leftover:
                self.reusable = False
        return pieces

    def _receive_head(self, data: bytes) -> bytes:
        while True:
            end = data.find(HEAD_END)
            if end < 0 or end > self._limits.head_bytes:
                if len(data) > self._limits.head_bytes:
                    raise UpstreamProtocolError(f"the provider's head is longer than {self._limits.head_bytes} bytes")
                if data[:5] != b"HTTP/"[: len(data)]:
                    raise UpstreamProtocolError("the provider does not speak HTTP/1.1")
                self._held = data
                return b""
            end += 4
            head = parse_response_head(data[:end], self._limits.header_lines)
            data = data[end:]
            if head.status >= 200:
                self._settle(head)
                self._held = b""
                return data
            self._informational += 1
            if head.status == 101 or self._informational > INFORMATIONAL_HEADS:
                raise UpstreamProtocolError("the provider sent 1xx answers without end, or switched protocols")
            if not data:
                self._held = b""
                return b""

    def _settle(self, head: ResponseHead) -> None:
        """RFC 9112 §6.3, rules 1 to 8, for requests that are never HEAD or CONNECT."""
        self.head = head
        self.reusable = head.keep_alive
        if head.status in (204, 304):
            head.chunked = False
            head.content_length = 0
            self.done = True
        elif head.chunked:
            self._decoder = ChunkedDecoder()
        elif head.content_length is not None:
            self._remaining = head.content_length
            self.done = not head.content_length
        else:
            self._remaining = -1
            self.reusable = False

    def receive_eof(self) -> None:
        """The provider closed the connection: the proper end of an answer without a length, else a fault."""
        if self.head is not None and self._remaining == -1 and self._decoder is None:
            self.done = True
        if not self.done:
            raise UpstreamProtocolError(
                "the provider closed the connection before its answer was whole"
                if self.started
                else "the provider closed the connection without an answer"
            )
