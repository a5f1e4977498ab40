"""What a Kubernetes Service is to its clients: one address, each new connection goes to the next pod in rotation."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.parts.processes import DEADLINE_S

PIECE_BYTES = 65536


class Balancer:
    """Passes connections on, byte for byte. ``url`` is its root; ``rotation`` holds the ports that get new ones."""

    def __init__(self) -> None:
        self.rotation: list[int] = []
        self._taken = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._run(self._listen())}"

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._connect(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rotation = self.rotation
        self._taken += 1
        pod_writer = None
        try:
            pod_reader, pod_writer = await asyncio.open_connection("127.0.0.1", rotation[self._taken % len(rotation)])
            await asyncio.gather(_pass_on(reader, pod_writer), _pass_on(pod_reader, writer))
        except OSError:
            writer.transport.abort()  # the client sees what it would see: a reset
        finally:
            for end in (writer, pod_writer):
                if end is not None:
                    end.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every byte, then the end of what one side says."""
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


@contextmanager
def run_balancer() -> Iterator[Balancer]:
    """A balancer for as long as the block takes."""
    balancer = Balancer()
    try:
        yield balancer
    finally:
        balancer.close()
