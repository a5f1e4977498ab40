"""``check``: config and environment, and where each model goes."""

import os
from collections.abc import Sequence
from pathlib import Path

from open_llm_proxy.config.load import Flags, load
from open_llm_proxy.config.schema import Provider, resolve_default_provider
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.errors import EXIT_OK, EXIT_USAGE
from open_llm_proxy.proxy.routing import Router
from open_llm_proxy.telemetry import diagnostics


def run_check(flags: Flags, models: Sequence[str], *, live: bool) -> int:
    """Print a line a model; 2 when one of those asked for goes nowhere."""
    loaded = load(flags, os.environ, cwd=Path.cwd())
    for warning in loaded.warnings:
        diagnostics.say("warning", warning)
    config = loaded.snapshot.config
    router = Router(config.providers, resolve_default_provider(config))
    wanted = models or [model for provider in config.providers.values() for model in provider.models]
    status = EXIT_OK
    for model in wanted:
        route = router.route(model)
        if route is None:
            print(f"{model} -> nobody; served: {router.describe_served()}")  # noqa: T201 - what the command is for
            status = EXIT_USAGE
        else:
            note = thinking_note(model, config.providers[route.provider])
            print(f"{model} -> {route.provider} ({route.why}){note}")  # noqa: T201
    return max(status, check_live(loaded.snapshot)) if live else status


def thinking_note(model: str, provider: Provider) -> str:
    """What an edit would drop of what a caller asks for."""
    return "" if model in provider.thinking_models else "; enable_thinking is dropped"


def check_live(snapshot: Snapshot) -> int:
    """Ask every provider for its model list and try the store; 2 when one fails."""
    from open_llm_proxy.serve.live import ask_providers, try_store  # noqa: PLC0415 - brings the engine along

    status = EXIT_OK
    for name, told, good in ask_providers(snapshot):
        print(f"{name}: {told}")  # noqa: T201
        status = status if good else EXIT_USAGE
    told, good = try_store(snapshot)
    print(f"store: {told}")  # noqa: T201
    return status if good else EXIT_USAGE
