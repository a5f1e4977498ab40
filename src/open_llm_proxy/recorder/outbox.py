"""Finished chunk files that wait for the store, in the store's layout below ``<spool>/outbox``.

A file here was synced and renamed in; its segments are deleted after that, and only then it may be shipped. So what is
here says, after any crash, which segments are done.
"""

import contextlib
import os
import threading
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from open_llm_proxy.spool.directory import frames_root, make_folder, outbox_root, sync_folder
from open_llm_proxy.spool.segment import SegmentName
from open_llm_proxy.store.layout import Chunk, parse_chunk

_TIMESTAMP: Final = slice(len('{"timestamp":"'), len('{"timestamp":"2026-11-24T00:00:00.000000Z'))


class Waiting(NamedTuple):
    """A file in the outbox. ``oldest_ns`` is the Unix time of its oldest record; 0: not known."""

    key: str
    path: Path
    size: int
    oldest_ns: int


class Outbox:
    """Shared by the recorder, which adds, and the shipping thread, which takes away.

    ``size`` is the files' bytes together, ``added`` counts those that came in.
    """

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._root = outbox_root(spool)
        self._lock = threading.Lock()
        self._files = {waiting.key: waiting for waiting in self._scan()}
        self.size = sum(waiting.size for waiting in self._files.values())
        self.added = 0

    def _scan(self) -> list[Waiting]:
        found = [
            Waiting(str(path.relative_to(self._root)), path, path.stat().st_size, _oldest_ns(path))
            for path in self._root.rglob("*")
            if path.is_file()
        ]
        return sorted(found)

    # --- the recorder's side -------------------------------------------------------------------------------------

    def add(self, key: str, part: Path, oldest_ns: int) -> None:
        """Move the finished, synced file ``part`` in under ``key``.

        Raises:
            OSError: The file is still where it was; or it is here, and would not be after a power cut.
        """
        path = self._root / key
        size = part.stat().st_size
        with self._lock:
            make_folder(path.parent)
            part.rename(path)
            replaced = self._files.pop(key, None)
            self._files[key] = Waiting(key, path, size, oldest_ns)
            self.size += size - (replaced.size if replaced else 0)
            self.added += 1
        sync_folder(path.parent)

    def covered(self, directory: str, name: SegmentName) -> int | None:
        """Up to which byte a segment's records are here: 0 none of them, None: all."""
        reach = 0
        for chunk in self._chunks():
            if chunk.directory != directory or chunk.day != name.day or chunk.first is None or chunk.last is None:
                continue
            if chunk.first <= name.number <= chunk.last:
                if name.number < chunk.last or chunk.end is None:
                    return None
                reach = max(reach, chunk.end)
        return reach

    def _chunks(self) -> list[Chunk]:
        with self._lock:
            keys = list(self._files)
        return [chunk for key in keys if (chunk := parse_chunk(key)) is not None]

    # --- the shipping thread's side ------------------------------------------------------------------------------

    def next_ready(self, skip: Collection[str] = ()) -> Waiting | None:
        """The oldest file that may be shipped (its segments are all deleted) and is not in ``skip``; None: none."""
        with self._lock:
            files = list(self._files.values())
        names: dict[str, list[SegmentName]] = {}
        return next((file for file in files if file.key not in skip and self._is_ready(file.key, names)), None)

    def _is_ready(self, key: str, names: dict[str, list[SegmentName]]) -> bool:
        chunk = parse_chunk(key)
        if chunk is None or chunk.directory is None or chunk.first is None or chunk.last is None:
            return True
        if chunk.directory not in names:
            names[chunk.directory] = _segments(frames_root(self._spool) / chunk.directory)
        return not any(
            name.day == chunk.day and chunk.first <= name.number <= chunk.last for name in names[chunk.directory]
        )

    def remove(self, waiting: Waiting) -> None:
        """The store has confirmed it.

        Raises:
            OSError: The file cannot be deleted; it will be shipped again, under the same name.
        """
        waiting.path.unlink(missing_ok=True)
        with self._lock:
            removed = self._files.pop(waiting.key, None)
            self.size -= removed.size if removed else 0
            with contextlib.suppress(OSError):  # another file is in it
                waiting.path.parent.rmdir()

    # --- gauges --------------------------------------------------------------------------------------------------

    def totals(self) -> tuple[int, int, int]:
        """Files, their bytes, and the Unix time of the oldest record (0: none)."""
        with self._lock:
            files = list(self._files.values())
        oldest = min((waiting.oldest_ns for waiting in files if waiting.oldest_ns), default=0)
        return len(files), self.size, oldest


def _segments(folder: Path) -> list[SegmentName]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are all that is wanted
    except FileNotFoundError:
        return []
    return [name for text in names if (name := SegmentName.parse(text)) is not None]


def _oldest_ns(path: Path) -> int:
    """The time of a chunk file's first record: they are nearly in order."""
    with path.open("rb") as file:
        line = file.read(_TIMESTAMP.stop)
    try:
        return int(datetime.fromisoformat(line[_TIMESTAMP].decode()).timestamp() * 1e9)
    except ValueError:
        return 0
