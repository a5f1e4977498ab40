"""Writeback under pressure: a process that dirties pages for as long as it lives. ``python -m bench.pressure FILE``."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from bench.accounts import Dirt
from bench.processes import RigError, kill_family, start_quiet

_BLOCK = 4 << 20
_FILE_BLOCKS = 512  # 2 GB, over and over
_BLOCKS_A_S = 100  # 400 MB/s; the disk takes what it can, the rest stays dirty


def write_for_ever(file: Path) -> None:
    """Overwrite a file again and again, and have it written back now and then."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # the disk is to be busy, not the load's core
    block = os.urandom(_BLOCK)
    fd = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
    start = time.monotonic()
    number = 0
    while True:
        os.pwrite(fd, block, number % _FILE_BLOCKS * _BLOCK)
        number += 1
        if number % 128 == 0:
            os.fdatasync(fd)
        time.sleep(max(0.0, start + number / _BLOCKS_A_S - time.monotonic()))


class DirtWatch:
    """The most dirt that was seen, looked at ten times a second."""

    def __init__(self) -> None:
        self.worst = Dirt.read()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._end.wait(0.1):
            now = Dirt.read()
            self.worst = Dirt(
                max(self.worst.dirty_bytes, now.dirty_bytes), max(self.worst.writeback_bytes, now.writeback_bytes)
            )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


@contextmanager
def under_pressure(folder: Path) -> Iterator[DirtWatch]:
    """Keep a writer at work in the folder, and watch the dirt.

    Raises:
        RigError: the writer ended by itself.
    """
    file = folder / "pressure"
    process = start_quiet([sys.executable, "-m", "bench.pressure", str(file)])
    try:
        time.sleep(2)  # let dirt gather
        with DirtWatch() as watch:
            yield watch
        if process.poll() is not None:
            raise RigError("the writer that makes pressure ended")
    finally:
        kill_family(process)
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]))
