"""``logs sync``: one source's files into another, whole files only, what has changed; it never takes from the first.

Raw chunk files never change under their names, so size tells. Parquet files are replaced in place: where sizes are the
same the content's hashes are compared if both sides have one, else the times at which they were written.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, NamedTuple

from open_llm_proxy.errors import OpenLlmProxyError
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.holdings import is_ours, place_of
from open_llm_proxy.logs.prune import find_prunable
from open_llm_proxy.logs.stored import Source, Stored

TRANSFERS: Final = 8
_MD5: Final = re.compile(r"[0-9a-f]{32}")


class Advance(NamedTuple):
    """How far it is: bytes of how many, and the file that has just come over."""

    done_bytes: int
    total_bytes: int
    key: str


class Failure(NamedTuple):
    """A file that did not come over, and why."""

    key: str
    why: str


class Outcome(NamedTuple):
    """What came of it; of a dry run, what would have. ``gone`` files were taken away meanwhile: condensed."""

    copied: list[str]
    copied_bytes: int
    unchanged: int
    gone: int
    pruned: list[str]
    failed: list[Failure]


def sync(
    source: Source,
    target: Source,
    *,
    prune: bool = False,
    dry_run: bool = False,
    watch: Callable[[Advance], None] = lambda _: None,
) -> Outcome:
    """Copy what ``target`` lacks or has older.

    Args:
        source: Read only.
        target: Where to.
        prune: Delete there what is condensed on both sides, unless something failed (``find_prunable``).
        dry_run: Say what would be done.
        watch: Told of each file that has come over.

    Raises:
        UserError: A side cannot be reached.
    """
    there = {file.key: file for file in target.list() if is_ours(file.key)}
    wanted = [file for file in source.list() if is_ours(file.key)]
    changed = [file for file in wanted if differs(source, file, target, there.get(file.key))]
    results = {} if dry_run else _copy_all(source, target, changed, watch)
    copied = [file for file in changed if results.get(file.key) is None]
    failed = [Failure(key, str(why)) for key, why in results.items() if not isinstance(why, FileNotFoundError | None)]
    gone = sum(isinstance(why, FileNotFoundError) for why in results.values())
    pruned = list[str]()
    if prune and not failed:
        pruned = find_prunable(source, target)
        if not dry_run:
            target.delete(pruned)
    size = sum(file.size for file in copied)
    return Outcome([file.key for file in copied], size, len(wanted) - len(changed), gone, pruned, failed)


def differs(source: Source, file: Stored, target: Source, other: Stored | None) -> bool:
    """Whether a file has to be copied over the one that is there."""
    if other is None or other.size != file.size:
        return True
    place = place_of(file.key)
    if place is None or place.table is None:
        return False
    mine, theirs = _hash(source, file), _hash(target, other)
    if mine is not None and theirs is not None:
        return mine != theirs
    return file.modified > other.modified


def _hash(source: Source, file: Stored) -> str | None:
    """The MD5 of a file, from its ETag or from the disk; None: not without reading it over the network."""
    if isinstance(source, Folder):
        with Path(source.path(file.key)).open("rb") as opened:
            return hashlib.file_digest(opened, "md5").hexdigest()
    etag = (file.etag or "").strip('"')
    return etag if _MD5.fullmatch(etag) else None


def _copy_all(
    source: Source, target: Source, files: Sequence[Stored], watch: Callable[[Advance], None]
) -> dict[str, Exception | None]:
    """Copy several at once; what went wrong with each."""
    total, done = sum(file.size for file in files), 0
    results: dict[str, Exception | None] = {}
    scratch = tempfile.TemporaryDirectory(prefix="open-llm-proxy-sync-")
    with scratch as name, ThreadPoolExecutor(TRANSFERS, "transfer") as pool:
        copies = {
            pool.submit(_copy, source, target, file, Path(name, str(number))): file for number, file in enumerate(files)
        }
        for copy in as_completed(copies):
            file = copies[copy]
            results[file.key] = copy.result()
            done += file.size
            watch(Advance(done, total, file.key))
    return results


def _copy(source: Source, target: Source, file: Stored, scratch: Path) -> Exception | None:
    """Copy one file by way of this machine; one that vanished was condensed: the next run has its tier."""
    try:
        if not isinstance(source, Folder):
            source.copy_out(file.key, scratch)
        target.write(file.key, Path(source.path(file.key)) if isinstance(source, Folder) else scratch)
    except (OpenLlmProxyError, OSError) as error:
        gone = isinstance(source, Folder) and not Path(source.path(file.key)).exists()
        return FileNotFoundError(file.key) if gone else error
    finally:
        scratch.unlink(missing_ok=True)
    return None
