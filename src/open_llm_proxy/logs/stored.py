"""What the readers need of a place with stored files: a folder and a bucket alike."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple


class Stored(NamedTuple):
    """A stored file. ``modified`` is in UTC; ``etag`` changes with the content, None: the place knows none."""

    key: str
    size: int
    modified: datetime
    etag: str | None


class Source(ABC):
    """A place that holds the stored layout (``store.layout``); keys are the names below its root.

    Whatever the place refuses is a ``UserError`` that says which variable to set.
    """

    url: str
    """The place, as a person would name it: an absolute path, or ``s3://bucket/prefix``."""

    @abstractmethod
    def list(self, prefix: str = "", *, after: str = "") -> list[Stored]:
        """The files below ``prefix``, all levels, sorted by key; a prefix ends with ``/`` (or is empty).

        ``after``: only keys that sort behind this; a bucket begins its listing there.
        """

    @abstractmethod
    def folders(self, prefix: str = "") -> tuple[str, ...]:
        """The names of the folders right below ``prefix``, sorted; cheap, whatever they hold."""

    @abstractmethod
    def read(self, key: str) -> bytes:
        """A file's bytes.

        Raises:
            FileNotFoundError: There is none.
        """

    @abstractmethod
    def write(self, key: str, data: bytes | Path) -> None:
        """Put a file in place, whole: a reader sees the old one or the new one. ``Path``: a local file's content."""

    @abstractmethod
    def copy_out(self, key: str, path: Path) -> None:
        """Write a file's content to a local file, piece by piece.

        Raises:
            FileNotFoundError: There is none.
        """

    @abstractmethod
    def delete(self, keys: Iterable[str]) -> None:
        """Remove files; one that is not there is no error."""

    @abstractmethod
    def path(self, key: str) -> str:
        """What DuckDB is given for a file, in a connection of ``engine.connect`` with this source."""
