"""Many clients at once, from one event loop: connections that idle, streams that go on, and the provider of those."""

import asyncio
import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.parts.proxy import KEY

AT_ONCE: Final = 250
BACKLOG: Final = 4096
EVENT: Final = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
END: Final = b"data: [DONE]\n\n"
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(body: dict[str, object], *, more: str = "") -> bytes:
    """A whole call, with the key."""
    data = json.dumps(body).encode()
    return head(len(data), more) + data


def head(length: int, more: str = "") -> bytes:
    """A call's head, with the key."""
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
    ).encode()


@contextmanager
def room_for(files: int) -> Iterator[None]:
    """So many open files for this process, if its hard limit lets it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(before[0], min(files, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def connect_all(port: int, count: int, sent: bytes) -> list[Stream]:
    """So many connections, each with an answer's head to what it sent."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> Stream:
        async with gate:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            line = await reader.readuntil(b"\r\n\r\n")
            assert line.startswith(b"HTTP/1.1 200"), line
            return reader, writer

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def leave(streams: list[Stream]) -> None:
    for _, writer in streams:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in streams), return_exceptions=True)


class Streamer:
    """A provider that streams an event at each ``step`` to everybody at once, and the end at ``finish``."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                found = await reader.readuntil(b"\r\n\r\n")
                length = int(found.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
                if json.loads(body).get("stream"):
                    writer.write(HEAD + chunk(EVENT))
                    self.writers.append(writer)
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def step(self) -> None:
        for writer in self.writers:
            writer.write(chunk(EVENT))

    def finish(self) -> None:
        for writer in self.writers:
            writer.write(chunk(END) + b"0\r\n\r\n")
        self.writers.clear()

    async def stop(self) -> None:
        self._server.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
