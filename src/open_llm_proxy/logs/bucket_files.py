"""Buckets as a file system of Python's, which DuckDB reads through: no extension, and the same credentials as ours."""

import io
import time
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import obstore
from fsspec import AbstractFileSystem  # pyright: ignore[reportMissingTypeStubs] - fsspec has none
from obstore.exceptions import PreconditionError

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.bucket import Bucket

if TYPE_CHECKING:  # for the annotation only
    from obstore import GetOptions

READ_BYTES: Final = 256 << 10
"""The least that is fetched at once: a Parquet file's footer comes with its length."""

KNOWN_S: Final = 10.0
"""How long what the store said of a file is taken for true: DuckDB asks a dozen times before it reads."""


class BucketFiles(AbstractFileSystem):
    """The buckets of one URL scheme, to be read only; a file's path is its URL."""

    cachable = False

    def __init__(self, scheme: str, buckets: Iterable[Bucket]) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - untyped
        self.protocol = scheme
        self._known: dict[str, tuple[float, int, dict[str, Any]]] = {}
        self._buckets = {bucket.name: bucket for bucket in buckets}

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return path  # URLs throughout: DuckDB shows them in `filename` and in its errors

    def unstrip_protocol(self, name: str) -> str:
        """The URL, as it is."""
        return name

    def _open(self, path: str, mode: str = "rb", *_: Any, **__: Any) -> Any:
        if mode != "rb":
            raise io.UnsupportedOperation(f"{path} can be read only")
        bucket, key = self._find(path)
        known = self.info(path)
        return BucketFile(bucket, key, known["size"], known["etag"])

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size and kind of a file.

        Raises:
            FileNotFoundError: There is none.
        """
        bucket, key = self._find(path)
        asked_at, generation, known = self._known.get(path, (0.0, 0, {}))
        if known and generation == bucket.generation and time.monotonic() - asked_at < KNOWN_S:
            return known
        with bucket.answering():
            found = obstore.head(bucket.root, key)
        told: dict[str, Any] = {
            "name": path,
            "size": found["size"],
            "type": "file",
            "etag": found["e_tag"],
            "modified": _version(found["e_tag"]) or found["last_modified"],
        }
        self._known[path] = time.monotonic(), bucket.generation, told
        return told

    def size(self, path: str) -> int:
        """A file's size in bytes."""
        return self.info(path)["size"]

    def modified(self, path: str) -> datetime:
        """A time that is another whenever the content is: DuckDB's cache goes by it, in whole seconds."""
        return self.info(path)["modified"]

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Files and folders right below a folder."""
        bucket, key = self._find(path)
        root = f"{self.protocol}://{bucket.name}/"
        folders, files = bucket.level(bucket.root, key)
        entries = [{"name": root + name, "size": 0, "type": "directory"} for name in folders]
        entries += [{"name": root + name, "size": size, "type": "file"} for name, size in files]
        return entries if detail else [entry["name"] for entry in entries]

    def _find(self, path: str) -> tuple[Bucket, str]:
        parts = urlsplit(path, allow_fragments=False)
        if parts.netloc not in self._buckets:
            raise FileNotFoundError(f"{path} is in no bucket that was named; there is {', '.join(self._buckets)}")
        return self._buckets[parts.netloc], path.split(f"{parts.netloc}/", 1)[-1]


def _version(etag: str | None) -> datetime | None:
    """A time made of what tells one content from another; long ago, as DuckDB trusts no cache of what is new."""
    return None if etag is None else datetime.fromtimestamp(zlib.crc32(etag.encode()) >> 2, UTC)


class BucketFile(io.RawIOBase):
    """A stored file, read by ranges: what DuckDB asks for, a little more where that is little.

    Raises:
        FileNotFoundError: On reading: the content with this ``etag`` is no longer there.
    """

    def __init__(self, bucket: Bucket, key: str, size: int, etag: str | None = None) -> None:
        super().__init__()
        self._bucket = bucket
        self._key = key
        self._size = size
        self._etag = etag
        self._at = 0
        self._start = 0
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Let the next read begin there."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        end = self._size if size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            return b""
        if not (self._start <= self._at and end <= self._start + len(self._held)):
            self._fetch(self._at, end)
        piece = bytes(self._held[self._at - self._start : end - self._start])
        self._at = end
        return piece

    def _fetch(self, start: int, end: int) -> None:
        end = min(max(end, start + READ_BYTES), self._size)
        self._start = max(min(start, end - READ_BYTES), 0)
        wanted: GetOptions = {"range": (self._start, end), "if_match": self._etag}
        try:
            with self._bucket.answering():
                found = obstore.get(self._bucket.root, self._key, options=wanted)
                self._held = memoryview(found.bytes().to_bytes())
        except UserError as error:
            if not isinstance(error.__cause__, PreconditionError):
                raise
            self._bucket.expire()
            raise FileNotFoundError(f"{self._key} was replaced while it was read") from error
