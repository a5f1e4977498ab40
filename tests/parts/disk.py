"""A small disk of its own, which root may mount. Where mounting isn't permitted, the test is skipped.

A tmpfs can be full. An ext4 in a file can turn read-only under its writers, as the kernel does at an error of a disk:
files that are open for writing keep anybody from remounting it that way.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._filler.open("ab", buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    size = size if file.write(bytes(size)) == size else size // 2
                except OSError:
                    size //= 2

    def empty(self) -> None:
        """Give the room back."""
        self._filler.unlink()

    def set_writable(self, *, writable: bool) -> None:
        _mount("-o", f"remount,{'rw' if writable else 'ro'}", str(self.path))


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """A disk for as long as the block takes."""
    path.mkdir()
    try:
        _mount("-t", "tmpfs", "-o", f"size={size_bytes},mode=0700", "tmpfs", str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a tmpfs cannot be mounted here: {error}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


class FailingDisk:
    """A mounted one; ``fail``: nothing can be written any more, what was synced can be read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self) -> None:
        _mount("-o", "remount,abort", str(self.path))


@contextmanager
def failing_disk(path: Path, size_bytes: int) -> Iterator[FailingDisk]:
    """A disk for as long as the block takes."""
    image = path.with_suffix(".img")
    path.mkdir()
    try:
        with image.open("wb") as file:
            file.truncate(size_bytes)
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
        _mount("-o", "loop,errors=remount-ro", str(image), str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"an ext4 cannot be mounted here: {error}")
    try:
        yield FailingDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)
