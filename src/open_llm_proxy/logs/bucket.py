"""A bucket with stored files, by obstore; and DuckDB's way to them, so that no extension of its own is needed."""

import contextlib
import re
from collections.abc import Generator, Iterable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import obstore

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.stored import Source, Stored
from open_llm_proxy.store.connect import StoreOptions, connect
from open_llm_proxy.store.faults import Diagnosis, Fault, diagnose

if TYPE_CHECKING:  # for the annotation only
    from obstore.store import ObjectStore

_REMEDIES: Final[dict[Fault, str]] = {
    "unreachable": "Set LOGS_READ_ENDPOINT (or AWS_S3_ENDPOINT_URL) to an address of the store that can be reached from"
    " here; the default one exists only inside the cluster",
    "slow": "Try again, or set LOGS_READ_ENDPOINT to another address of the store",
    "throttled": "Try again in a while",
    "credentials": "Set LOGS_READ_KEY and LOGS_READ_SECRET (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) to a user"
    " that may do this, and LOGS_READ_ENDPOINT to that user's store",
    "bucket": "Set LOGS_BUCKET (or LOG_BUCKET, LOG_STORE, --store) to the bucket's name",
    "clock": "Set this machine's clock right",
    "full": "Ask the store's operator for room",
    "other": "Check LOGS_READ_ENDPOINT and LOGS_BUCKET",
}
_CERTIFICATE: Final = re.compile("certificate|UnknownIssuer", re.IGNORECASE)
_UNTRUSTED: Final = (
    "Set LOGS_CA_FILE (or AWS_CA_BUNDLE) to a PEM file with the authority that signed the store's certificate"
)


class Bucket(Source):
    """A bucket and a prefix in it: ``s3://bucket/prefix``, ``gs://…``, ``az://…``.

    Nothing is asked over the network before the first use.
    """

    def __init__(self, url: str, options: StoreOptions) -> None:
        parts = urlsplit(url)
        self.scheme = parts.scheme
        self.name = parts.netloc
        self.options = options
        self._prefix = unquote(parts.path).strip("/")
        self.url = f"{self.scheme}://{self.name}" + (f"/{self._prefix}" if self._prefix else "")
        self._store = connect(url, options)
        self.generation = 0
        self.root: ObjectStore = connect(f"{self.scheme}://{self.name}", options) if self._prefix else self._store

    def list(self, prefix: str = "", *, after: str = "") -> list[Stored]:
        """As ``Source.list``."""
        with self.answering():
            return sorted(
                Stored(one["path"], one["size"], one["last_modified"].astimezone(UTC), one["e_tag"])
                for page in obstore.list(  # pyright: ignore[reportUnknownMemberType] - Arrow's types are not installed
                    self._store, prefix=prefix.rstrip("/") or None, offset=after or None
                )
                for one in page
            )

    def folders(self, prefix: str = "") -> tuple[str, ...]:
        """As ``Source.folders``."""
        names, _ = self.level(self._store, prefix)
        return tuple(sorted(name.rpartition("/")[2] for name in names))

    def level(self, store: "ObjectStore", prefix: str) -> tuple[tuple[str, ...], tuple[tuple[str, int], ...]]:
        """Folders, and files with their sizes, right below a prefix."""
        with self.answering():
            found = obstore.list_with_delimiter(  # pyright: ignore[reportUnknownMemberType] - as above
                store, prefix=prefix.strip("/") or None
            )
        names = (name.rstrip("/") for name in found["common_prefixes"])
        return tuple(names), tuple((one["path"], one["size"]) for one in found["objects"])

    def read(self, key: str) -> bytes:
        """As ``Source.read``."""
        with self.answering():
            return obstore.get(self._store, key).bytes().to_bytes()

    def write(self, key: str, data: bytes | Path) -> None:
        """As ``Source.write``: one PUT, in parts where it is large; it shows when all of it is there."""
        self.expire()
        with self.answering():
            obstore.put(self._store, key, data)

    def copy_out(self, key: str, path: Path) -> None:
        """As ``Source.copy_out``."""
        with self.answering(), path.open("wb") as file:
            for piece in obstore.get(self._store, key).stream(min_chunk_size=8 << 20):
                file.write(piece)

    def delete(self, keys: Iterable[str]) -> None:
        """As ``Source.delete``."""
        self.expire()
        with self.answering():
            for key in keys:
                with contextlib.suppress(FileNotFoundError):
                    obstore.delete(self._store, key)

    def path(self, key: str) -> str:
        """As ``Source.path``: the file's URL."""
        return f"{self.url}/{key}"

    @contextlib.contextmanager
    def answering(self) -> Generator[None]:
        """What goes wrong in the block, as a person can mend it; a missing file is ``FileNotFoundError``."""
        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise FileNotFoundError(str(error).partition("\n")[0]) from error
            raise self.refused(error) from error
        except UserError:
            raise
        except Exception as error:  # obstore raises its own errors, ValueError and, for some, a bare Exception
            raise self.refused(error) from error

    def expire(self) -> None:
        """Let nothing that was known of its files count any more: they are written, or may have been by others."""
        self.generation += 1

    def refused(self, error: Exception) -> UserError:
        """The store's refusal, with the variable that mends it."""
        diagnosis = diagnose(error)
        return UserError(
            f"{self.url} cannot be read: {diagnosis.detail}", remedy(diagnosis, _REMEDIES[diagnosis.fault])
        )


def remedy(diagnosis: Diagnosis, otherwise: str) -> str:
    """What mends it: where the store's certificate is not trusted a variable of its own, else ``otherwise``."""
    return _UNTRUSTED if _CERTIFICATE.search(diagnosis.detail) else otherwise
