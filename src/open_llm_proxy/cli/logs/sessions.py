"""``logs sessions``: what was asked, newest first."""

import os
from typing import Annotated

import typer

from open_llm_proxy.cli.logs.options import (
    ErrorsOption,
    FormOption,
    FromDirOption,
    FromOption,
    ModelOption,
    OriginOption,
    OutputOption,
    SinceOption,
    StoreOption,
    ToOption,
)


def sessions(  # noqa: PLR0917 - Typer makes options of parameters
    since: SinceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    origin: OriginOption = None,
    model: ModelOption = None,
    errors: ErrorsOption = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="No more than so many.")] = 50,
    form: FormOption = None,
    output: OutputOption = None,
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> None:
    """List the sessions of the last 7 days, newest first: question, app, model, turns, tokens, cost, status."""
    from open_llm_proxy.cli.logs.period import window_or_default  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.cli.logs.session_table import show_sessions  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.export.rows import form_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.session_list import select_sessions  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.source import sources_of  # noqa: PLC0415 - as above

    chosen = form_of(form, output)
    sources = sources_of(from_dir, store, os.environ)
    window = window_or_default(since, start, end)
    with select_sessions(sources, window, origin=origin, model=model, errors=errors, limit=limit) as rows:
        show_sessions(rows, chosen, output, limit=limit, place=", ".join(source.url for source in sources))
