"""A folder with stored files."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.stored import Source, Stored

PART: Final = ".part"
"""What a file's name ends in while it is being written; such files are not listed."""


class Folder(Source):
    """A folder on this machine; it need not be there to be read (it is empty then)."""

    def __init__(self, folder: Path | str) -> None:
        self._root = Path(folder).expanduser().absolute()
        self.url = str(self._root)

    def list(self, prefix: str = "", *, after: str = "") -> list[Stored]:
        """As ``Source.list``."""
        return sorted(file for file in self._walk(self._root / prefix) if file.key > after)

    def folders(self, prefix: str = "") -> tuple[str, ...]:
        """As ``Source.folders``."""
        try:
            with os.scandir(self._root / prefix) as entries:
                return tuple(sorted(entry.name for entry in entries if entry.is_dir()))
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise _refused(error) from error

    def read(self, key: str) -> bytes:
        """As ``Source.read``."""
        return (self._root / key).read_bytes()

    def write(self, key: str, data: bytes | Path) -> None:
        """As ``Source.write``: a temporary name beside it, synced, renamed, the folder synced; rights stay."""
        target = self._root / key
        part = target.with_name(f"{target.name}.{secrets.token_hex(4)}{PART}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_synced(part, data)
            with contextlib.suppress(FileNotFoundError):
                shutil.copymode(target, part)  # who could not read the old one cannot read the new one
            part.replace(target)
            _sync(target.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise _refused(error) from error

    def copy_out(self, key: str, path: Path) -> None:
        """As ``Source.copy_out``."""
        shutil.copyfile(self._root / key, path)

    def delete(self, keys: Iterable[str]) -> None:
        """As ``Source.delete``; a folder that is empty then goes, too."""
        folders: set[Path] = set()
        for key in keys:
            target = self._root / key
            target.unlink(missing_ok=True)
            folders.add(target.parent)
        for folder in folders - {self._root}:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def path(self, key: str) -> str:
        """As ``Source.path``: the absolute path."""
        return str(self._root / key)

    def _walk(self, folder: Path) -> Iterator[Stored]:
        for parent, _, names in os.walk(folder, onerror=_raise_unless_missing):
            for name in names:
                if name.endswith(PART):
                    continue
                path = Path(parent, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue  # a running proxy or condense took it away
                modified = datetime.fromtimestamp(stat.st_mtime, UTC)
                yield Stored(path.relative_to(self._root).as_posix(), stat.st_size, modified, None)


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise _refused(error) from error


def _refused(error: OSError) -> UserError:
    return UserError(f"{error.filename} cannot be used: {error.strerror}", "Check the folder's owner and rights")


def _write_synced(path: Path, data: bytes | Path) -> None:
    with path.open("xb") as file:
        if isinstance(data, Path):
            with data.open("rb") as given:
                shutil.copyfileobj(given, file, 1 << 20)
        else:
            file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
