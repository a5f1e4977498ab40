"""``logs condense``: the nightly job."""

import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from open_llm_proxy.cli.logs.options import FromDirOption, StoreOption
from open_llm_proxy.errors import EXIT_FINDINGS, EXIT_OK


def condense(  # noqa: PLR0917 - Typer makes options of parameters
    date: Annotated[str | None, typer.Option("--date", metavar="DAY", help="Only this UTC day, also today's.")] = None,
    month: Annotated[str | None, typer.Option("--month", metavar="MONTH", help="Only this month: 2026-11.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All days with raw files, today's too.")] = False,
    monthly: Annotated[bool, typer.Option("--monthly", help="Only months that are over, and their days.")] = False,
    keep_raw: Annotated[bool, typer.Option("--keep-raw", help="Leave the raw chunk files where they are.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")] = False,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="Only part I (from 0) of N, side by side.")
    ] = "0/1",
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> int:
    """Make Parquet files of raw chunk files, for days that are over and then months; late records are merged."""
    from open_llm_proxy.cli.logs.condense_view import show_plan, watching  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.logs.condense.plan import Shard, select  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.condense.run import condense as run  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.condense.run import preview  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.mirror import open_one  # noqa: PLC0415 - as above

    source, part = open_one(from_dir, store, os.environ), Shard.parse(shard)
    selection = select(date, month, datetime.now(UTC), every=every, monthly=monthly)
    if dry_run:
        show_plan(preview(source, selection, part, keep_raw=keep_raw), source)
        return EXIT_OK
    with watching(source) as view:
        report = run(source, selection, part, keep_raw=keep_raw, watch=view.watch)
    view.end(report)
    return EXIT_FINDINGS if report.failed else EXIT_OK
