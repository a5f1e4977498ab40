"""``logs query``: one question in SQL."""

import os
import sys
from typing import Annotated

import typer

from open_llm_proxy.cli.logs.options import (
    FormOption,
    FromDirOption,
    FromOption,
    OutputOption,
    SinceOption,
    StoreOption,
    ToOption,
)


def query(  # noqa: PLR0917 - Typer makes options of parameters
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="Over records, turns, sessions, system_prompts; -: from stdin.")
    ],
    form: FormOption = None,
    output: OutputOption = None,
    since: SinceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> None:
    """Answer a question in SQL over what was recorded."""
    from open_llm_proxy.cli.logs.answer_view import show_answer  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.cli.logs.period import window_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.export.rows import form_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.query import answering, ask, open_views  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.source import sources_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.window import ALL  # noqa: PLC0415 - as above

    chosen = form_of(form, output)
    asked = sys.stdin.read() if sql == "-" else sql
    connection = open_views(sources_of(from_dir, store, os.environ), window_of(since, start, end) or ALL, asked)
    with answering(connection):
        rows = ask(connection, asked)
        if rows is not None:
            show_answer(rows, chosen, output)
