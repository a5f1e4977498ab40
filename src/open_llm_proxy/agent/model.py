"""The model behind the proxy: one call at a time, with the official client, whose own retries are off.

A call is made once more after a 5xx or a broken connection, never after a 4xx or a time-out: a call is paid.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self
from urllib.parse import urlsplit

from open_llm_proxy.agent.deltas import Assembly
from open_llm_proxy.agent.events import Delta, OnEvent, Retried, ignore
from open_llm_proxy.agent.exits import ModelError
from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, whole
from open_llm_proxy.agent.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RETRY_PAUSE_S: Final = 1.0
RETRY_AFTER_MAX_S: Final = 10.0
COMES_BACK_S: Final = 15.0
POLL_S: Final = 0.2
QUOTED_CHARACTERS: Final = 1000
REQUEST_ID: Final = "x-llm-request-id"


@dataclass
class Completion:
    """An answer of the model: ``value`` is a ``chat.completion`` as JSON (one that was streamed, put together)."""

    value: Object
    request_id: str | None = None
    latency_ms: int = 0
    ttft_ms: int | None = None
    attempts: int = 1

    @property
    def choice(self) -> Object:
        """The first choice."""
        return as_object(next(iter(as_list(self.value.get("choices"))), None))


class Model(Protocol):
    """Who answers: what a ``Session`` needs of a model."""

    async def complete(self, body: Object, on_event: OnEvent = ignore) -> Completion:
        """Answer a chat completion's body.

        Raises:
            ModelError: There is no answer.
        """
        ...


class ProxyModel:
    """A ``Model`` that is asked through the proxy. Use it as an asynchronous context manager."""

    def __init__(self, settings: Settings) -> None:
        import openai  # noqa: PLC0415 - it takes half a second, and not every command needs it

        self._openai: Any = openai
        self._settings = settings
        self._broken = (openai.APIConnectionError, *_transport_errors())
        self._was_there = False
        headers = {"X-Client": settings.client} | ({"Origin": settings.origin} if settings.origin else {})
        self._client = openai.AsyncOpenAI(
            base_url=settings.proxy_url,
            api_key=settings.api_key,
            default_headers=headers,
            max_retries=0,
            timeout=settings.llm_timeout_s + 5,  # ours comes first: it is for the whole answer
        )
        # Reading this attribute imports half of the client: not during the first call, whose time is measured.
        self._completions: Any = self._client.chat.completions

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def complete(self, body: Object, on_event: OnEvent = ignore) -> Completion:
        """As the protocol has it; the one retry is said."""
        begun = time.monotonic()
        try:
            completion = await self._attempt(body, on_event)
        except self._openai.OpenAIError as error:
            pause = self._pause(error)
            if pause is None:
                raise self._as_model_error(error) from error
            on_event(Retried(self._as_model_error(error).args[0]))
            await pause()
            try:
                completion = await self._attempt(body, on_event)
            except self._openai.OpenAIError as second:
                raise self._as_model_error(second) from second
            completion.attempts = 2
        completion.latency_ms = _ms_since(begun)
        return completion

    async def _attempt(self, body: Object, on_event: OnEvent) -> Completion:
        limit_s = self._settings.llm_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await (self._stream(body, on_event) if self._settings.stream else self._plain(body))
        except (TimeoutError, self._openai.APITimeoutError) as error:
            raise ModelError(f"the model gave no answer within {limit_s:g} s") from error
        except self._broken as error:
            if isinstance(error, self._openai.OpenAIError):
                raise
            raise _broken_off(self._openai, error) from error

    async def _plain(self, body: Object) -> Completion:
        raw = await self._create(body)
        self._was_there = True
        text, request_id = raw.http_response.text, raw.headers.get(REQUEST_ID)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"the answer is no JSON: {text[:QUOTED_CHARACTERS]!r}", request_id) from error
        return Completion(_checked(value, request_id), request_id)

    async def _stream(self, body: Object, on_event: OnEvent) -> Completion:
        begun = time.monotonic()
        raw = await self._create({**body, "stream_options": {"include_usage": True}}, stream=True)
        self._was_there = True
        assembly, ttft_ms = Assembly(), None
        async for chunk in raw.parse():
            text, reasoning = assembly.add(chunk.model_dump(exclude_unset=True, warnings=False))
            if text or reasoning:
                ttft_ms = _ms_since(begun) if ttft_ms is None else ttft_ms
                on_event(Delta(text, reasoning))
        request_id = raw.headers.get(REQUEST_ID)
        if not assembly.finished and not assembly.completion().get("error"):
            raise _broken_off(self._openai, "the stream ended before the answer did")
        return Completion(_checked(assembly.completion(), request_id), request_id, ttft_ms=ttft_ms)

    async def _create(self, body: Object, *, stream: bool = False) -> Any:
        """The raw answer. What is ours to say goes as it is: the client's signature differs between its versions."""
        rest = {key: value for key, value in body.items() if key not in {"model", "messages"}}
        create: Any = self._completions.with_raw_response.create
        return await create(model=body["model"], messages=body["messages"], stream=stream, extra_body=rest)

    def _pause(self, error: Any) -> "Callable[[], Awaitable[None]] | None":
        """How to wait before the call is made once more; None where it is not."""
        if isinstance(error, self._openai.APIStatusError):
            if error.status_code < 500:
                return None
            seconds = _number(error.response.headers.get("retry-after"), RETRY_PAUSE_S)
            return lambda: asyncio.sleep(min(seconds, RETRY_AFTER_MAX_S))
        if isinstance(error, self._broken) and self._was_there:
            return self._until_it_listens
        if isinstance(error, self._broken):
            return lambda: asyncio.sleep(RETRY_PAUSE_S)
        if isinstance(error, self._openai.APIError) and not _is_of_the_client(error):  # an error event in a stream
            return lambda: asyncio.sleep(RETRY_PAUSE_S)
        return None

    async def _until_it_listens(self) -> None:
        """Wait for a proxy that was there a moment ago and may be starting again."""
        parts = urlsplit(self._settings.proxy_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        end = time.monotonic() + COMES_BACK_S
        while time.monotonic() < end:
            await asyncio.sleep(POLL_S)
            try:
                _, writer = await asyncio.open_connection(parts.hostname, port)
            except OSError:
                continue
            writer.close()
            return

    def _as_model_error(self, error: Any) -> ModelError:
        response = getattr(error, "response", None)
        request_id = response.headers.get(REQUEST_ID) if response is not None else None
        if isinstance(error, self._openai.APIStatusError):
            return ModelError(f"the proxy answered {error.status_code}: {_message(error)}", request_id)
        if isinstance(error, self._openai.APIConnectionError):
            cause = error.__cause__
            why = f" ({cause})" if cause and str(cause) else ""
            return ModelError(f"no answer from {self._settings.proxy_url}: {error}{why}", request_id)
        return ModelError(f"the model failed: {_message(error)}", request_id)


def _transport_errors() -> tuple[type[Exception], ...]:
    """What a connection that breaks during a stream raises: the client does not make it an error of its own.

    Which of the two HTTP libraries the client stands on depends on its version.
    """
    found: list[type[Exception]] = []
    for name in ("httpx", "httpx2"):
        try:
            found.append(import_module(name).TransportError)
        except ModuleNotFoundError:
            continue
    return tuple(found)


def _broken_off(openai: Any, why: object) -> Any:
    return openai.APIConnectionError(message=f"the connection broke: {why}", request=None)


def _checked(value: Any, request_id: str | None) -> Object:
    """An answer that has a choice; a 200 may hold an error instead."""
    answer = as_object(whole(value))
    if answer.get("error"):
        error = as_object(answer["error"])
        raise ModelError(f"the model failed: {error.get('message') or json.dumps(answer['error'])}", request_id)
    if not as_object(next(iter(as_list(answer.get("choices"))), None)):
        raise ModelError(f"the answer has no choices: {json.dumps(value)[:QUOTED_CHARACTERS]}", request_id)
    return answer


def _message(error: Any) -> str:
    body = as_object(error.body)
    return str(body.get("message") or as_object(body.get("error")).get("message") or error.message)[:QUOTED_CHARACTERS]


def _is_of_the_client(error: Any) -> bool:
    """Whether an error event carries a 4xx as its code."""
    return str(error.code or "").startswith("4")


def _number(text: str | None, default: float) -> float:
    try:
        return float(text) if text is not None else default
    except ValueError:  # a date
        return default


def _ms_since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
