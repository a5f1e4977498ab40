"""``GET /v1/models``: what may be asked for, from every provider's own list, kept only where the router agrees."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.http1.head import ResponseHead
from open_llm_proxy.proxy import attempts

if TYPE_CHECKING:
    from open_llm_proxy.http1.pool import Pool
    from open_llm_proxy.http1.upstream import UpstreamConnection
    from open_llm_proxy.proxy.application import ProxyApplication
    from open_llm_proxy.proxy.providers import ReadyProvider

LIST_BYTES: Final = 16 << 20


class Listed(msgspec.Struct):
    """One entry of a provider's list; what else it says is not ours to repeat."""

    id: str
    owned_by: str | None = None


class _List(msgspec.Struct):
    data: list[msgspec.Raw]


_decode_list = msgspec.json.Decoder(_List).decode
_decode_entry = msgspec.json.Decoder(Listed).decode


def read_list(body: bytes) -> list[Listed]:
    """The entries of a model list (OpenAI's and Anthropic's form are alike here); odd ones are passed over.

    Raises:
        ValueError: There is no list (``msgspec.DecodeError`` is one).
    """
    entries: list[Listed] = []
    for raw in _decode_list(body).data:
        try:
            entries.append(_decode_entry(raw))
        except msgspec.ValidationError:
            continue
    return entries


class Fetch:
    """One provider's list being asked for: waiter and receiver of one upstream call."""

    def __init__(self, app: "ProxyApplication", provider: "ReadyProvider", done: Callable[[], None]) -> None:
        self.provider = provider
        self.listed: list[Listed] | None = None
        self.error: str | None = None
        self._done = done
        self._status = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._tries = 0
        self._finished = False
        self._upstream: UpstreamConnection | None = None
        self._on_error = app.on_error
        self._pool: Pool = app.pool(provider.models_origin)
        timeout_s = app.setup.snapshot.models_fetch_timeout_s
        self._timer = app.loop.call_later(timeout_s, self._on_timeout, timeout_s)

    def start(self) -> None:
        """Ask."""
        self._tries += 1
        idle = self._pool.take_idle()
        if idle is None:
            self._pool.wait(self)
        else:
            self.on_connection(idle)

    def on_connection(self, connection: "UpstreamConnection") -> None:
        """The pool's callback."""
        self._upstream = connection
        connection.send(self, self.provider.models_request(), b"")

    def on_connect_failed(self, error: Exception) -> None:
        """The pool's callback."""
        self._end(attempts.explain(error, self.provider.name).message)

    def on_response(self, head: ResponseHead, length: int | None, pieces: list[bytes], done: bool) -> None:  # noqa: ARG002 - only the status counts
        """The list's head has come."""
        self._status = head.status
        self.on_body(pieces, done)

    def on_whole(self, head: ResponseHead, body: bytes) -> None:
        """The list came in one piece."""
        self.on_response(head, len(body), [body], done=True)

    def on_body(self, pieces: list[bytes], done: bool) -> None:
        """More of the list has come."""
        self._pieces += pieces
        self._size += sum(map(len, pieces))
        if done:
            self._upstream = None
            self._read()
        elif self._size > LIST_BYTES:
            self._cancel()
            self._end(f"the model list is longer than {LIST_BYTES} bytes")

    def on_chunk(self, piece: bytes, chunk: bytes) -> None:  # noqa: ARG002 - its framing is not passed on
        """More of the list has come."""
        self.on_body([piece], done=False)

    def _read(self) -> None:
        if self._status != 200:
            self._end(f"the model list answered {self._status}")
            return
        try:
            self.listed = read_list(b"".join(self._pieces))
        except (ValueError, RecursionError) as error:
            self._end(f"the model list is not readable: {error}")
            return
        self._end(None)

    def on_failed(self, error: Exception, retryable: bool) -> None:
        """The connection broke."""
        self._upstream = None
        if retryable and self._tries < attempts.ATTEMPTS:
            self.start()
        else:
            message = error.message if isinstance(error, UpstreamProtocolError) else str(error)
            self._end(message)

    def on_fault(self, error: Exception) -> None:
        """A fault of ours: the list is not to be had."""
        self._on_error(error)
        self._cancel()
        self._end(f"the model list could not be taken in: {error}")

    def _on_timeout(self, timeout_s: float) -> None:
        self._cancel()
        self._end(f"no model list within {timeout_s:g} s")

    def _cancel(self) -> None:
        self._pool.forsake(self)
        if self._upstream is not None:
            self._upstream.cancel()
            self._upstream = None

    def _end(self, error: str | None) -> None:
        if self._finished:
            return
        self._finished = True
        self._timer.cancel()
        self.error = error
        self._done()


class ModelLists:
    """The last good list of each provider; asked again when older than ``MODELS_CACHE_TTL``."""

    def __init__(self, app: "ProxyApplication") -> None:
        self.app = app
        self.fetched_at: float | None = None
        self.good: dict[str, list[Listed]] = {}
        self.errors: dict[str, str] = {}
        self._fetched_monotonic: float | None = None
        self._outdated = False
        self._fetches: list[Fetch] = []
        self._waiting: list[Callable[[], None]] = []
        self._left = 0

    def reload(self) -> None:
        """The configuration changed: ask again next time; lists of providers that are gone are forgotten."""
        self._fetched_monotonic = None
        self._outdated = bool(self._left)
        providers = self.app.setup.providers
        self.good = {name: listed for name, listed in self.good.items() if name in providers}
        self.errors = {}

    def fetch(self, then: Callable[[], None], *, refresh: bool) -> None:
        """Call ``then`` once the lists are fresh, or have been asked for in vain; callers share one round."""
        ttl_s = self.app.setup.snapshot.models_cache_ttl_s
        fetched = self._fetched_monotonic
        if not self._left and not refresh and fetched is not None and self.app.loop.time() - fetched < ttl_s:
            then()
            return
        self._waiting.append(then)
        if self._left:
            return
        self._fetches = [
            Fetch(self.app, provider, self._one_done)
            for provider in self.app.setup.providers.values()
            if not provider.key_missing
        ]
        self._left = len(self._fetches) + 1
        for fetch in self._fetches:
            fetch.start()
        self._one_done()

    def _one_done(self) -> None:
        self._left -= 1
        if self._left:
            return
        self.errors = {
            name: f"{name.upper()} API key not configured on server"
            for name, provider in self.app.setup.providers.items()
            if provider.key_missing
        }
        for fetch in self._fetches:
            if fetch.listed is not None:
                self.good[fetch.provider.name] = fetch.listed
            else:
                self.errors[fetch.provider.name] = fetch.error or "no model list"
        self._fetches = []
        self.fetched_at = time.time()
        self._fetched_monotonic = None if self._outdated else self.app.loop.time()
        self._outdated = False
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()


def model_list(lists: ModelLists) -> dict[str, Any]:
    """The answer: ``data``, and for each provider where its part comes from (``ok``, ``stale``, ``declared``)."""
    setup = lists.app.setup
    data: list[dict[str, str]] = []
    providers: dict[str, dict[str, Any]] = {}
    for name, provider in setup.providers.items():
        settings = provider.settings
        good = lists.good.get(name)
        listed = good if good is not None else [Listed(model) for model in settings.models]
        routed: dict[str, Listed] = {}
        for entry in listed:
            route = setup.router.route(entry.id)
            if route is not None and route.provider == name:
                routed.setdefault(entry.id, entry)
        data += [
            {"id": entry.id, "object": "model", "owned_by": entry.owned_by or name, "provider": name}
            for entry in routed.values()
        ]
        error = lists.errors.get(name)
        status = "declared" if good is None else "ok" if error is None else "stale"
        prefixes = settings.models if settings.model_prefixes is None else settings.model_prefixes
        providers[name] = {"status": status, "count": len(routed), "prefixes": list(prefixes)}
        if error is not None:
            providers[name]["error"] = error
    fetched_at = datetime.fromtimestamp(lists.fetched_at or time.time(), UTC)
    return {
        "object": "list",
        "data": data,
        "providers": providers,
        "fetched_at": fetched_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
