"""The proxy on a real loop, with plain sockets for its clients and providers, so that a test reads as a transcript.

Nothing here is asynchronous to a test: each step runs the loop until it is done.
"""

import asyncio
import json
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import pytest
import uvloop

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import ClientKey, Snapshot
from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.proxy.application import ProxyApplication
from open_llm_proxy.proxy.setup import Setup
from open_llm_proxy.spool.frame import Frame, RequestHeader, ResponseHeader, encode_head
from open_llm_proxy.telemetry import scoreboard

STEP_S = 10
KEY = "key-of-tests"
WORKER_SLOT = 1


class Loop(uvloop.Loop):
    """Real, but for its clock, which a test may put forward."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


class Message(NamedTuple):
    """One HTTP message as it stood on the wire."""

    start: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes
    raw: bytes

    @property
    def status(self) -> int:
        return int(self.start.split(b" ")[1])

    @property
    def target(self) -> bytes:
        return self.start.split(b" ")[1]

    @property
    def names(self) -> set[str]:
        return {name.decode().lower() for name, _ in self.fields}

    def all(self, name: str) -> list[str]:
        return [value.decode() for field, value in self.fields if field.decode().lower() == name]

    def header(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json()["error"]


class Wire:
    """One end of a connection, ours to write to and read from."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self.loop = loop
        self.sock = sock
        self.buffer = b""

    def run(self, step: Any) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(step, STEP_S))

    def send(self, data: bytes) -> None:
        self.run(self.loop.sock_sendall(self.sock, data))

    def more(self) -> bytes:
        """What comes next; empty at the end; ConnectionResetError where it was broken off."""
        data = self.run(self.loop.sock_recv(self.sock, 1 << 18))
        self.buffer += data
        return data

    def until(self, marker: bytes) -> bytes:
        """Everything up to ``marker`` and with it."""
        while marker not in self.buffer:
            assert self.more(), f"the connection ended before {marker!r}; there was {self.buffer!r}"
        end = self.buffer.index(marker) + len(marker)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            assert self.more(), f"the connection ended {size - len(self.buffer)} bytes too early"
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def ending(self) -> tuple[bytes, bool]:
        """All that is left, and whether the end was an orderly one."""
        orderly = True
        try:
            while self.more():
                pass
        except ConnectionResetError:
            orderly = False
        taken, self.buffer = self.buffer, b""
        return taken, orderly

    def head(self) -> Message:
        raw = self.until(b"\r\n\r\n")
        start, *lines = raw[:-4].split(b"\r\n")
        fields = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        return Message(start, fields, b"", raw)

    def receive(self, *, bodyless: bool = False) -> Message:
        """The next whole message; ``bodyless``: an answer to HEAD."""
        head = self.head()
        if bodyless or (head.start.startswith(b"HTTP/") and head.status in (204, 304)):
            return head
        if head.header("transfer-encoding") == "chunked":
            return head._replace(body=self.chunks())
        length = head.header("content-length")
        if length is None and head.start.startswith(b"HTTP/"):
            return head._replace(body=self.ending()[0])
        return head._replace(body=self.exactly(int(length or 0)))

    def chunk(self) -> bytes:
        """One transfer chunk's content; empty: the last one."""
        size = int(self.until(b"\r\n"), 16)
        content = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return content

    def chunks(self) -> bytes:
        return b"".join(iter(self.chunk, b""))

    def arrived(self) -> bytes:
        """What waits in the socket, left there: asks the kernel, runs no loop."""
        try:
            return self.sock.recv(1 << 18, socket.MSG_PEEK)
        except BlockingIOError:
            return b""

    def reset(self) -> None:
        """Leave at once, as a process that was killed."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.close()

    def close(self) -> None:
        self.sock.close()


class Upstream:
    """A provider's listening socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.wires: list[Wire] = []

    def accept(self) -> Wire:
        sock, _ = self.loop.run_until_complete(asyncio.wait_for(self.loop.sock_accept(self.listener), STEP_S))
        wire = Wire(self.loop, sock)
        self.wires.append(wire)
        return wire

    def receive(self) -> tuple[Wire, Message]:
        """The first request on a new connection."""
        wire = self.accept()
        return wire, wire.receive()

    @property
    def waiting(self) -> bool:
        """Whether somebody connected that was not accepted yet."""
        try:
            sock, _ = self.listener.accept()
        except BlockingIOError:
            return False
        self.wires.append(Wire(self.loop, sock))
        return True

    def close(self) -> None:
        for wire in self.wires:
            wire.close()
        self.listener.close()


class Rig:
    """A worker's application with its providers. ``frames`` are those committed, in order."""

    key = KEY

    def __init__(self, settings: Mapping[str, Any], tls: ssl.SSLContext, **snapshot: Any) -> None:
        self.loop = Loop()
        self.faults: list[Any] = []
        self.loop.set_exception_handler(lambda _, context: self.faults.append(context))
        self.upstreams: dict[str, Upstream] = {}
        self.clients: list[Wire] = []
        self.frames: list[Frame] = []
        self.pending: list[Frame] = []
        self.before_commit: Callable[[list[Frame]], None] = lambda _: None
        self.reports: list[str] = []
        self.expected_faults = 0
        self.tls = tls
        self.board, self._board_fd = scoreboard.Scoreboard.create(3)
        self.counters = self.board.slot(WORKER_SLOT)
        turn = Turn(self.loop, self._commit, self._on_error)
        self.app = ProxyApplication(
            self.loop,
            self.setup(settings, **snapshot),
            append=self._append,
            turn=turn,
            counters=self.counters,
            board=self.board,
            report=self.reports.append,
        )
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        serving = self.loop.create_server(lambda: Downstream(self.app), sock=listener)
        self.server = self.loop.run_until_complete(serving)

    def setup(self, settings: Mapping[str, Any], **snapshot: Any) -> Setup:
        """Providers without an ``endpoint`` get a listening socket of ours and, but for ``key=None``, a key."""
        settings = dict(settings)
        settings.setdefault("providers", {"alpha": {"models": ["m"]}})
        settings.setdefault("default_provider", None)
        providers, keys = {}, dict(snapshot.pop("provider_keys", {}))
        for name, given in settings["providers"].items():
            row = dict(given)
            if "endpoint" not in row:
                if name not in self.upstreams:
                    self.upstreams[name] = Upstream(self.loop)
                row["endpoint"] = f"http://127.0.0.1:{self.upstreams[name].port}/v1/chat/completions"
            if row.pop("key", True):
                row.setdefault("api_key_env", f"{name.upper()}_KEY")
                keys.setdefault(name, f"{name}-secret")
            providers[name] = row
        config = msgspec.convert({**settings, "providers": providers}, Config)
        snapshot.setdefault("client_keys", (ClientKey("default", KEY),))
        return Setup(Snapshot(config=config, config_sha256="0" * 64, provider_keys=keys, **snapshot), self.tls)

    def _append(self, header: RequestHeader | ResponseHeader, pieces: Iterable[bytes | memoryview], size: int) -> None:
        body = b"".join(pieces)
        assert len(body) == size
        assert encode_head(header, size)
        self.pending.append(Frame(header, body))

    def _commit(self) -> None:
        self.before_commit(self.pending)
        self.frames += self.pending
        self.pending.clear()

    def _on_error(self, error: BaseException) -> None:
        self.app.on_error(error)

    @property
    def upstream(self) -> Upstream:
        return next(iter(self.upstreams.values()))

    # --- steps ---------------------------------------------------------------------------------------------------

    def client(self) -> Wire:
        sock = socket.create_connection(("127.0.0.1", self.port))
        sock.setblocking(False)
        wire = Wire(self.loop, sock)
        self.clients.append(wire)
        return wire

    def until(self, condition: Callable[[], Any]) -> None:
        async def wait() -> None:
            while not condition():  # noqa: ASYNC110 - conditions look at sockets and frames, which set no event
                await asyncio.sleep(0)

        self.loop.run_until_complete(asyncio.wait_for(wait(), STEP_S))

    def settle(self) -> None:
        """Let everything happen that is ready to: on loopback what was sent is there, and each turn looks."""

        async def turns() -> None:
            for _ in range(20):
                await asyncio.sleep(0)

        self.loop.run_until_complete(turns())

    def later(self, seconds: float) -> None:
        """Time goes by, and the worker's sweep with it."""
        self.loop.ahead_s += seconds
        self.app.sweep()
        self.settle()

    def ask(self, request: bytes, *, bodyless: bool = False) -> Message:
        """The answer to what reaches no provider, on a connection of its own."""
        client = self.client()
        client.send(request)
        return client.receive(bodyless=bodyless)

    def exchange(self, request: bytes | None = None, answer: bytes | None = None) -> tuple[Message, Message]:
        """One plain call on connections of its own: what the client got, and what the provider had got."""
        client = self.client()
        client.send(self.request() if request is None else request)
        wire, sent = self.upstream.receive()
        wire.send(self.answer() if answer is None else answer)
        received = client.receive()
        wire.close()
        client.close()
        return received, sent

    def warm(self) -> tuple[Wire, Wire]:
        """A client's and a provider's connection, both kept alive after one call."""
        client = self.client()
        client.send(self.request())
        wire, _ = self.upstream.receive()
        wire.send(self.answer())
        client.receive()
        return client, wire

    def begin(
        self, *events: bytes, body: bytes | None = None, path: str = "/v1/chat/completions", **fields: str
    ) -> tuple[Wire, Wire, Message]:
        """A stream under way: the client's and the provider's connection, and the head that the client got."""
        client = self.client()
        client.send(self.request(body, path=path))
        wire, _ = self.upstream.receive()
        wire.send(self.stream(*events, **fields))
        return client, wire, client.head()

    @property
    def calls(self) -> list[tuple[Frame, Frame]]:
        """The calls on record, as request and response, in the order of their requests."""
        responses = {frame.header.request_id: frame for frame in self.frames if type(frame.header) is ResponseHeader}
        return [
            (frame, responses[frame.header.request_id])
            for frame in self.frames
            if type(frame.header) is RequestHeader and frame.header.request_id in responses
        ]

    def call(self) -> tuple[Frame, Frame]:
        """The last call on record, once both its frames are there."""

        def whole() -> bool:
            self._commit()  # as the worker's tick does
            return bool(self.calls) and len(self.calls) * 2 == len(self.frames)

        self.until(whole)
        return self.calls[-1]

    def record(self) -> tuple[RequestHeader, ResponseHeader]:
        """The headers of ``call``."""
        request, response = (frame.header for frame in self.call())
        assert isinstance(request, RequestHeader)
        assert isinstance(response, ResponseHeader)
        return request, response

    # --- messages ------------------------------------------------------------------------------------------------

    @staticmethod
    def request(
        body: bytes | None = None,
        *,
        path: str = "/v1/chat/completions",
        method: str = "POST",
        key: str | None = f"Bearer {KEY}",
        content_type: str | None = "application/json",
        **fields: str,
    ) -> bytes:
        """A request's bytes; ``fields`` with ``_`` for ``-``, a value of None leaves one out."""
        body = b'{"model":"m"}' if body is None and method == "POST" else body or b""
        lines = {"host": "proxy", "authorization": key, "content-type": content_type}
        lines |= {name.replace("_", "-"): value for name, value in fields.items()}
        if body or method == "POST":
            lines.setdefault("content-length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body

    @staticmethod
    def answer(body: bytes = b'{"id":"a"}', status: str = "200 OK", **fields: str) -> bytes:
        lines = {"content-type": "application/json", "content-length": str(len(body))}
        lines |= {name.replace("_", "-"): value for name, value in fields.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body

    @staticmethod
    def stream(*events: bytes, **fields: str) -> bytes:
        """The beginning of a chunked event stream."""
        lines = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
        lines |= {name.replace("_", "-"): value for name, value in fields.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode() + b"".join(Rig.frame(event) for event in events)

    @staticmethod
    def frame(content: bytes) -> bytes:
        """A transfer chunk."""
        return b"%x\r\n%b\r\n" % (len(content), content)

    # --- the end -------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Everybody leaves; then nothing may be held, owed or forgotten."""
        for upstream in self.upstreams.values():
            upstream.close()
        for client in self.clients:
            client.close()
        self.settle()
        self.later(3)  # lingering connections end after 2 s
        self.until(lambda: not self.app.connections and not self.app.calls)
        self.server.close()
        self.app.close()
        self.settle()
        self._commit()
        self.loop.close()
        os.close(self._board_fd)

    def check(self) -> None:
        assert not self.pending
        ids = [(type(frame.header), frame.header.request_id) for frame in self.frames]
        assert len(set(ids)) == len(ids), "a frame stands twice"
        assert len(self.calls) * 2 == len(self.frames), "a request without response, or the other way"
        assert self.app.buffered_bytes == 0
        assert self.counters[scoreboard.SWALLOWED] == self.expected_faults, self.reports
        assert not self.faults


@pytest.fixture(scope="session")
def tls():
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def start(tls):
    """Start a rig with ``config.json``'s keys; those of the snapshot in ``snapshot``. It is checked when it ends."""
    rigs: list[Rig] = []

    def make(snapshot: Mapping[str, Any] | None = None, **settings: Any) -> Rig:
        rig = Rig(settings, tls, **(snapshot or {}))
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.end()
    for rig in rigs:
        rig.check()


@pytest.fixture
def rig(start):
    """One provider, ``alpha``, with the model ``m``."""
    return start()


@pytest.fixture(scope="session")
def hex_id():
    """The form of a request id."""
    return re.compile(r"[0-9a-f]{32}")
