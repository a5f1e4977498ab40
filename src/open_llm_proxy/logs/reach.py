"""From what a person names to a ``Tail``: folders, buckets, and the spools of proxies on this machine."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from open_llm_proxy.logs.call_filter import CallFilter
from open_llm_proxy.logs.source import sources_of
from open_llm_proxy.logs.spools import context_of_environment, feeds_of, find_spools
from open_llm_proxy.logs.tail import Tail

BACK: Final = timedelta(days=7)
"""So far back the last calls are looked for."""


def open_tail(
    wanted: CallFilter,
    from_dir: str | None,
    store: str | None,
    spool: str | None,
    environ: Mapping[str, str],
    *,
    cwd: Path,
    say: Callable[[str], None],
) -> tuple[str, Tail]:
    """The places' names, for messages, and their tail.

    Args:
        wanted: Which calls are wanted.
        from_dir: ``--from-dir``.
        store: ``--store``.
        spool: ``--spool``.
        environ: The variables.
        cwd: What relative paths start at; absolute.
        say: Told of what cannot be read.

    Raises:
        UserError: A flag or variable is wrong.
    """
    sources = sources_of(from_dir, store, environ)
    named = from_dir is not None or store is not None
    spools = find_spools(spool, environ, everywhere=not named and not _has_own_place(environ))
    oldest = f"{datetime.now(UTC) - BACK:%Y-%m-%d}"
    context = context_of_environment(environ, cwd)
    feeds = feeds_of(sources, spools, context, oldest=oldest, say=say)
    return ", ".join([*map(str, spools), *(source.url for source in sources)]), Tail(feeds, wanted)


def _has_own_place(environ: Mapping[str, str]) -> bool:
    """Whether the readers' own variables name a place: then a proxy on this machine need not be its."""
    return bool(environ.get("LOGS_BUCKET") or environ.get("LOGS_DIR"))
