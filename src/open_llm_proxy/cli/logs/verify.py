"""``logs verify``: what is wrong with stored records."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from open_llm_proxy.cli.logs.options import FromDirOption, FromOption, SinceOption, StoreOption, ToOption
from open_llm_proxy.errors import EXIT_FINDINGS, EXIT_OK, UserError

if TYPE_CHECKING:  # heavy
    from open_llm_proxy.logs.stored import Source
    from open_llm_proxy.logs.verify.run import Verified


def verify(  # noqa: PLR0917 - Typer makes options of parameters
    since: SinceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    form: Annotated[str, typer.Option("--format", metavar="table|json", help="How findings are printed.")] = "table",
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> int:
    """Check records of the last 7 days: pairs, doubles, torn lines, schema drift, secrets, tables; 1: findings."""
    from open_llm_proxy.cli.logs.period import window_or_default  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.cli.logs.verify_view import check_form, show_verified, watching  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.source import sources_of  # noqa: PLC0415 - as above
    from open_llm_proxy.logs.verify.run import verify as check  # noqa: PLC0415 - as above
    from open_llm_proxy.records.scrub import Scrubber  # noqa: PLC0415 - as above

    check_form(form)
    window, now = window_or_default(since, start, end), datetime.now(UTC)
    scrubber = Scrubber(_known_secrets())
    found: list[tuple[Source, Verified]] = []
    for source in sources_of(from_dir, store, os.environ):
        with watching() as watch:
            found.append((source, check(source, window, scrubber, now, watch=watch)))
    show_verified(found, form)
    return EXIT_FINDINGS if any(verified.findings for _, verified in found) else EXIT_OK


def _known_secrets() -> tuple[str, ...]:
    """The keys of the proxy's configuration, where there is one: a reader's machine needs none."""
    from open_llm_proxy.config.load import Flags, load  # noqa: PLC0415 - not for `--help`

    try:
        return load(Flags(), os.environ, cwd=Path.cwd()).snapshot.secrets
    except UserError:
        return ()
