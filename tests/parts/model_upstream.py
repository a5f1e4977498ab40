"""A scripted provider on raw sockets, for what no real part does on demand: exact bytes, faults, pauses.

It keeps the exact bytes of each request. A test says what comes next with ``play``; a call that nothing is scripted for
is answered as a well-behaved provider would (``ordinary.py``).
"""

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from tests.parts.ordinary import answer_ordinarily
from tests.parts.processes import DEADLINE_S, wait_until

POLL_S: Final = 0.01


class Seen:
    """One request as it stood on the wire."""

    def __init__(self, raw_head: bytes, body: bytes) -> None:
        self.raw_head = raw_head
        self.body = body
        self.left = threading.Event()  # the proxy closed the connection before the answer was through
        self.done = threading.Event()  # the answer is through, or its connection is closed
        start, *lines = raw_head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = start.split(" ")
        pairs = (line.partition(":") for line in lines if line)
        self.headers = [(name.lower(), value.strip()) for name, _, value in pairs]

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    def json(self) -> Any:
        return json.loads(self.body)


class Pause(NamedTuple):
    """Nothing is sent for so long."""

    seconds: float


class Hold(NamedTuple):
    """Nothing is sent until the test says so, or the proxy has left."""

    until: threading.Event


class Cut:
    """The connection is reset here."""


class Close:
    """The connection is closed here, in order."""


Step = bytes | Pause | Hold | Cut | Close
Script = Sequence[Step]


class ModelUpstream:
    """The provider's side of a test. ``url`` is its root, ``endpoint`` what config.json wants."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.ordinarily: Callable[[Seen], Script] = answer_ordinarily
        self._tls = tls
        self._scripts: deque[Script] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._thread.start()
        self.port: int = self._run(self._listen())
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self.port}"
        self.endpoint = f"{self.url}/v1/chat/completions"

    def play(self, *steps: Step) -> None:
        """Script the answer to a coming request; several are taken in order."""
        self._scripts.append(steps)

    def reset(self) -> None:
        """Forget requests and scripts, for the next test."""
        self._scripts.clear()
        self.seen.clear()
        self.ordinarily = answer_ordinarily

    def wait_for_calls(self, count: int = 1) -> Seen:
        """Wait until so many requests have come; the last one."""
        wait_until(lambda: len(self.seen) >= count, f"{count} calls at the provider; it saw {len(self.seen)}")
        return self.seen[-1]

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (seen := await read_request(reader)) is not None:
                script = self._scripts.popleft() if self._scripts else self.ordinarily(seen)
                self.seen.append(seen)
                goes_on = await _play(script, seen, reader, writer)
                seen.done.set()
                if not goes_on:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the proxy let the connection go
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> Seen | None:
    """The next request, its body decoded from chunks if need be; None at the connection's end."""
    try:
        raw_head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    seen = Seen(raw_head, b"")
    if length := seen.header("content-length"):
        seen.body = await reader.readexactly(int(length))
    elif seen.header("transfer-encoding"):
        while size := int(await reader.readline(), 16):
            seen.body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    return seen


async def _play(script: Script, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Send the answer; False when the connection is over."""
    # Nothing is pipelined upstream: whatever can be read now is the connection's end.
    end = asyncio.ensure_future(reader.read(1))
    try:
        for step in script:
            if isinstance(step, Cut):
                _reset(writer)
                return False
            if isinstance(step, Close):
                return False
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif await _ended_during(step, end):
                break
        if end.done():
            assert not end.result(), "the proxy sent on before it had its answer"
            seen.left.set()
            return False
        return True
    except ConnectionError:
        seen.left.set()
        return False
    finally:
        end.cancel()
        await asyncio.gather(end, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST (SO_LINGER of 0 seconds, socket(7)): ``abort`` alone says FIN where nothing was left unread."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _ended_during(step: Pause | Hold, end: asyncio.Future[bytes]) -> bool:
    if isinstance(step, Pause):
        await asyncio.wait([end], timeout=step.seconds)
        return end.done()
    while not step.until.is_set() and not end.done():
        await asyncio.wait([end], timeout=POLL_S)
    return end.done()


@contextmanager
def run_upstream(tls: ssl.SSLContext | None = None) -> Iterator[ModelUpstream]:
    """A scripted provider for as long as the block takes."""
    upstream = ModelUpstream(tls)
    try:
        yield upstream
    finally:
        upstream.close()
