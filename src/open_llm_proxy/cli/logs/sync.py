"""``logs sync``: stored files from one place to another."""

import os
from typing import Annotated

import typer

from open_llm_proxy.cli.output import show
from open_llm_proxy.errors import EXIT_FINDINGS, EXIT_OK


def sync(
    place_from: Annotated[
        str, typer.Argument(metavar="[FROM]", help="Folder, s3://BUCKET/PREFIX, store: (what `logs` reads), rustfs:.")
    ] = "store:",
    place_to: Annotated[
        str, typer.Argument(metavar="[TO]", help="The same; rustfs: is the store of RUSTFS_*.")
    ] = "rustfs:",
    prune: Annotated[bool, typer.Option("--prune", help="Delete in TO what both sides have condensed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")] = False,
) -> int:
    """Copy what has changed, raw and Parquet files, between any two of folder and bucket."""
    from open_llm_proxy.cli.logs.sync_view import show_outcome, watching  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.logs.mirror import open_from, open_to  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.sync import sync as copy  # noqa: PLC0415 - as above

    source, target = open_from(place_from, os.environ), open_to(place_to, os.environ)
    if source is None or target is None:
        show("no second store is named (RUSTFS_ENDPOINT, RUSTFS_KEY, RUSTFS_SECRET, RUSTFS_BUCKET): nothing to do")
        return EXIT_OK
    with watching() as watch:
        outcome = copy(source, target, prune=prune, dry_run=dry_run, watch=watch)
    show_outcome(outcome, source, target, dry_run=dry_run)
    return EXIT_FINDINGS if outcome.failed else EXIT_OK
