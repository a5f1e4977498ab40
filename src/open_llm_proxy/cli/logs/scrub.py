"""``logs scrub``: secrets out of records that are stored already."""

import os
from pathlib import Path
from typing import Annotated

import typer

from open_llm_proxy.cli.output import show, warn
from open_llm_proxy.cli.serve import ConfigOption
from open_llm_proxy.errors import EXIT_FINDINGS, EXIT_OK


def scrub(
    place: Annotated[
        str, typer.Argument(metavar="PATH|URL", help="A file, a folder, or s3://BUCKET with or without a prefix.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be redacted, change nothing.")] = False,
    config: ConfigOption = None,
) -> int:
    """Take secrets out of stored chunk files and Parquet files, as the recorder does of new ones."""
    from open_llm_proxy.config.load import Flags, load  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.logs.scrubbing import ScrubbedFile, Scrubbing, summarise  # noqa: PLC0415 - as above
    from open_llm_proxy.records.scrub import Scrubber  # noqa: PLC0415 - as above

    snapshot = load(Flags(config=config), os.environ, cwd=Path.cwd()).snapshot
    files: list[ScrubbedFile] = []
    for file in Scrubbing(place, os.environ, Scrubber(snapshot.secrets)).run(dry_run=dry_run):
        files.append(file)
        if file.problem:
            warn(f"{file.key} is left as it is: {file.problem}")
        elif file.records:
            show(str(file))
    show(summarise(files, dry_run=dry_run))
    return EXIT_FINDINGS if any(file.problem or (dry_run and file.records) for file in files) else EXIT_OK
