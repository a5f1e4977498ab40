"""One client connection: requests in order, one at a time; answers framed; a client that leaves noticed.

It knows HTTP and an ``Application`` that answers; what a request means is not its business.
"""

from asyncio import Protocol as AsyncioProtocol
from asyncio import Transport
from math import inf
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import TYPE_CHECKING, Final, cast

from open_llm_proxy.http1.connection import RequestReader, Step
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.limits import LINGER_BYTES, LINGER_S, PIPELINE_BYTES
from open_llm_proxy.http1.roles import Application, Responder

if TYPE_CHECKING:
    from asyncio import BaseTransport

    from open_llm_proxy.http1.head import RequestHead

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"
UNCOUNTED_BYTES: Final = 4096
"""Bodies up to here that come in one piece are not counted: the limit on connections bounds them (8,192: 32 MB)."""

_RESET: Final = pack("ii", 1, 0)

# _FLUSH: answered, but the client has not taken enough of it yet to be asked for its next request.
_NEW, _IDLE, _HEAD, _BODY, _ANSWER, _FLUSH, _LINGER = range(7)


def _over_budget() -> ProtocolError:
    return ProtocolError(503, "too many request bodies are held at once")


class Downstream(AsyncioProtocol):
    """State of one client connection. ``deadline`` (loop time) is looked at by the worker's sweep, once a tick."""

    __slots__ = (
        "_app",
        "_chunked",
        "_finishing",
        "_head",
        "_heads",
        "_keep_alive",
        "_lingered_bytes",
        "_ordered",
        "_paused_reading",
        "_reader",
        "_reserved_bytes",
        "_responder",
        "_state",
        "_unsent_bytes",
        "_usual",
        "deadline",
        "started",
        "transport",
        "writable",
    )

    def __init__(self, app: Application) -> None:
        self._app = app
        self._reader = RequestReader(app.limits)
        self._heads = self._reader.heads
        self._head: RequestHead | None = None
        self._responder: Responder | None = None
        self._usual = False  # the request at hand came whole, on a connection that stays; nothing has happened since
        self._state = _NEW
        self._chunked = False
        self._finishing = False
        self._keep_alive = True
        self._lingered_bytes = 0
        self._ordered = False
        self._paused_reading = False
        self._unsent_bytes = 0
        self.deadline = inf
        self._reserved_bytes = 0
        self.started = False
        self.writable = True
        self.transport: Transport = cast("Transport", None)

    # --- asyncio's callbacks -------------------------------------------------------------------------------------

    def connection_made(self, transport: "BaseTransport") -> None:
        """Asyncio's callback."""
        self.transport = cast("Transport", transport)
        self.deadline = self._app.clock + self._app.limits.head_s
        self._app.connected(self)

    def data_received(self, data: bytes) -> None:
        """Asyncio's callback; no exception leaves it."""
        try:
            state = self._state
            if state == _IDLE and (body := self._heads.read_whole(data)) is not None:
                self._begin_whole(body)
            elif state <= _HEAD:
                reader = self._reader
                if reader.receive(data) is Step.HEAD:
                    self._begin(reader)
                elif state != _HEAD and reader.held:
                    self._state = _HEAD
                    self.deadline = self._app.clock + self._app.limits.head_s
            elif state == _BODY:
                self._receive_body(data)
            else:
                self._receive_early(data)
        except ProtocolError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours ends this connection, not the worker
            self._app.on_error(error)
            self.abort()

    def _receive_early(self, data: bytes) -> None:
        self._leave_usual()
        if self._keep_alive:
            self._reader.receive(data)
            if len(self._reader.held) > PIPELINE_BYTES and not self._paused_reading:
                self._paused_reading = True
                self.transport.pause_reading()
        else:  # it will not be read, whatever it is (RFC 9112 §9.6)
            self._lingered_bytes += len(data)
            if self._lingered_bytes > LINGER_BYTES:
                self.transport.abort()

    def _leave_usual(self) -> None:
        """Have the reader know of a request that came past it."""
        if self._usual:
            self._usual = False
            assert self._head is not None
            self._reader.take_whole(self._head)

    def _begin(self, reader: RequestReader) -> None:
        self._usual = False
        head = self._head = reader.head
        assert head is not None
        self._state = _BODY
        self.deadline = inf
        self._keep_alive = head.keep_alive
        app = self._app
        responder = app.begin(self, head, reader.content_length)
        if self._state != _BODY:
            return  # answered from the head alone
        self._responder = responder
        step = reader.start_body()
        self._reserve(reader.body_bytes)
        if step is Step.COMPLETE:
            self._state = _ANSWER
            responder.on_request(reader.take_body())
            return
        self.deadline = app.clock + app.limits.body_s
        if head.expect_continue and not reader.body_bytes:
            self.transport.write(CONTINUE)

    def _begin_whole(self, body: bytes) -> None:
        """As ``_begin``, for a request that came in one piece behind a head like the last one's."""
        head = self._head = self._heads.head
        assert head is not None
        self._state = _ANSWER
        self.deadline = inf
        self._usual = head.persistent
        if not head.persistent:
            self._keep_alive = head.keep_alive
            self._reader.take_whole(head)
        app = self._app
        size = len(body)
        if size > UNCOUNTED_BYTES:
            self._reserved_bytes = size
            app.buffered_bytes += size
        responder = self._responder = app.begin_whole(self, head, size)
        if responder is not None:
            if size > UNCOUNTED_BYTES and app.buffered_bytes > app.limits.buffer_bytes:
                raise _over_budget()
            responder.on_request(body)

    def _settle_unread_body(self) -> None:
        """After an early answer: a body that is here already is passed over, else the connection ends (lingering)."""
        try:
            step = self._reader.start_body()
        except ProtocolError:
            step = Step.WAIT
        self._reader.take_body()
        if step is not Step.COMPLETE:
            self._keep_alive = False

    def _receive_body(self, data: bytes) -> None:
        step = self._reader.receive(data)
        self._reserve(len(data))
        if step is Step.COMPLETE:
            assert self._responder is not None
            self._state = _ANSWER
            self.deadline = inf
            self._responder.on_request(self._reader.take_body())
        else:
            self.deadline = self._app.clock + self._app.limits.body_s

    def _reserve(self, size: int) -> None:
        app = self._app
        self._reserved_bytes += size
        app.buffered_bytes += size
        if app.buffered_bytes > app.limits.buffer_bytes:
            raise _over_budget()

    def _release_body(self) -> None:
        self._app.buffered_bytes -= self._reserved_bytes
        self._reserved_bytes = 0

    def _refuse(self, error: ProtocolError) -> None:
        """The rest of what the client sends cannot be read: answer and end."""
        responder, self._responder = self._responder, None
        self._leave_usual()
        self._keep_alive = False
        self._state = _ANSWER
        self.deadline = inf
        try:
            if responder is None or not responder.on_refused(error):
                self._app.refuse(self, error)
        except Exception as fault:  # noqa: BLE001 - as in data_received
            self._app.on_error(fault)
            self.abort()

    def eof_received(self) -> bool:
        """Asyncio's callback. As nginx, we know no half-closed client: one that is not answered yet has left."""
        if self._finishing:
            self._leave_usual()
            self._keep_alive = False
            return True
        self._close()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it ended, it is gone
        """Asyncio's callback."""
        self.deadline = inf
        self.writable = True
        responder, self._responder = self._responder, None
        self._release_body()
        self._app.disconnected(self)
        if responder is not None:
            try:
                responder.on_gone()
            except Exception as error:  # noqa: BLE001 - as in data_received
                self._app.on_error(error)

    def pause_writing(self) -> None:
        """Asyncio's callback."""
        self.writable = False
        self._leave_usual()
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self.deadline = self._app.clock + self._app.limits.send_s
        if self._responder is not None:
            self._responder.on_writable(False)

    def resume_writing(self) -> None:
        """Asyncio's callback."""
        self.writable = True
        if self._state == _LINGER or self.gone:
            return  # the deadline stands
        self.deadline = inf
        if self._state == _FLUSH:
            self._next(self._app)
        elif self._responder is not None:
            self._responder.on_writable(True)

    # --- the answer ----------------------------------------------------------------------------------------------

    @property
    def gone(self) -> bool:
        """Whether nobody is there to be answered."""
        return self.transport.is_closing()

    @property
    def answered(self) -> bool:
        """Whether the answer to the request at hand is whole, or on its way to be written."""
        return self._finishing

    @property
    def can_append(self) -> bool:
        """Whether the answer under way may still be made longer: its end is ours to say."""
        return self._chunked and not self.gone

    def respond(self, head: bytes, body: bytes = b"", *, bodyless: bool = False) -> None:
        """Send a whole answer, once the turn's frames are with the kernel.

        ``head`` is status line and fields, each ended by CRLF, without framing, ``connection`` and empty line;
        ``bodyless``: the framing is in ``head`` already, or there is none (204, 304, answers to HEAD).
        """
        if self._state == _BODY:
            self._settle_unread_body()  # first, so that the head says whether the connection ends
        self._state = _ANSWER
        self._responder = None
        self._finishing = True
        app = self._app
        connection = b"" if self._usual and not app.draining else self._connection_field()
        if bodyless:
            answer = b"%b%b\r\n%b" % (head, connection, body)
        else:
            answer = b"%b%bcontent-length: %d\r\n\r\n%b" % (head, connection, len(body), body)
        app.turn.write(self._write_last, answer)

    def start(self, head: bytes, length: int | None, pieces: list[bytes]) -> None:
        """Begin an answer that comes in pieces; ``length`` None: it is not known."""
        self._state = _ANSWER
        self.started = True
        self._chunked = False
        self._ordered = False
        if length is not None:
            framing = b"content-length: %d\r\n\r\n" % length
        elif self._head is not None and self._head.version:
            self._chunked = True
            framing = b"transfer-encoding: chunked\r\n\r\n"
        else:
            self._keep_alive = False
            framing = b"\r\n"
        start = head + self._connection_field() + framing
        self.transport.write(start + self._frame(pieces) if pieces else start)

    def send(self, pieces: list[bytes], *, after_frames: bool = False) -> None:
        """Pass on a part of the answer at once; ``after_frames``: it and all that follows once the frames are safe."""
        if after_frames:
            self._ordered = True
        if self._ordered:
            self._app.turn.write(self._write_if_open, self._frame(pieces))
        else:
            self.transport.write(self._frame(pieces))

    def send_chunk(self, piece: bytes, chunk: bytes) -> None:
        """As ``send``, of a piece that is at hand as a chunk with its framing, too."""
        if self._chunked and not self._ordered:
            self.transport.write(chunk)
        else:
            self.send([piece])

    def _write_if_open(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)

    def finish(self, pieces: list[bytes]) -> None:
        """Pass on the last part, once the turn's frames are with the kernel."""
        data = self._frame(pieces) if pieces else b""
        self._finish(data + LAST_CHUNK if self._chunked else data)

    def _frame(self, pieces: list[bytes]) -> bytes:
        if self._chunked:
            if len(pieces) == 1:
                piece = pieces[0]
                return b"%x\r\n%b\r\n" % (len(piece), piece)
            piece = b"".join(pieces)
            return b"%x\r\n%b\r\n" % (len(piece), piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _connection_field(self) -> bytes:
        self._leave_usual()
        if self._app.draining:
            self._keep_alive = False
        if not self._keep_alive:
            return b"connection: close\r\n"
        head = self._head
        return b"" if head is None or head.version else b"connection: keep-alive\r\n"

    def _finish(self, data: bytes) -> None:
        self._responder = None
        self._finishing = True
        self._app.turn.write(self._write_last, data)

    def _write_last(self, data: bytes) -> None:
        self._finishing = False
        app = self._app
        if self._reserved_bytes:
            self._release_body()
        transport = self.transport
        if transport.is_closing():
            return
        transport.write(data)
        if self._usual and not app.draining:
            self._state = _IDLE
            self.started = False
            self.deadline = app.clock + app.limits.idle_s
        else:
            self._settle(app)

    def _settle(self, app: Application) -> None:
        """After an answer: end, wait until it is taken, or go on with what is here of the next request."""
        self._leave_usual()
        if not self._keep_alive:
            self._end()
        elif app.draining:
            self._close()
        elif not self.writable:  # else who asks and never reads would fill our memory with answers
            self._state = _FLUSH
        else:
            self._next(app)

    def _next(self, app: Application) -> None:
        reader = self._reader
        self._state = _IDLE
        self.started = False
        self.deadline = app.clock + app.limits.idle_s
        if self._paused_reading:
            self._paused_reading = False
            self.transport.resume_reading()
        try:
            if reader.next_request() is Step.HEAD:
                self._begin(reader)
            elif reader.held:
                self._state = _HEAD
                self.deadline = app.clock + app.limits.head_s
        except ProtocolError as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - as in data_received
            app.on_error(error)
            self.abort()

    def _end(self) -> None:
        """Lingering close (RFC 9112 §9.6): a reset while unread bytes wait would take the answer from the client."""
        self._state = _LINGER
        self._limit_end()
        if self._paused_reading:
            self._paused_reading = False
            self.transport.resume_reading()
        try:
            self.transport.write_eof()
        except (OSError, RuntimeError, NotImplementedError):
            self.transport.close()

    def _close(self) -> None:
        """Close once all is sent."""
        self._limit_end()
        self.transport.close()

    def _limit_end(self) -> None:
        self._unsent_bytes = self.transport.get_write_buffer_size() + 1
        self.deadline = self._app.clock + LINGER_S

    def turn_away(self, head: bytes, body: bytes) -> None:
        """Answer before anything was asked, and end: there are too many connections."""
        self._keep_alive = False
        self.respond(head, body)

    def abort(self) -> None:
        """Break the connection off, so that nobody takes the answer for whole."""
        head = self._head
        if self.started and head is not None and not head.version and not self.gone:
            # To HTTP/1.0 an answer may end with its connection (RFC 9112 §6.3): an orderly end would make it whole.
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
        self.transport.abort()

    # --- time and drain ------------------------------------------------------------------------------------------

    def on_deadline(self) -> None:
        """The worker's sweep found ``deadline`` passed."""
        self.deadline = inf
        if self._state == _HEAD:
            self._refuse(ProtocolError(408, f"the head did not arrive within {self._app.limits.head_s:g} s"))
        elif self._state == _BODY:
            self._refuse(ProtocolError(408, f"nothing of the body arrived for {self._app.limits.body_s:g} s"))
        elif self._state <= _IDLE and not self.gone:
            self._close()
        else:
            self._give_up_on_slow_reader()

    def _give_up_on_slow_reader(self) -> None:
        """Unless it has taken some of what waits for it since the last look."""
        unsent_bytes = self.transport.get_write_buffer_size()
        if 0 < unsent_bytes < self._unsent_bytes:
            self._unsent_bytes = unsent_bytes
            self.deadline = self._app.clock + self._app.limits.send_s
        else:
            self.transport.abort()

    def close_if_idle(self) -> None:
        """Drain: end a connection that carries nothing."""
        if self._state in (_NEW, _IDLE, _FLUSH):
            self._close()
