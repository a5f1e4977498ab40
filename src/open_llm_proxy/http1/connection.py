"""Both directions of a connection as state machines: bytes in, head and pieces out; no transport.

``RequestReader`` goes WAIT → HEAD → (start_body) → WAIT … → COMPLETE → (next_request) → WAIT. While a request is being
answered, what the client sends further is held back (RFC 9112 §9.3.2: pipelined requests are answered in order).

``ResponseReader`` takes one answer; 1xx heads are passed over (RFC 9110 §15.2).
"""

import re
from enum import IntEnum
from math import inf
from typing import Final

from open_llm_proxy.http1.body import ChunkedDecoder
from open_llm_proxy.http1.errors import ProtocolError, UpstreamProtocolError
from open_llm_proxy.http1.head import (
    HEAD_END,
    HeadReader,
    RequestHead,
    ResponseHead,
    check_unfinished,
    parse_request_head,
    parse_response_head,
)
from open_llm_proxy.http1.limits import INFORMATIONAL_HEADS, EngineLimits

_EMPTY_LINES: Final = re.compile(rb"\A(?:\r\n)+")


class Step(IntEnum):
    """What ``RequestReader`` has come to."""

    WAIT = 0
    HEAD = 1
    COMPLETE = 2


class RequestReader:
    """A client's bytes, one request at a time.

    After ``Step.HEAD`` the caller looks at ``head`` and ``content_length`` and either calls ``start_body`` or answers
    and ends. After ``Step.COMPLETE`` the body is taken with ``take_body``; ``next_request`` goes on with what was held
    back.

    Raises (from each method that takes bytes on):
        ProtocolError: With the status to answer.
    """

    __slots__ = (
        "_body",
        "_decoder",
        "_limits",
        "_remaining",
        "_step",
        "body_bytes",
        "content_length",
        "head",
        "heads",
        "held",
    )

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self.heads = HeadReader(parse_request_head, limits.header_lines)
        self._step = Step.WAIT
        self._body: list[bytes] = []
        self._decoder: ChunkedDecoder | None = None
        self._remaining = 0
        self.held: bytes = b""  # a head in the making, or what came behind the request
        self.body_bytes = 0
        self.content_length = 0
        self.head: RequestHead | None = None

    def take_whole(self, head: RequestHead) -> None:
        """Note a request that came in one piece (``heads.read_whole``) as COMPLETE, its body as taken."""
        self.head = head
        self._step = Step.COMPLETE

    def receive(self, data: bytes) -> Step:
        """Take what the socket gave."""
        if self.head is None:
            return self._receive_head(self.held + data if self.held else data)
        if self._step is Step.WAIT:
            return self._receive_body(data)
        self.held += data
        return self._step

    def _receive_head(self, data: bytes) -> Step:
        if data[:2] == b"\r\n":  # RFC 9112 §2.2: an empty line before the request line is ignored
            data = _EMPTY_LINES.sub(b"", data, 1)
        end = data.find(HEAD_END) + 4
        limit = self._limits.head_bytes
        if end < 4 or end > limit:
            if end > limit or len(data) > limit:
                raise ProtocolError(431, f"the head is longer than {limit} bytes")
            if data:
                check_unfinished(data)
            self.held = data
            return Step.WAIT
        self.head, self.content_length = self.heads.read(data, end)
        self.held = data[end:]
        self._step = Step.HEAD
        return Step.HEAD

    def start_body(self) -> Step:
        """Go on from the head into the body."""
        data = self.held
        head = self.head
        assert head is not None
        self._remaining = self.content_length
        self._decoder = ChunkedDecoder() if head.chunked else None
        self._step = Step.WAIT
        self.held = b""
        return self._receive_body(data)

    def _receive_body(self, data: bytes) -> Step:
        if self._decoder is not None:
            return self._receive_chunked(data, self._decoder)
        remaining = self._remaining
        size = len(data)
        if size > remaining:
            self.held = data[remaining:]
            data = data[:remaining]
            size = remaining
        if size:
            self._body.append(data)
            self.body_bytes += size
            self._remaining = remaining = remaining - size
        self._step = Step.WAIT if remaining else Step.COMPLETE
        return self._step

    def _receive_chunked(self, data: bytes, decoder: ChunkedDecoder) -> Step:
        if data and (pieces := decoder.feed(data)):
            # An object a read, not a chunk: small chunks would take many times the memory that is counted for them.
            piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._body.append(piece)
            self.body_bytes += len(piece)
        if decoder.content_bytes > self._limits.body_bytes:
            raise ProtocolError(413, f"the body is longer than {self._limits.body_bytes} bytes")
        if decoder.done:
            self.held = decoder.leftover
            self._step = Step.COMPLETE
        return self._step

    def take_body(self) -> bytes:
        """The whole body; it is not kept here."""
        body = self._body
        if len(body) == 1:
            return body.pop()
        whole = b"".join(body)
        body.clear()
        return whole

    def next_request(self) -> Step:
        """Forget the request that was answered and begin with what was held back."""
        self.head = None
        self._step = Step.WAIT
        self.body_bytes = 0
        if self._body:
            self._body.clear()
        data = self.held
        if not data:
            return Step.WAIT
        self.held = b""
        return self._receive_head(data)


class ResponseReader:
    """A provider's bytes, one answer.

    ``head`` is None until it has come, ``content_length`` is its own; ``done`` says that the body is whole;
    ``reusable`` that the connection may carry another call; ``decoder`` is there while a chunked body is read.

    Raises (from ``receive`` and ``receive_eof``):
        UpstreamProtocolError: The provider broke HTTP, or ended before the answer was whole.
    """

    __slots__ = (
        "_held",
        "_informational",
        "_limits",
        "_remaining",
        "content_length",
        "decoder",
        "done",
        "head",
        "heads",
        "reusable",
        "started",
    )

    def __init__(self, limits: EngineLimits) -> None:
        self._limits = limits
        self.heads = HeadReader(parse_response_head, limits.header_lines)
        self._held: bytes = b""
        self.decoder: ChunkedDecoder | None = None
        self._remaining = 0  # -1: to the end of the connection
        self._informational = 0
        self.content_length: int | None = None
        self.head: ResponseHead | None = None
        self.done = False
        self.reusable = False
        self.started = False

    def begin(self) -> None:
        """Expect another answer on the same connection; the last one was whole."""
        self.head = None
        self.done = False
        self.started = False
        if self.decoder is not None:
            self.decoder = None
        self._informational = 0

    def receive(self, data: bytes) -> list[bytes]:
        """The pieces of the body in ``data``; empty while the head is not whole."""
        if self.head is None:
            self.started = True
            data = self._receive_head(self._held + data if self._held else data)
            if not data or self.done:
                if data:
                    self.reusable = False
                return []
        if self.decoder is not None:
            return self._receive_chunked(data, self.decoder)
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
        """Take the head off ``data``; what is left belongs to the body."""
        limit = self._limits.head_bytes
        while True:
            end = data.find(HEAD_END) + 4
            if end < 4 or end > limit:
                if len(data) > limit:
                    raise UpstreamProtocolError(f"the provider's head is longer than {limit} bytes")
                if data[:5] != b"HTTP/"[: len(data)]:
                    raise UpstreamProtocolError("the provider does not speak HTTP/1.1")
                if data.count(b"\n") != data.count(b"\r\n"):  # it cannot become a head; this would wait for its timeout
                    raise UpstreamProtocolError("the provider's head has a line that ends in LF without CR")
                self._held = data
                return b""
            head, length = self.heads.read(data, end)
            data = data[end:]
            if head.status >= 200:
                if self._held:
                    self._held = b""
                self._settle(head, length)
                return data
            self._informational += 1
            if head.status == 101 or self._informational > INFORMATIONAL_HEADS:
                raise UpstreamProtocolError("the provider sent 1xx answers without end, or switched protocols")
            if not data:
                self._held = b""
                return b""

    def _settle(self, head: ResponseHead, length: int | None) -> None:
        """RFC 9112 §6.3, rules 1 to 8, for requests that are never HEAD or CONNECT."""
        self.head = head
        self.reusable = head.keep_alive
        self.content_length = length
        if head.status in {204, 304}:
            self.content_length = 0
            self.done = True
        elif length is not None:
            self._remaining = length
            self.done = not length
        elif head.chunked:
            self.decoder = ChunkedDecoder(inf)  # a provider may stream letter by letter for hours
        else:
            self._remaining = -1
            self.reusable = False

    def receive_eof(self) -> None:
        """The provider closed the connection: the proper end of an answer without a length, else a fault."""
        if self.head is not None and self._remaining == -1 and self.decoder is None:
            self.done = True
        if not self.done:
            raise UpstreamProtocolError(
                "the provider closed the connection before its answer was whole"
                if self.started
                else "the provider closed the connection without an answer"
            )
