"""``check --live``: what each provider and the store answer now."""

import asyncio
import tempfile
import uuid
from pathlib import Path
from typing import Any

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.http1.tls import make_client_context
from open_llm_proxy.proxy.application import ProxyApplication
from open_llm_proxy.proxy.endpoints.models import ModelLists, model_list
from open_llm_proxy.proxy.setup import Setup
from open_llm_proxy.recorder.recorder import make_sink
from open_llm_proxy.telemetry.scoreboard import Scoreboard


def ask_providers(snapshot: Snapshot) -> list[tuple[str, str, bool]]:
    """``(provider, what it answered, whether that is good)`` for each provider."""
    return asyncio.run(_ask(snapshot))


async def _ask(snapshot: Snapshot) -> list[tuple[str, str, bool]]:
    loop = asyncio.get_running_loop()
    board, _ = Scoreboard.create(1)
    application = ProxyApplication(
        loop,
        Setup(snapshot, make_client_context(snapshot.config.ca_file)),
        append=lambda *_: None,
        turn=Turn(loop, lambda: None, lambda _: None),
        counters=board.slot(0),
        board=board,
        report=lambda _: None,
    )
    lists = ModelLists(application)
    asked: asyncio.Future[None] = loop.create_future()
    lists.fetch(lambda: asked.set_result(None), refresh=True)
    while not asked.done():
        application.sweep()
        application.turn.flush()
        await asyncio.wait([asked], timeout=0.05)
    application.close()
    found: dict[str, dict[str, Any]] = model_list(lists)["providers"]
    return [
        (name, told["error"] if "error" in told else f"{told['count']} models", "error" not in told)
        for name, told in found.items()
    ]


def try_store(snapshot: Snapshot) -> tuple[str, bool]:
    """Put an object where chunks go and take it away again."""
    sink = make_sink(snapshot)
    if sink is None:
        return snapshot.store.refused or "none: records go to stdout only", snapshot.store.refused is None
    name = f"check/{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "probe"
        probe.write_bytes(b"open-llm-proxy check\n")
        try:
            sink.put(probe, name)
        except Exception as error:  # noqa: BLE001 - a store's client raises many kinds
            return f"the {sink.describe()} takes no object: {error}", False
    try:
        sink.delete(name)
    except Exception as error:  # noqa: BLE001 - as above
        return f"the {sink.describe()} takes objects, but does not delete them: {error}", False
    return f"the {sink.describe()} takes and deletes objects", True
