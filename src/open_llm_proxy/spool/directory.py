"""Where a spool keeps what, and who may touch it: a folder a worker start, a lock a writer, one ``serve`` a spool.

::

    <spool>/lock                  held by the one serve
    <spool>/frames/<random>/lock  held by the writer while it lives
    <spool>/frames/<random>/…     its segments
    <spool>/parts/                chunk files that the recorder is writing
    <spool>/outbox/YYYY-MM-DD/…   chunk files that wait for the store, in the store's layout

Files are 0600 in folders 0700: frames hold unscrubbed text.
"""

import contextlib
import fcntl
import os
import re
import secrets
import socket
import time
from pathlib import Path
from typing import Final

from open_llm_proxy.errors import UserError

LOCK: Final = "lock"
_RETRY_S: Final = 0.1
_DIRECTORY: Final = re.compile(r"[0-9a-f]{16}")
_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600


def frames_root(spool: Path) -> Path:
    """The folder of all writers' directories."""
    return spool / "frames"


def parts_root(spool: Path) -> Path:
    """The folder of chunk files that are being written; what a killed recorder left there is made again."""
    return spool / "parts"


def outbox_root(spool: Path) -> Path:
    """The folder of chunk files that wait for the store."""
    return spool / "outbox"


def make_folder(path: Path) -> None:
    """A private folder, with the folders above it.

    Raises:
        OSError: It cannot be made.
    """
    if not path.is_dir():
        path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Bring names that were made or removed in a folder to the disk.

    Raises:
        OSError: That failed.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class WriterDirectory:
    """A fresh directory with a random name, locked until ``release``.

    It gets its name only once it is locked, so that nobody takes it for one whose writer is gone.

    Raises:
        OSError: The spool cannot be written.
    """

    def __init__(self, spool: Path) -> None:
        self.name = secrets.token_hex(8)
        root = frames_root(spool)
        self.path = root / self.name
        begun = root / f"new-{self.name}"
        make_folder(root)
        begun.mkdir(mode=_FOLDER_MODE)
        self._fd = _open_lock(begun / LOCK)
        try:
            _try_lock(self._fd)
            begun.rename(self.path)
        except OSError:
            os.close(self._fd)
            raise

    def release(self) -> None:
        """Leave the directory to the recorder; one without segments goes."""
        remove_if_read(self.path)
        os.close(self._fd)


class DeadDirectory:
    """A directory whose writer is gone, locked by its heir."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, path: Path) -> "DeadDirectory | None":
        """Lock a directory; None: its writer lives, or it is gone meanwhile."""
        try:
            fd = _open_lock(path / LOCK)
        except FileNotFoundError:
            return None
        if _try_lock(fd):
            return cls(fd)
        os.close(fd)
        return None

    def release(self) -> None:
        """Give the lock up."""
        os.close(self._fd)


def list_directories(spool: Path) -> list[Path]:
    """The writers' directories, oldest first; empty where the spool has none or cannot be read."""
    try:
        entries = [entry for entry in os.scandir(frames_root(spool)) if _DIRECTORY.fullmatch(entry.name)]
        return [Path(entry.path) for entry in sorted(entries, key=_made_ns)]
    except OSError:
        return []


def _made_ns(entry: "os.DirEntry[str]") -> int:
    try:
        return os.stat(os.path.join(entry.path, LOCK)).st_mtime_ns  # noqa: PTH116,PTH118 - ten times as quick as Path
    except OSError:
        return 0


def remove_if_read(path: Path) -> bool:
    """Remove a directory that holds nothing but its lock; whether it is gone."""
    try:
        if os.listdir(path) not in ([LOCK], []):  # noqa: PTH208 - names are all that is wanted
            return False
        (path / LOCK).unlink(missing_ok=True)
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def remove_unfinished(spool: Path, older_than_s: float = 60) -> None:
    """Remove directories whose writer died before they had their name; they hold nothing."""
    for path in frames_root(spool).glob("new-*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > older_than_s:
                remove_if_read(path)


def measure(spool: Path) -> dict[str, int]:
    """Bytes of segments by directory name; what cannot be read counts nothing."""
    return {path.name: _bytes_in(path) for path in list_directories(spool)}


def _bytes_in(folder: Path) -> int:
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # the recorder removes what it has read while we look; the others count
                size += entry.stat().st_size
    return size


class SpoolLock:
    """One ``serve`` a spool (and, under another name, one recorder)."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def acquire(cls, spool: Path, *, wait_s: float = 30, name: str = LOCK) -> "SpoolLock":
        """Lock ``spool``, made if need be, waiting for a predecessor to end (a rolling restart may overlap).

        Raises:
            UserError: The folder cannot be written, or another ``serve`` keeps it.
        """
        try:
            make_folder(spool)
            fd = _open_lock(spool / name)
        except OSError as error:
            raise UserError(
                f"The spool folder {spool} cannot be written: {error.strerror}", "Set SPOOL_DIR to a folder that can be"
            ) from error
        deadline = time.monotonic() + wait_s
        while not _try_lock(fd):
            if time.monotonic() >= deadline:
                holder = _read_holder(fd)
                os.close(fd)
                raise UserError(
                    f"The spool folder {spool} is in use by another `open-llm-proxy serve`{holder}",
                    "Stop that one, or set SPOOL_DIR to another folder",
                )
            time.sleep(_RETRY_S)
        with contextlib.suppress(OSError):  # only for the message above: a full disk is no reason not to start
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"pid {os.getpid()} on {socket.gethostname()}".encode(), 0)
        return cls(fd)

    def release(self) -> None:
        """Give the spool up."""
        os.close(self._fd)


def _read_holder(fd: int) -> str:
    holder = os.pread(fd, 300, 0).decode("utf-8", "replace")
    return f" ({holder})" if holder else ""
