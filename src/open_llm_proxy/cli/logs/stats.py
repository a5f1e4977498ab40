"""``logs stats``: how much, how fast, at what cost, and what broke."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from open_llm_proxy.cli.logs.options import FromDirOption, FromOption, SinceOption, StoreOption, ToOption
from open_llm_proxy.cli.output import warn


def stats(  # noqa: PLR0917 - Typer makes options of parameters
    since: SinceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    by: Annotated[str, typer.Option("--by", metavar="day|app|model|provider", help="A row each.")] = "day",
    form: Annotated[str, typer.Option("--format", metavar="table|json|csv", help="How they are printed.")] = "table",
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write a report with charts, one self-contained file.")
    ] = None,
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> None:
    """Show calls, errors, tokens, cost, and latency percentiles of the last 7 days; --html writes a report."""
    from open_llm_proxy.cli.logs.conversation_file import write_file  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.cli.logs.period import window_or_default  # noqa: PLC0415 - as above
    from open_llm_proxy.cli.logs.stats_view import show_stats  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.export import report  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.source import sources_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.stats import gather_stats, parse_by  # noqa: PLC0415 - as above

    group = parse_by(by)
    sources = sources_of(from_dir, store, os.environ)
    found = gather_stats(sources, window_or_default(since, start, end))
    show_stats(found, group, form)
    if not found.total.calls:
        warn(f"no call in {', '.join(source.url for source in sources)}; a wider window: --since 30d")
    if html is not None:
        write_file(html, report.render(found, datetime.now(UTC)))
