"""Where proxies of this machine keep what is in no chunk file yet, and how records are made of it."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from open_llm_proxy.config.load import Flags, load
from open_llm_proxy.config.location import spool_folder
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.chunk_feed import ChunkFeed
from open_llm_proxy.logs.feed import Feed
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.spool_feed import SpoolFeed
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.tier_feed import TierFeed
from open_llm_proxy.records.build import Context
from open_llm_proxy.records.context import context_of
from open_llm_proxy.spool.directory import frames_root, outbox_root

FOLDER_S = 0.5
BUCKET_S = 3.0
"""So often, at most, a folder and a bucket are asked for new files."""


def find_spools(named: str | None, environ: Mapping[str, str], *, everywhere: bool) -> list[Path]:
    """The spools to read.

    Args:
        named: ``--spool``, else the variable ``SPOOL_DIR`` counts.
        environ: The variables.
        everywhere: Without either, all spools in the user's state folder.
    """
    reader = Reader(environ, cwd=Path.cwd(), below={}, below_path="")
    if named or reader.folder("SPOOL_DIR"):
        return [Path(named).expanduser() if named else Path(spool_folder(reader, 0))]
    if not everywhere:
        return []
    root = Path(spool_folder(reader, 0)).parent
    return [path for path in sorted(root.glob("*")) if frames_root(path).is_dir()]


def context_of_environment(environ: Mapping[str, str], cwd: Path) -> Context:
    """How a proxy would make records here, with the keys that it would know; the defaults where it would not start."""
    try:
        snapshot = load(Flags(), environ, cwd=cwd).snapshot
    except UserError:
        return Context()
    return context_of(snapshot.log, snapshot.secrets)


def feeds_of(
    sources: Iterable[Source],
    spools: Iterable[Path],
    context: Context,
    *,
    oldest: str = "",
    say: Callable[[str], None],
) -> list[Feed]:
    """Feeds for each place, in the order in which records move.

    Args:
        sources: Folders and buckets.
        spools: Spool folders.
        context: How records are made of frames.
        oldest: The first day, ``YYYY-MM-DD``, that is read; of condensed days none is without it.
        say: Told of what cannot be read now.
    """
    feeds: list[Feed] = []
    for spool in spools:
        feeds.append(SpoolFeed(spool, context, say))
        if os.access(outbox_root(spool), os.R_OK | os.X_OK):
            feeds.append(ChunkFeed(Folder(outbox_root(spool)), every_day=True, say=say))
    for source in sources:
        interval_s = BUCKET_S if isinstance(source, Bucket) else FOLDER_S
        feeds.append(ChunkFeed(source, oldest=oldest, interval_s=interval_s, say=say))
        feeds += [TierFeed(source, oldest)] if oldest else []
    return feeds
