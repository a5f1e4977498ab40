"""``logs init``: the bucket that the proxy's chunk files go to."""

import os
from pathlib import Path
from typing import Annotated

import typer

from open_llm_proxy.cli.output import show, warn
from open_llm_proxy.cli.serve import ConfigOption
from open_llm_proxy.errors import UserError

_REMEDY = "Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and LOG_BUCKET, or LOG_STORE, or LOG_DIR, or give --store URL"


def init(
    store: Annotated[
        str | None, typer.Option("--store", metavar="URL", help="s3://BUCKET, file:///FOLDER; else as `serve` has it.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Create the bucket or folder that chunk files go to, unless it is there."""
    from open_llm_proxy.config.load import Flags, load  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.store.bucket import create_bucket  # noqa: PLC0415 - as above
    from open_llm_proxy.store.connect import StoreOptions  # noqa: PLC0415 - as above

    environ = {**os.environ, "LOG_STORE": store} if store and "://" in store else os.environ
    loaded = load(Flags(config=config), environ, cwd=Path.cwd())
    for warning in loaded.warnings:
        if "AWS_" in warning or "LOG_" in warning:  # the others are for who serves
            warn(warning)
    settings = loaded.snapshot.store
    place = store if environ is os.environ and store else settings.url or settings.folder
    if settings.refused and place is None:
        raise UserError(settings.refused)
    if place is None:
        raise UserError("No store is configured, so records go to stdout only", _REMEDY)
    show(f"{place} {create_bucket(place, StoreOptions.of(settings))}")
