"""``logs sql``: questions in SQL, one after another."""

import os
import sys

from open_llm_proxy.cli.logs.options import FromDirOption, FromOption, SinceOption, StoreOption, ToOption


def sql(
    since: SinceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> int:
    """Ask in SQL, at a prompt; or what comes by a pipe."""
    from rich.console import Console  # noqa: PLC0415 - not for `--help`

    from open_llm_proxy.cli.logs.period import window_of  # noqa: PLC0415 - as above
    from open_llm_proxy.cli.logs.sql_prompt import (  # noqa: PLC0415 - as above
        history_file,
        make_session,
        run_prompt,
        run_script,
    )
    from open_llm_proxy.logs.query import LiveViews  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.source import sources_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.window import ALL  # noqa: PLC0415 - as above

    views = LiveViews(sources_of(from_dir, store, os.environ), window_of(since, start, end) or ALL)
    if not sys.stdin.isatty():
        return run_script(views.connection, sys.stdin.read())
    session = make_session(views.connection, history_file(os.environ))
    return run_prompt(views, session, Console(highlight=False, emoji=False, markup=False))
