"""Load of ours, where wrk does not fit: each stream exactly once, or calls at a given rate whatever the answers do."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TypeVar, cast

import uvloop

from bench.bodies import HEADERS, PATH
from bench.processes import RigError

LONGEST_S = 120
LAST_CHUNK = b"0\r\n\r\n"


def write_call(body: bytes, more: Mapping[str, str] = MappingProxyType({}), target: str = PATH) -> bytes:
    """One request's bytes, as the browser app sends it, with ``more`` headers."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (HEADERS | dict(more)).items())
    return f"POST {target} HTTP/1.1\r\nHost: bench\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Connection(asyncio.Protocol):
    """A connection to what is measured, one request's bytes at hand."""

    def __init__(self, call: bytes) -> None:
        self._call = call
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self.ended.set_result(None)

    def call(self) -> None:
        """Send the request."""
        self.transport.write(self._call)


_Kind = TypeVar("_Kind", bound=_Connection)


@asynccontextmanager
async def _connected(port: int, make: Callable[[], _Kind], count: int) -> AsyncIterator[list[_Kind]]:
    """So many connections, closed at the end: uvloop does not end while one is open."""
    loop = asyncio.get_running_loop()
    made = await asyncio.gather(*(loop.create_connection(make, "127.0.0.1", port) for _ in range(count)))
    connections = [connection for _, connection in made]
    try:
        yield connections
    finally:
        for connection in connections:
            connection.transport.abort()
        await asyncio.gather(*(connection.ended for connection in connections))


class _Stream(_Connection):
    """One streamed call; ``done`` gets the answer's bytes, once the last chunk is here."""

    def __init__(self, call: bytes) -> None:
        super().__init__(call)
        self._answer = bytearray()
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._answer.endswith(LAST_CHUNK) and not self.done.done():
            self.done.set_result(bytes(self._answer))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.done.done():
            self.done.set_exception(RigError(f"a stream ended after {len(self._answer)} bytes: {exc}"))
            self.done.exception()  # one of them is told; the others that follow from it are not


def decode_stream(answer: bytes) -> bytes:
    """The body of a chunked answer: who passes it on may cut it into other chunks than it came in."""
    rest = answer.partition(b"\r\n\r\n")[2]
    body = bytearray()
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        rest = rest[length + 2 :]
    return bytes(body)


async def _read_streams(port: int, call: bytes, count: int, sample: Callable[[], None]) -> list[bytes]:
    async with _connected(port, lambda: _Stream(call), count) as streams:
        for stream in streams:
            stream.call()
        everything = asyncio.gather(*(stream.done for stream in streams))
        end = time.monotonic() + LONGEST_S
        while not everything.done():
            sample()
            await asyncio.wait([everything], timeout=0.05)
            if time.monotonic() > end:
                everything.cancel()
                raise RigError(f"{count} streams did not end within {LONGEST_S} s")
        return everything.result()


def read_streams(port: int, request: bytes, count: int, wanted: bytes, sample: Callable[[], None]) -> None:
    """Read ``count`` streams at once, each once and whole, calling ``sample`` every 50 ms.

    Raises:
        RigError: one was cut off, or its body was not the wanted one.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answers = runner.run(_read_streams(port, write_call(request), count, sample))
    for answer in answers:
        if decode_stream(answer) != wanted:
            raise RigError(f"a stream was {answer[:300]!r} … {answer[-300:]!r}")


class _Caller(_Connection):
    """A kept connection that makes one plain call at a time, over and over."""

    def __init__(self, call: bytes, idle: "asyncio.Queue[_Caller]") -> None:
        super().__init__(call)
        self._idle = idle
        self._missing = 0
        self.answers = 0

    def data_received(self, data: bytes) -> None:
        if self._missing == 0:
            self._missing = measure_answer(data)
        self._missing -= len(data)
        if self._missing == 0:
            self.answers += 1
            self._idle.put_nowait(self)


def measure_answer(data: bytes) -> int:
    """The bytes of the answer that begins here. Its head comes whole: all servers here write it at once."""
    head, found, _ = data.partition(b"\r\n\r\n")
    if not found or not head.startswith(b"HTTP/1.1 200"):
        raise RigError(f"an answer began {data[:200]!r}")
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    return len(head) + 4 + int(length)


async def _call_at_rate(port: int, call: bytes, rate: int, seconds: float, connections: int) -> int:
    idle: asyncio.Queue[_Caller] = asyncio.Queue()
    async with _connected(port, lambda: _Caller(call, idle), connections) as callers:
        for caller in callers:
            idle.put_nowait(caller)
        start = time.monotonic()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(start + number / rate - time.monotonic())
            (await _take(idle)).call()
        for _ in callers:
            await _take(idle)
        if any(caller.ended.done() for caller in callers):
            raise RigError("a connection was lost under load at a fixed rate")
        return sum(caller.answers for caller in callers)


async def _take(idle: "asyncio.Queue[_Caller]") -> _Caller:
    try:
        return await asyncio.wait_for(idle.get(), 10)
    except TimeoutError:
        raise RigError("calls at a fixed rate were not answered within 10 s") from None


def call_at_rate(port: int, body: bytes, rate: int, seconds: float, *, connections: int = 32) -> int:
    """Make ``rate`` plain calls a second for so long, or fewer if they wait; give how many were answered.

    Raises:
        RigError: an answer was not 200, or a connection was lost.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_call_at_rate(port, write_call(body), rate, seconds, connections))
