"""Names to addresses, with the last good answer kept.

Cluster DNS fails now and then (EAI_AGAIN); a name that resolved once must not become a 502 for that.
"""

import socket
from asyncio import AbstractEventLoop
from typing import Final

FRESH_S: Final = 30.0


class Resolver:
    """One a worker; ``resolve`` gives the addresses to try, in order."""

    def __init__(self, loop: AbstractEventLoop, fresh_s: float = FRESH_S) -> None:
        self._loop = loop
        self._fresh_s = fresh_s
        self._known: dict[tuple[str, int], tuple[float, list[str]]] = {}
        self.fallbacks = 0

    async def resolve(self, host: str, port: int) -> list[str]:
        """Numeric addresses of ``host``.

        Raises:
            OSError: It never resolved and does not now (``socket.gaierror``).
        """
        known = self._known.get((host, port))
        if known and self._loop.time() - known[0] < self._fresh_s:
            return known[1]
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            if known is None:
                raise
            self.fallbacks += 1
            return known[1]
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        self._known[host, port] = (self._loop.time(), addresses)
        return addresses
