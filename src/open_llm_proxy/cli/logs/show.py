"""``logs show``: one conversation, for reading."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from open_llm_proxy.cli.logs.options import FromDirOption, FromOption, OutputOption, SinceOption, StoreOption, ToOption
from open_llm_proxy.cli.output import warn


def show(  # noqa: PLR0917 - Typer makes options of parameters
    wanted: Annotated[
        str, typer.Argument(metavar="SESSION|REQUEST|last", help="A session's or call's id, or how it begins.")
    ],
    form: Annotated[
        str | None, typer.Option("--format", metavar="text|markdown|html|json", help="Else by FILE's ending; or text.")
    ] = None,
    output: OutputOption = None,
    full: Annotated[bool, typer.Option("--full", help="Reasoning, prompts and tool results whole.")] = False,
    since: SinceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> None:
    """Show one conversation as a person reads it: in the terminal, as Markdown, one HTML page or JSON."""
    from open_llm_proxy.cli.logs.conversation_file import form_of, write_conversation  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.cli.logs.period import window_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.reach import read_unshipped  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.show import find_conversation  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.source import sources_of  # noqa: PLC0415 - as above

    chosen = form_of(form, output)
    window = window_of(since, start, end)
    sources = sources_of(from_dir, store, os.environ)
    unshipped = read_unshipped(from_dir, store, os.environ, cwd=Path.cwd(), say=warn)
    found = find_conversation(wanted, sources, window, now=datetime.now(UTC), unshipped=unshipped)
    write_conversation(found, chosen, output, unfold=full)
