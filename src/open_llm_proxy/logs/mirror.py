"""The two ends of ``logs sync``: which place a word or URL names, and which variables open it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.authorities import ca_file_of
from open_llm_proxy.logs.bucket import Bucket, remedy
from open_llm_proxy.logs.source import open_source, sources_of
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.store.connect import StoreOptions
from open_llm_proxy.store.faults import diagnose

STORE: Final = "store:"
"""What every ``logs`` command reads when no flag says."""
SECOND: Final = "rustfs:"
"""The second store, of the ``RUSTFS_*`` variables."""
_SECOND_VARIABLES: Final = ("RUSTFS_ENDPOINT", "RUSTFS_KEY", "RUSTFS_SECRET", "RUSTFS_BUCKET")
_READERS: Final = ("LOGS_READ_KEY", "LOGS_READ_SECRET", "LOGS_READ_ENDPOINT")


class SecondBucket(Bucket):
    """The second store's bucket: what it refuses is mended by its own variables."""

    def refused(self, error: Exception) -> UserError:
        """As ``Bucket.refused``."""
        found = diagnose(error)
        mending = remedy(found, f"Check {', '.join(_SECOND_VARIABLES)}")
        return UserError(f"{self.url} (the second store): {found}", mending)


class WrittenBucket(Bucket):
    """A bucket that is written: with the proxy's credentials, as the readers' may only read."""

    def refused(self, error: Exception) -> UserError:
        """As ``Bucket.refused``."""
        names = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_S3_ENDPOINT_URL"
        found = diagnose(error)
        return UserError(
            f"{self.url} cannot be used: {found}", remedy(found, f"Set {names} to a user that may write there")
        )


def open_from(place: str, environ: Mapping[str, str]) -> Source | None:
    """Where files are copied from; None: the second store, and none is named.

    Args:
        place: ``store:``, ``rustfs:``, a URL or a folder that is there.
        environ: The variables: ``LOGS_READ_*``, else the proxy's.

    Raises:
        UserError: It is none of these, or a variable is missing.
    """
    if place == SECOND:
        return _second(environ)
    if place == STORE:
        return sources_of(None, None, environ)[0]
    if urlsplit(place).scheme == "" and not Path(place).expanduser().is_dir():
        raise UserError(f"There is no folder {place}", "Name a folder, s3://BUCKET/PREFIX, store: or rustfs:")
    return open_source(place, environ)


def open_to(place: str, environ: Mapping[str, str]) -> Source | None:
    """Where files are copied to; None: the second store, and none is named. As ``open_from``, but to write there."""
    return _second(environ) if place == SECOND else writable(open_from_or_make(place, environ))


def open_one(from_dir: str | None, store: str | None, environ: Mapping[str, str]) -> Source:
    """The one place that is condensed: as every command's, to write there.

    Raises:
        UserError: Two are named, or a flag or variable is wrong.
    """
    if from_dir and store:
        raise UserError("--from-dir and --store name two places", "Give one of them: each is condensed by itself")
    return writable(sources_of(from_dir, store, for_writing(environ))[0])


def open_from_or_make(place: str, environ: Mapping[str, str]) -> Source:
    """A place, with the variables of who writes; a folder need not be there."""
    own = for_writing(environ)
    return sources_of(None, None, own)[0] if place == STORE else open_source(place, own)


def for_writing(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables without the readers' own, where the proxy's are set: those may only read."""
    reader = Reader(environ, cwd=Path.cwd(), below={}, below_path="")
    both = reader.key("AWS_ACCESS_KEY_ID") is not None and reader.key("AWS_SECRET_ACCESS_KEY") is not None
    hidden = {name for base in _READERS for name in (base, f"{base}_FILE")} if both else set[str]()
    return {name: value for name, value in environ.items() if name not in hidden}


def writable(source: Source) -> Source:
    """A source that says which variables mend it when it cannot be written."""
    return WrittenBucket(source.url, source.options) if isinstance(source, Bucket) else source


def _second(environ: Mapping[str, str]) -> Source | None:
    reader = Reader(environ, cwd=Path.cwd(), below={}, below_path="")
    key, secret = reader.key("RUSTFS_KEY"), reader.key("RUSTFS_SECRET")
    endpoint, bucket = reader.value("RUSTFS_ENDPOINT"), reader.value("RUSTFS_BUCKET")
    if reader.problems:
        raise ConfigError(reader.problems, "environment")
    found = (endpoint, key, secret, bucket)
    if not any(found[:3]):
        return None
    missing = [name for name, value in zip(_SECOND_VARIABLES, found, strict=True) if not value]
    if missing:
        raise UserError(
            f"The second store is named in part: {', '.join(missing)} not set", "Set all of RUSTFS_*, or none"
        )
    return SecondBucket(
        f"s3://{bucket}",
        StoreOptions(
            s3_endpoint=endpoint,
            access_key_id=key,
            secret_access_key=secret,
            ca_file=ca_file_of(reader),
            max_retries=2,
        ),
    )
