"""Somebody who makes calls with the official clients, one after the other, and notes what came of each."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import anthropic
import httpx
import openai
from tests.parts.proxy import KEY
from tests.soak.said import BROKEN, ERROR, SHOWN, Said

CALLS_A_CLIENT: Final = 60
"""After so many the clients are closed and new ones made: connections come and go."""
LARGEST: Final = 300_000
"""Characters of the largest question."""


class Person:
    """Uses the proxy at ``url``; what becomes of the calls is appended to ``said``."""

    openai: openai.AsyncOpenAI
    anthropic: anthropic.AsyncAnthropic
    http: httpx.AsyncClient
    now: Said
    base_url: str

    def __init__(self, name: str, url: str, said: list[Said], rng: random.Random) -> None:
        self._name, self._url, self._said, self.rng = name, url, said, rng
        self._numbers = itertools.count(1)

    async def live(self, kinds: Mapping[str, Any], ended: asyncio.Event, pause_s: float) -> None:
        """Make calls of the ``kinds`` (rows with ``share`` and ``make``) with pauses between, until it is time to end."""
        shares = [row.share for row in kinds.values()]
        batch = self.rng.sample(list(kinds), len(kinds))  # each at least once
        while not ended.is_set():
            async with contextlib.AsyncExitStack() as stack:
                await self._open(stack)
                for kind in batch:
                    if ended.is_set():
                        break
                    await self._call(kind, kinds[kind].make)
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(ended.wait(), self.rng.uniform(0, 2 * pause_s))
            batch = self.rng.choices(list(kinds), shares, k=CALLS_A_CLIENT)

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        base_url = f"{self._url}/v1"
        settings: dict[str, Any] = {"api_key": KEY, "max_retries": 0, "timeout": 30}
        self.openai = await stack.enter_async_context(openai.AsyncOpenAI(base_url=base_url, **settings))
        self.anthropic = await stack.enter_async_context(anthropic.AsyncAnthropic(base_url=self._url, **settings))
        self.base_url = base_url
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        self.http = await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, headers=headers, timeout=30))

    async def _call(self, kind: str, make: Callable[["Person", str], Any]) -> None:
        try:
            await make(self, kind)
        except (openai.APIStatusError, anthropic.APIStatusError) as error:
            self.now.begun(error.response.headers, error.status_code)
            self.now.end = ERROR
        except (openai.APIError, anthropic.APIError, httpx.HTTPError):
            self.now.end = BROKEN

    def begin(self, kind: str, question: str | None = None, **more: Any) -> dict[str, str]:
        """Note that a call begins; the headers by which its record is known."""
        shown = question[:SHOWN] if question else None
        self.now = Said(kind, f"{kind} {self._name}-{next(self._numbers)}", shown, **more)
        self._said.append(self.now)
        return {"x-request-id": self.now.tag}

    def ask(self, length: int = 0) -> str:
        """A question that nobody asked before, so many characters longer than it must be."""
        return f"{self._name} asks {self.rng.getrandbits(64):x} {'q' * length}"

    def length(self) -> int:
        return self.rng.randint(1000, LARGEST)
