"""One connection to a provider: it carries one call at a time and tells its receiver what came.

It sees a transport only, plain or TLS.
"""

from asyncio import Protocol as AsyncioProtocol
from asyncio import Transport
from typing import TYPE_CHECKING, Protocol, cast

from open_llm_proxy.http1.connection import ResponseReader
from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.http1.head import ResponseHead

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from open_llm_proxy.http1.pool import Pool

JOIN_BYTES = 16384
"""Up to here one copy costs less than a second buffer in the write."""


class Receiver(Protocol):
    """Whoever made the call; each method is a callback on the event loop."""

    def on_response(self, head: ResponseHead, length: int | None, pieces: list[bytes], done: bool) -> None:
        """The head has come, and perhaps a part of the body (``length`` bytes, if that is known), or all of it."""

    def on_whole(self, head: ResponseHead, body: bytes) -> None:
        """The answer came in one piece, framed by its length, on a connection that stays."""

    def on_body(self, pieces: list[bytes], done: bool) -> None:
        """More of the body has come; ``done``: the last of it."""

    def on_chunk(self, piece: bytes, chunk: bytes) -> None:
        """As ``on_body``, of one piece that came as just one ``chunk``, which holds it with its framing."""

    def on_failed(self, error: Exception, retryable: bool) -> None:
        """There will be no more; ``retryable``: a reused connection closed before any byte of an answer."""

    def on_fault(self, error: Exception) -> None:
        """One of these raised: a fault of ours. The call is to end, whatever it was about to do. Must not raise."""


class UpstreamConnection(AsyncioProtocol):
    """Made by a pool, given to a call, given back when the answer is whole."""

    __slots__ = ("_pool", "_reader", "_receiver", "calls", "idle_since", "transport")

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._receiver: Receiver | None = None
        self._reader = ResponseReader(pool.limits)
        self.transport: Transport = cast("Transport", None)  # until ``connection_made``, the first thing that happens
        self.calls = 0
        self.idle_since = 0.0

    def connection_made(self, transport: "BaseTransport") -> None:
        """Asyncio's callback."""
        self.transport = cast("Transport", transport)

    def send(self, receiver: Receiver, head: bytes, body: bytes) -> None:
        """Send a request; the answer goes to ``receiver``."""
        transport = self.transport
        self._receiver = receiver
        if self._reader.started:
            self._reader.begin()
        self.calls += 1
        if transport.is_closing():
            self._fail(receiver, UpstreamProtocolError("the provider closed the connection"))
        elif len(body) <= JOIN_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))

    def data_received(self, data: bytes) -> None:
        """Asyncio's callback; no exception leaves it."""
        receiver, reader = self._receiver, self._reader
        if receiver is None:
            self.close()  # a byte on an idle connection belongs to no call
            return
        try:
            if reader.started:
                decoder = reader.decoder
                if decoder is None or (piece := decoder.read_one(data)) is None:
                    self._receive(receiver, reader, data)
                else:
                    receiver.on_chunk(piece, data)
                return
            if (body := reader.heads.read_whole(data)) is None:
                self._receive(receiver, reader, data)
                return
            head = reader.heads.head
            if head is None or not head.plain:
                self._receive(receiver, reader, data)
                return
            self._receiver = None
            self._pool.release(self)
            receiver.on_whole(head, body)
        except Exception as error:  # noqa: BLE001 - a fault of ours ends this call, not the others
            self._end_faulty(receiver, error)

    def _end_faulty(self, receiver: Receiver, error: Exception) -> None:
        if self._receiver is receiver:  # else the connection may carry another call already
            self._receiver = None
            self.close()
        receiver.on_fault(error)

    def _receive(self, receiver: Receiver, reader: ResponseReader, data: bytes) -> None:
        first = reader.head is None
        try:
            pieces = reader.receive(data)
        except UpstreamProtocolError as error:
            self._fail(receiver, error)
            return
        done = reader.done
        head, length = reader.head, reader.content_length
        if done:
            self._receiver = None
            if reader.reusable:
                self._pool.release(self)
            else:
                self.close()
        if first:
            if head is not None:
                receiver.on_response(head, length, pieces, done)
        elif pieces or done:
            receiver.on_body(pieces, done)

    def eof_received(self) -> bool:
        """Asyncio's callback; the transport closes itself."""
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's callback."""
        self._end(exc)
        self._pool.forget(self)

    def _end(self, exc: Exception | None) -> None:
        receiver, reader = self._receiver, self._reader
        if receiver is None:
            return
        if exc is not None:
            self._fail(receiver, UpstreamProtocolError(f"the connection to the provider broke: {exc}"))
            return
        try:
            reader.receive_eof()
        except UpstreamProtocolError as error:
            self._fail(receiver, error)
            return
        self._receiver = None
        try:
            receiver.on_body([], done=True)
        except Exception as fault:  # noqa: BLE001 - as in data_received
            receiver.on_fault(fault)

    def _fail(self, receiver: Receiver, error: Exception) -> None:
        self._receiver = None
        self.close()
        try:
            receiver.on_failed(error, retryable=self.calls > 1 and not self._reader.started)
        except Exception as fault:  # noqa: BLE001 - as in data_received
            receiver.on_fault(fault)

    def cancel(self) -> None:
        """End the call: nobody wants its answer. The connection cannot carry another."""
        self._receiver = None
        self.transport.abort()

    def close(self) -> None:
        """Close the connection and take it out of the pool."""
        self._pool.forget(self)
        self.transport.close()

    def set_reading(self, reading: bool) -> None:
        """Pause or resume the provider, so that a slow client fills no memory."""
        transport = self.transport
        if transport.is_closing() or self._receiver is None:
            return
        if reading:
            transport.resume_reading()
        else:
            transport.pause_reading()
