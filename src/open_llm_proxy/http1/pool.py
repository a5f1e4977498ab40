"""Connections to one origin: reused last in, first out; handshakes in progress are capped.

A full TLS handshake costs 0.7 ms of CPU and blocks the loop 0.3 ms; a burst must not start one a call.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.http1.resolver import Resolver
from open_llm_proxy.http1.upstream import UpstreamConnection

CONNECTING_AT_ONCE: Final = 16


class Origin(NamedTuple):
    """Where connections go; ``tls`` None: plain."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Waiter(Protocol):
    """A call that waits for a connection."""

    def on_connection(self, connection: UpstreamConnection) -> None:
        """Here it is; it must be used at once."""

    def on_connect_failed(self, error: Exception) -> None:
        """There will be none: ``OSError``, ``ssl.SSLError`` or ``TimeoutError``."""

    def on_fault(self, error: Exception) -> None:
        """One of these raised: a fault of ours. The call is to end. Must not raise."""


class Pool:
    """All connections to one origin, of one worker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        origin: Origin,
        limits: EngineLimits,
        resolver: Resolver,
        on_connect: Callable[[], None] = lambda: None,
    ) -> None:
        self.limits = limits
        self._loop = loop
        self._origin = origin
        self._resolver = resolver
        self._on_connect = on_connect
        self._idle: list[UpstreamConnection] = []
        self._waiting: deque[Waiter] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self._closed = False
        self._clock = loop.time()  # at the last ``close_idle``: how long a connection is idle need not be known better

    @property
    def idle(self) -> int:
        """Connections that wait for a call."""
        return len(self._idle)

    def take_idle(self) -> UpstreamConnection | None:
        """The connection used last, if one is idle and open."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def wait(self, waiter: Waiter) -> None:
        """Give ``waiter`` the next connection that becomes free or is made."""
        self._waiting.append(waiter)
        self._connect_more()

    def forsake(self, waiter: Waiter) -> None:
        """``waiter`` no longer wants a connection."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def _connect_more(self) -> None:
        while len(self._connecting) < min(CONNECTING_AT_ONCE, len(self._waiting)):
            task = self._loop.create_task(self._connect())
            self._connecting.add(task)
            task.add_done_callback(self._connected)

    def _connected(self, task: "asyncio.Task[None]") -> None:
        self._connecting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            if not isinstance(error, Exception):
                raise error
            if self._waiting:
                waiter = self._waiting.popleft()
                try:
                    waiter.on_connect_failed(error)
                except Exception as fault:  # noqa: BLE001 - it ends this call, not the others
                    waiter.on_fault(fault)
        self._connect_more()

    async def _connect(self) -> None:
        host, port, tls = self._origin
        async with asyncio.timeout(self.limits.connect_s):
            error: Exception = OSError(f"{host} has no address")
            for address in await self._resolver.resolve(host, port):
                try:
                    _, connection = await self._loop.create_connection(
                        lambda: UpstreamConnection(self), address, port, ssl=tls, server_hostname=host if tls else None
                    )
                except (OSError, ssl.SSLError) as failure:
                    error = failure
                    continue
                self._on_connect()
                self.release(connection)
                return
            try:
                raise error
            finally:
                del error  # it holds this frame: a cycle, left to the garbage collector

    def release(self, connection: UpstreamConnection) -> None:
        """Take back a connection whose answer was whole, or a new one."""
        if self._waiting:
            waiter = self._waiting.popleft()
            try:
                waiter.on_connection(connection)
            except Exception as fault:  # noqa: BLE001 - it ends this call, not the others
                connection.close()
                waiter.on_fault(fault)
            return
        if self._closed:
            connection.close()
            return
        connection.idle_since = self._clock
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """A connection has closed."""
        if connection in self._idle:
            self._idle.remove(connection)

    def close_idle(self, older_than_s: float | None = None) -> None:
        """Close connections idle for longer than the limit (or than ``older_than_s``); called a few times a second."""
        self._clock = self._loop.time()
        limit = self._clock - (self.limits.upstream_idle_s if older_than_s is None else older_than_s)
        while self._idle and self._idle[0].idle_since <= limit:
            self._idle[0].close()

    def close(self) -> None:
        """End connecting and idle connections; calls under way go on, and none of theirs is kept."""
        self._closed = True
        for task in self._connecting:
            task.cancel()
        self.close_idle(older_than_s=-1)
