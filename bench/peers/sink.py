"""A store for those that log to S3: takes every PUT, notes the call's id. ``python -m bench.peers.sink PORT FILE``."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import uvloop

from bench.machine import find_port
from bench.processes import is_listening, kill_family, start_quiet, wait_until

_CALL_ID = re.compile(rb'"litellm_call_id": ?"([^"]{36})"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TAKEN = b'HTTP/1.1 200 OK\r\nETag: "0"\r\nContent-Length: 0\r\n\r\n'


def split_requests(data: bytes) -> tuple[list[bytes], bytes]:
    """The bodies of all whole requests, and the rest."""
    bodies: list[bytes] = []
    while True:
        head, found, rest = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        if not found or len(rest) < size:
            return bodies, data
        bodies.append(rest[:size])
        data = rest[size:]


class _Store(asyncio.Protocol):
    def __init__(self, notes: int) -> None:
        self._notes = notes
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        bodies, self._data = split_requests(self._data + data)
        for body in bodies:
            found = _CALL_ID.findall(body)
            os.write(self._notes, b"".join(call_id + b"\n" for call_id in found))
            self._transport.write(_TAKEN)


async def _serve(port: int, file: Path) -> None:
    notes = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    server = await asyncio.get_running_loop().create_server(lambda: _Store(notes), "127.0.0.1", port)
    await server.serve_forever()


class Sink:
    """A running store: where it listens, and what it has taken."""

    def __init__(self, port: int, file: Path) -> None:
        self.port = port
        self._file = file

    def read_ids(self) -> list[str]:
        """The ids of the calls whose records are there."""
        return self._file.read_text().splitlines() if self._file.exists() else []


@contextmanager
def run_sink(folder: Path) -> Iterator[Sink]:
    """Run a store in a process of its own."""
    port, file = find_port(), folder / "taken"
    process = start_quiet([sys.executable, "-m", "bench.peers.sink", str(port), str(file)])
    try:
        wait_until(lambda: is_listening(port), "the sink", seconds=10)
        yield Sink(port, file)
    finally:
        kill_family(process)


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
