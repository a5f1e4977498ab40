"""``LOG_DIR``: a folder with the bucket's layout. A file appears whole or not at all, and stays through a power cut."""

import errno
import os
import shutil
from pathlib import Path

from open_llm_proxy.recorder.sinks import SinkError
from open_llm_proxy.spool.directory import sync_folder


class FolderSink:
    """Copies files into ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, path: Path) -> None:
        """Copy, sync, rename.

        Raises:
            SinkError: The folder cannot be written, or the disk is full.
        """
        target = self._root / key
        unfinished = target.with_name(f".{target.name}.unfinished")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source, unfinished.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
                copy.flush()
                os.fsync(copy.fileno())
            unfinished.rename(target)
            sync_folder(target.parent)
        except OSError as error:
            fault = "full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "other"
            raise SinkError(fault, f"the log folder {self._root} cannot be written: {error.strerror}") from error
