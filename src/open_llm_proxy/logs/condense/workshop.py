"""Where a job works: a temporary folder of its own, which goes with it; what a killed run left is removed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from open_llm_proxy.errors import UserError

PREFIX: Final = "open-llm-proxy-condense-"
_LOCK: Final = "lock"


@contextmanager
def open_workshop(parent: Path | None = None) -> Generator[Path]:
    """A folder for as long as the block takes, below ``parent`` (``$TMPDIR``).

    Raises:
        UserError: None can be made there.
    """
    root = parent or Path(tempfile.gettempdir())
    sweep(root)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UserError(
            f"No temporary folder can be made in {root}: {error.strerror}", "Set TMPDIR to a disk with room"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(root: Path) -> list[Path]:
    """Remove the folders of runs that have ended without doing so: their locks are free."""
    stale = [folder for folder in root.glob(f"{PREFIX}*") if _is_left(folder)]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return stale


def _is_left(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False  # somebody is just making it, or removing it
    except OSError:
        return False  # another user's
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(lock)
