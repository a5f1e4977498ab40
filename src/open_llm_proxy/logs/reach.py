"""From what a person names to a ``Tail``; and what the proxies on this machine have not put anywhere yet."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from open_llm_proxy.answers.answer import Object
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
    spools = find_spools(spool, environ, everywhere=not _is_named(from_dir, store, environ))
    oldest = f"{datetime.now(UTC) - BACK:%Y-%m-%d}"
    context = context_of_environment(environ, cwd)
    feeds = feeds_of(sources, spools, context, oldest=oldest, say=say)
    return ", ".join([*map(str, spools), *(source.url for source in sources)]), Tail(feeds, wanted)


def read_unshipped(
    from_dir: str | None,
    store: str | None,
    environ: Mapping[str, str],
    *,
    cwd: Path,
    say: Callable[[str], None],
) -> list[Object]:
    """The records that this machine's proxies have not put where they are read; arguments as ``open_tail`` has them."""
    spools = find_spools(None, environ, everywhere=not _is_named(from_dir, store, environ))
    feeds = feeds_of([], spools, context_of_environment(environ, cwd), say=say) if spools else []
    return [record for feed in feeds for batch in feed.history() for record in batch.load()]


def _is_named(from_dir: str | None, store: str | None, environ: Mapping[str, str]) -> bool:
    """Whether a reader named a place: then a proxy on this machine need not be the one that writes there."""
    return bool(from_dir or store or environ.get("LOGS_BUCKET") or environ.get("LOGS_DIR"))
