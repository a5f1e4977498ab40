"""``logs tail``: the last calls, and with ``-f`` those that come."""

import os
from pathlib import Path
from typing import Annotated

import typer

from open_llm_proxy.cli.logs.options import ErrorsOption, FromDirOption, ModelOption, OriginOption, StoreOption
from open_llm_proxy.cli.output import warn

EXIT_INTERRUPTED = 130


def tail(  # noqa: PLR0917 - Typer makes options of parameters
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with calls as they are answered.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=0, help="Calls to begin with.")] = 10,
    origin: OriginOption = None,
    model: ModelOption = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="Only of this session: its id or key, or a beginning.")
    ] = None,
    errors: ErrorsOption = False,
    form: Annotated[str, typer.Option("--format", metavar="line|json", help="A line a call, or its records.")] = "line",
    from_dir: FromDirOption = None,
    store: StoreOption = None,
    spool: Annotated[
        str | None, typer.Option("--spool", metavar="DIR", help="A proxy's spool; else $SPOOL_DIR, this user's.")
    ] = None,
) -> int | None:
    """Show the last calls, newest last; -f goes on with those that come."""
    from open_llm_proxy.cli.logs.call_lines import CallWriter  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.logs.call_filter import CallFilter  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.reach import open_tail  # noqa: PLC0415 - as above

    writer = CallWriter(form)
    try:
        wanted = CallFilter(origin=origin, model=model, session=session, errors=errors)
        place, found = open_tail(wanted, from_dir, store, spool, os.environ, cwd=Path.cwd(), say=warn)
        writer.write(found.recent(lines, unanswered=not follow))
        if not writer.written:
            warn(f"no such call in {place} in the last 7 days" if lines else f"following {place}")
        while follow and writer.wait():
            writer.write(found.poll())
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return None
