"""Fakes for what stands around the engine, and a real loop with plain sockets.

Nothing here is asynchronous to a test: each step runs the loop, fake or real, until it is done.
"""

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.http1.limits import EngineLimits

HIGH_WATER, LOW_WATER = 65536, 16384  # uvloop's
STEP_S = 10
OK = b"HTTP/1.1 200 OK\r\n"


# --- bytes -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def octets():
    """Data, byte by byte."""

    def split(data: bytes) -> list[bytes]:
        return [data[at : at + 1] for at in range(len(data))]

    return split


@pytest.fixture(scope="session")
def cut():
    """Data, cut at places that are any numbers."""

    def split(data: bytes, places: list[int]) -> list[bytes]:
        bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
        return [data[start:end] for start, end in itertools.pairwise(bounds) if start < end]

    return split


# --- fakes -----------------------------------------------------------------------------------------------------------


class FakeLoop:
    """A queue of callbacks and a clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.ready: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now_s

    def call_soon(self, callback: Callable[..., Any], *args: Any) -> None:
        self.ready.append((callback, args))

    def run(self) -> None:
        while self.ready:
            callback, args = self.ready.pop(0)
            callback(*args)


class FakeSocket:
    def __init__(self) -> None:
        self.options: list[tuple[int, int, bytes]] = []

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        self.options.append((level, option, value))


class FakeTransport:
    """As uvloop's: ``write`` is out at once, but while ``stuck``; pauses and resumes at the same water marks."""

    def __init__(self, loop: FakeLoop, protocol: Any, journal: list[Any] | None = None) -> None:
        self.loop, self.protocol = loop, protocol
        self.journal: list[Any] = [] if journal is None else journal
        self.written = b""
        self.writes = 0
        self.unsent_bytes = 0
        self.stuck = self.closing = self.aborted = self.ended = self.lost = False
        self.reading = True
        self.sock = FakeSocket()
        self._paused = False

    def write(self, data: bytes) -> None:
        if self.lost or self.ended:
            raise RuntimeError("a write to what is closed")
        self.writes += 1
        self.written += data
        self.journal.append(("write", bytes(data)))
        if self.stuck:
            self.unsent_bytes += len(data)
            if self.unsent_bytes > HIGH_WATER and not self._paused:
                self._paused = True
                self.protocol.pause_writing()

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.write(b"".join(parts))

    def drain(self, size: int | None = None) -> None:
        """The peer takes ``size`` bytes of what waits for it, or all."""
        self.unsent_bytes -= self.unsent_bytes if size is None else size
        if self._paused and self.unsent_bytes <= LOW_WATER:
            self._paused = False
            self.protocol.resume_writing()
        self._close_if_sent()

    def write_eof(self) -> None:
        self.ended = True
        self.journal.append("eof")

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.reading = False
            self._close_if_sent()

    def abort(self) -> None:
        self.closing = self.aborted = True
        self.lose()

    def lose(self, error: Exception | None = None) -> None:
        if not self.lost:
            self.lost = self.closing = True
            self.loop.call_soon(self.protocol.connection_lost, error)

    def _close_if_sent(self) -> None:
        if self.closing and not self.unsent_bytes:
            self.lose()

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def get_extra_info(self, name: str) -> FakeSocket:
        assert name == "socket"
        return self.sock

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = not self.closing


class FakeCall:
    """A ``Responder`` that does what a test tells it."""

    def __init__(self, connection: Downstream, head: Any, content_length: int) -> None:
        self.connection, self.head, self.content_length = connection, head, content_length
        self.body: bytes | None = None
        self.refused: Any = None
        self.answers_refusals = False
        self.gone = 0
        self.writable: list[bool] = []

    def on_request(self, body: bytes) -> None:
        self.body = body

    def on_refused(self, error: Any) -> bool:
        self.refused = error
        if self.answers_refusals:
            self.connection.respond(b"HTTP/1.1 %d Mine\r\n" % error.status)
        return self.answers_refusals

    def on_gone(self) -> None:
        self.gone += 1

    def on_writable(self, writable: bool) -> None:
        self.writable.append(writable)

    def answer(self, body: bytes = b"", head: bytes = OK) -> None:
        self.connection.respond(head, body)


class FakeApplication:
    """An ``Application`` that gathers calls; ``on_begin`` sees each as its head comes."""

    def __init__(self, loop: Any, limits: EngineLimits) -> None:
        self.limits = limits
        self.journal: list[Any] = []
        self.turn = Turn(loop, lambda: self.journal.append("commit"), self.on_error)
        self.draining = False
        self.clock = loop.time()
        self.buffered_bytes = 0
        self.connections: set[Downstream] = set()
        self.calls: list[FakeCall] = []
        self.whole_calls = 0
        self.refusals: list[Any] = []
        self.faults: list[BaseException] = []
        self.on_begin: Callable[[FakeCall], None] = lambda _: None

    def connected(self, connection: Downstream) -> None:
        self.connections.add(connection)
        if len(self.connections) > self.limits.connections:
            connection.turn_away(b"HTTP/1.1 503 Full\r\n", b"full")

    def disconnected(self, connection: Downstream) -> None:
        self.connections.discard(connection)

    def begin(self, connection: Downstream, head: Any, content_length: int) -> FakeCall:
        call = FakeCall(connection, head, content_length)
        self.calls.append(call)
        self.on_begin(call)
        return call

    def begin_whole(self, connection: Downstream, head: Any, content_length: int) -> FakeCall | None:
        self.whole_calls += 1
        call = self.begin(connection, head, content_length)
        return None if connection.answered else call

    def refuse(self, connection: Downstream, error: Any) -> None:
        self.refusals.append(error)
        connection.respond(b"HTTP/1.1 %d No\r\n" % error.status, error.message.encode())

    def on_error(self, error: BaseException) -> None:
        self.faults.append(error)

    def later(self, seconds: float) -> None:
        """Time passes, and the sweep looks at the deadlines."""
        self.clock += seconds
        for connection in [connection for connection in self.connections if connection.deadline <= self.clock]:
            connection.on_deadline()


class FakeClient:
    """A client's connection on a fake transport."""

    def __init__(self, app: FakeApplication, loop: FakeLoop) -> None:
        self.app, self.loop = app, loop
        self.connection = Downstream(app)
        self.transport = FakeTransport(loop, self.connection, app.journal)
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]
        self._taken = 0

    def feed(self, data: bytes) -> None:
        """Bytes arrive; the turn goes on."""
        self.connection.data_received(data)

    def send(self, *parts: bytes) -> bytes:
        """Bytes arrive, a turn of the loop for each part; what was answered meanwhile."""
        for part in parts:
            self.connection.data_received(part)
            self.loop.run()
        return self.received()

    def finish(self) -> None:
        """The client's FIN arrives; its transport closes itself unless it is told not to."""
        if not self.connection.eof_received():
            self.transport.close()

    def received(self) -> bytes:
        """What was written since the last look."""
        taken, self._taken = self._taken, len(self.transport.written)
        return self.transport.written[taken:]

    def later(self, seconds: float) -> bytes:
        self.app.later(seconds)
        self.loop.run()
        return self.received()

    @property
    def call(self) -> FakeCall:
        """Its request that came last."""
        return [call for call in self.app.calls if call.connection is self.connection][-1]

    def answer(self, body: bytes = b"", head: bytes = OK) -> bytes:
        self.call.answer(body, head)
        self.loop.run()
        return self.received()


@pytest.fixture
def loop():
    return FakeLoop()


@pytest.fixture
def make_app(loop):
    """An application with limits; when the test ends, all that was reserved must have been given back."""
    apps: list[FakeApplication] = []

    def make(**limits: Any) -> FakeApplication:
        app = FakeApplication(loop, EngineLimits(**limits))
        apps.append(app)
        return app

    yield make
    for app in apps:
        for connection in list(app.connections):
            connection.transport.abort()
        loop.run()
        assert not app.connections
        assert app.buffered_bytes == 0


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def connect(loop):
    """A new client of an application."""
    return lambda app: FakeClient(app, loop)


@pytest.fixture
def client(app, connect):
    return connect(app)


@pytest.fixture
def make_transport(loop):
    return lambda protocol: FakeTransport(loop, protocol)


# --- a real loop -----------------------------------------------------------------------------------------------------


class Loop(uvloop.Loop):
    """Real, but for its clock, which a test may put forward."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class Peer:
    """The other end of a connection: a plain socket, ours to write to and read from."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.loop, self.sock = loop, sock

    def run(self, step: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(step, STEP_S))

    def send(self, data: bytes) -> None:
        self.run(self.loop.sock_sendall(self.sock, data))

    def receive(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or as many as there are before the end."""
        data = bytearray()
        while len(data) < size:
            more = self.run(self.loop.sock_recv(self.sock, size - len(data)))
            if not more:
                break
            data += more
        return bytes(data)

    def until(self, marker: bytes) -> bytes:
        data = b""
        while not data.endswith(marker):
            more = self.run(self.loop.sock_recv(self.sock, 1))
            assert more, f"the connection ended before {marker!r}; there was {data!r}"
            data += more
        return data

    def ending(self) -> bytes:
        """All up to the end; ConnectionResetError where it is none in good order."""
        data = bytearray()
        while more := self.run(self.loop.sock_recv(self.sock, 1 << 20)):
            data += more
        return bytes(data)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Net:
    """A real loop; what it was told to start, it ends."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.faults: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.faults.append(context))
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []

    def run(self, step: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(step, STEP_S))

    def settle(self) -> None:
        """Let what is ready happen."""
        for _ in range(5):
            self.run(asyncio.sleep(0))

    def until(self, condition: Callable[[], Any]) -> None:
        """Run until it holds, within ``STEP_S``."""
        for _ in range(STEP_S * 1000):
            if condition():
                return
            self.run(asyncio.sleep(0.001))
        raise AssertionError("it never came to hold")

    def serve(self, protocol: Callable[[], Any], **options: Any) -> int:
        """A server on loopback; its port."""
        server = self.run(self.loop.create_server(protocol, "127.0.0.1", 0, **options))
        self._servers.append(server)
        return server.sockets[0].getsockname()[1]

    def connect(self, port: int) -> Peer:
        sock = socket.socket()
        self._sockets.append(sock)
        sock.connect(("127.0.0.1", port))
        return Peer(self.loop, sock)

    def later(self, app: FakeApplication, seconds: float) -> None:
        self.loop.ahead_s += seconds
        app.clock = self.loop.time()
        app.later(0)
        self.settle()

    def end(self) -> None:
        for sock in self._sockets:
            sock.close()
        for server in self._servers:
            server.close()
        self.settle()
        self.loop.close()


@pytest.fixture
def net():
    net = Net()
    yield net
    net.end()
    assert not net.faults


@pytest.fixture
def served(net):
    """An application on a real port; when the test ends, each connection must end by itself or by its deadline."""
    served: list[FakeApplication] = []

    def make(**limits: Any) -> tuple[FakeApplication, int]:
        app = FakeApplication(net.loop, EngineLimits(**limits))
        served.append(app)
        return app, net.serve(lambda: Downstream(app))

    yield make
    for app in served:
        for connection in list(app.connections):
            connection.abort()
        net.until(lambda app=app: not app.connections)
        assert app.buffered_bytes == 0
