"""``check --live``: what each provider answers, and whether the store takes, lists and deletes an object."""

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any, Final

import obstore
from obstore.store import ObjectStore

from open_llm_proxy.config.snapshot import Snapshot, StoreSettings
from open_llm_proxy.errors import UserError
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.http1.tls import make_client_context
from open_llm_proxy.proxy.application import SWEEP_S, ProxyApplication
from open_llm_proxy.proxy.endpoints.models import ModelLists, model_list
from open_llm_proxy.proxy.setup import Setup
from open_llm_proxy.serve.check import Finding
from open_llm_proxy.store.connect import StoreOptions, connect
from open_llm_proxy.store.faults import diagnose
from open_llm_proxy.telemetry.scoreboard import Scoreboard

STORE_TIMEOUT_S: Final = 10.0


def check_live(snapshot: Snapshot) -> list[Finding]:
    """A finding a provider, one or more of the store."""
    return [*asyncio.run(ask_providers(snapshot)), *try_store(snapshot.store)]


async def ask_providers(snapshot: Snapshot) -> list[Finding]:
    """What each provider's model list answers, asked side by side; one without its key is not asked."""
    loop = asyncio.get_running_loop()
    board, _ = Scoreboard.create(1)
    app = ProxyApplication(
        loop,
        Setup(snapshot, make_client_context(snapshot.config.ca_file)),
        append=lambda _header, _pieces, _total: None,
        turn=Turn(loop, lambda: None, lambda _: None),
        counters=board.slot(0),
        board=board,
        report=lambda _: None,
    )
    lists = ModelLists(app)
    asked: asyncio.Future[None] = loop.create_future()
    lists.fetch(lambda: asked.set_result(None), refresh=True)
    while not asked.done():
        await asyncio.wait([asked], timeout=SWEEP_S)
        app.sweep()
    app.close()
    told: dict[str, dict[str, Any]] = model_list(lists)["providers"]
    return [_provider(snapshot, name, answer) for name, answer in told.items()]


def _provider(snapshot: Snapshot, name: str, answer: dict[str, Any]) -> Finding:
    variable = snapshot.config.providers[name].api_key_env
    if variable is not None and name not in snapshot.provider_keys:
        return Finding(f"{name}: not asked, {variable} is not set")
    if "error" in answer:
        return Finding(f"{name}: {answer['error']}", good=False)
    return Finding(f"{name}: answers; {answer['count']} models of its list go there")


def try_store(settings: StoreSettings) -> Iterator[Finding]:
    """Put an object where chunk files go, look for it and take it away again: which of these rights is there."""
    place = settings.url or settings.folder
    if place is None:
        yield Finding(f"store: {settings.refused or 'none, so records go to stdout only'}", good=not settings.refused)
        return
    try:
        store = connect(place, StoreOptions.of(settings, timeout_s=STORE_TIMEOUT_S))
    except UserError as error:
        yield Finding(f"store: {error}", good=False)
        return
    yield from _try_rights(store, place)


def _try_rights(store: ObjectStore, place: str) -> Iterator[Finding]:
    key = f"open-llm-proxy-check-{uuid.uuid4().hex}"
    if (refusal := _refusal_to_put(store, key, place)) is not None:
        yield Finding(f"store: does not take objects: {refusal}", good=False)
        return
    yield Finding(f"store: {place} takes objects")
    try:
        page = obstore.list_with_delimiter(store)  # pyright: ignore[reportUnknownMemberType] - an overload names pyarrow
        listed = key in [entry["path"] for entry in page["objects"]]
    except Exception as error:  # noqa: BLE001 - obstore's errors have several bases, Exception itself among them
        yield Finding(f"store: takes objects, but does not list them: {diagnose(error)}", good=False)
    else:
        yield Finding(f"store: {'lists' if listed else 'does not list'} them", good=listed)
    try:
        obstore.delete(store, key)
    except Exception as error:  # noqa: BLE001 - as above
        yield Finding(f"store: takes objects, but does not delete {key}: {diagnose(error)}", good=False)
    else:
        yield Finding("store: deletes them")


def _refusal_to_put(store: ObjectStore, key: str, place: str) -> str | None:
    try:
        obstore.put(store, key, b"open-llm-proxy check\n", use_multipart=False)
    except Exception as error:  # noqa: BLE001 - as above
        return f"{place}: {diagnose(error)}"
    return None
