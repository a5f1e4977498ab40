"""Load that wrk cannot make: streams that are held open, each read once, and calls that are told apart."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

from bench.processes import RigError
from bench.streams import LAST_CHUNK, LONGEST_S, decode_stream


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self.answer = bytearray()
        self.is_whole = False
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        if not self.ended.done():
            self.ended.set_result(None)


class _Stream(_Connection):
    """One streamed answer, ended with its last chunk."""

    def data_received(self, data: bytes) -> None:
        self.answer += data
        if self.answer.endswith(LAST_CHUNK):
            self.is_whole = self.has_begun
            self.transport.close()

    @property
    def has_begun(self) -> bool:
        """Whether a chunk of a good answer is here."""
        head, _, body = bytes(self.answer).partition(b"\r\n\r\n")
        return bool(body) and b" 200 " in head[:20]


async def _open_streams(port: int, request: bytes, count: int) -> list[_Stream]:
    loop = asyncio.get_running_loop()
    made = await asyncio.gather(*(loop.create_connection(_Stream, "127.0.0.1", port) for _ in range(count)))
    streams = [stream for _, stream in made]
    for stream in streams:
        stream.transport.write(request)
    return streams


async def _close(streams: Sequence[_Connection]) -> None:
    for stream in streams:
        stream.transport.abort()
    await asyncio.gather(*(stream.ended for stream in streams))


async def _read_whole(port: int, request: bytes, count: int, most_s: float) -> list[bytes]:
    streams = await _open_streams(port, request, count)
    try:
        _, late = await asyncio.wait([stream.ended for stream in streams], timeout=most_s)
    finally:
        await _close(streams)
    if late:
        raise RigError(f"{len(late)} of {count} streams did not end within {most_s:g} s")
    if broken := [stream for stream in streams if not stream.is_whole]:
        raise RigError(f"{len(broken)} of {count} streams were cut off: {bytes(broken[0].answer[:300])!r}")
    return [decode_stream(bytes(stream.answer)) for stream in streams]


def read_streams(port: int, request: bytes, count: int, *, most_s: float = LONGEST_S) -> list[bytes]:
    """Read streams at once, each once and whole; their bodies.

    Raises:
        RigError: one was cut off, or they took too long.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_read_whole(port, request, count, most_s))


async def _hold(port: int, request: bytes, count: int, look: Callable[[], None], most_s: float) -> int:
    streams = await _open_streams(port, request, count)
    try:
        end = time.monotonic() + most_s
        begun = 0
        while begun < count and time.monotonic() < end:
            await asyncio.sleep(0.2)
            look()
            begun = sum(stream.has_begun and not stream.ended.done() for stream in streams)
        for _ in range(5):
            await asyncio.sleep(0.2)
            look()
        return sum(stream.has_begun and not stream.ended.done() for stream in streams)
    finally:
        await _close(streams)


def hold_streams(port: int, request: bytes, count: int, look: Callable[[], None], *, most_s: float = 50) -> int:
    """Begin streams until all have a chunk, ``look`` for a second more, then leave; how many were open at the end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_hold(port, request, count, look, most_s))


@dataclass(slots=True)
class Answers:
    """Whole good answers: the calls' numbers, and the heads that they came with."""

    heads: dict[int, bytes] = field(default_factory=dict[int, bytes])


class _Caller(_Connection):
    """One call after the other, numbered, until the connection breaks."""

    def __init__(self, write: Callable[[int], bytes], take_number: Callable[[], int], answers: Answers) -> None:
        super().__init__()
        self._write = write
        self._take_number = take_number
        self._answers = answers
        self._number = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._call()

    def _call(self) -> None:
        self._number = self._take_number()
        self.transport.write(self._write(self._number))

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if not found or not is_complete(bytes(head), bytes(body)):
            return
        if b" 200 " in head[:20]:
            self._answers.heads[self._number] = bytes(head) + b"\r\n"
        self.answer.clear()
        self._call()


def is_complete(head: bytes, body: bytes) -> bool:
    """Whether a plain answer's body is all here."""
    fields = head.lower()
    if b"\r\ntransfer-encoding: chunked" in fields:
        return body.endswith(LAST_CHUNK)
    length = fields.partition(b"\r\ncontent-length:")[2].split(b"\r\n", 1)[0]
    return bool(length) and len(body) >= int(length)


async def _call_until_broken(
    port: int, write: Callable[[int], bytes], count: int, *, seconds: float, end: Callable[[], None], most_s: float
) -> Answers:
    answers, numbers = Answers(), iter(range(1 << 40))
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Caller(write, lambda: next(numbers), answers), "127.0.0.1", port)
        for _ in range(count)
    ]
    await asyncio.sleep(seconds)
    await loop.run_in_executor(None, end)
    callers = [caller for _, caller in made]
    await asyncio.wait([caller.ended for caller in callers], timeout=most_s)
    await _close(callers)
    return answers


def call_until_broken(
    port: int, write: Callable[[int], bytes], count: int, *, seconds: float, end: Callable[[], None], most_s: float = 30
) -> Answers:
    """Call over so many connections, after some seconds do what breaks them, and give what had come whole."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_call_until_broken(port, write, count, seconds=seconds, end=end, most_s=most_s))
