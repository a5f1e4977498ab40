"""Which places are read: the flags', else the readers' variables', else the proxy's own, else ``./logs``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from open_llm_proxy.config.destination import destination
from open_llm_proxy.config.environment import BY_NAME
from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.authorities import ca_file_of
from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.stored import Source, Stored
from open_llm_proxy.store.connect import DEFAULT_REGION, StoreOptions

__all__ = ["Bucket", "Folder", "Source", "Stored", "open_source", "sources_of"]

_CREDENTIAL_VARIABLES: Final = (
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""With one of these set, obstore finds credentials by itself; without, a bucket is read as anybody may."""


def sources_of(from_dir: str | None, store: str | None, environ: Mapping[str, str]) -> tuple[Source, ...]:
    """The folder and the bucket that are read: both, where both flags are given.

    Args:
        from_dir: ``--from-dir``, a folder that is there.
        store: ``--store``: ``s3://bucket/prefix``, ``gs://…``, ``az://…``, ``file:///folder``.
        environ: The variables: ``LOGS_BUCKET`` (with ``LOGS_READ_*``), ``LOGS_DIR``, else the proxy's.

    Raises:
        UserError: A flag or variable is wrong.
    """
    reader = Reader(environ, cwd=Path.cwd(), below={}, below_path="")
    flags = [_folder_that_is_there(from_dir)] if from_dir else []
    found = (*flags, *([_of_url(store, reader)] if store else [])) or (_of_environment(reader),)
    if reader.problems:
        raise ConfigError(reader.problems, "environment")
    return found


def open_source(place: str, environ: Mapping[str, str]) -> Source:
    """One place, by its URL or its folder's path; the credentials are the environment's, as in ``sources_of``."""
    reader = Reader(environ, cwd=Path.cwd(), below={}, below_path="")
    found = _of_url(place, reader)
    if reader.problems:
        raise ConfigError(reader.problems, "environment")
    return found


def _folder_that_is_there(folder: str) -> Folder:
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise UserError(f"There is no folder {folder}", "--from-dir takes the folder that LOG_DIR named to the proxy")
    return Folder(path)


def _of_environment(reader: Reader) -> Source:
    bucket, folder = reader.value("LOGS_BUCKET"), reader.folder("LOGS_DIR")
    own_key = reader.key("LOGS_READ_KEY") is not None and reader.key("LOGS_READ_SECRET") is not None
    settings, _ = destination(reader, ca_file=None)
    if bucket is not None:
        return _of_url(f"s3://{bucket}", reader, in_cluster=True)
    if folder is not None:
        return Folder(folder)
    if settings.refused is not None:
        raise UserError(settings.refused)
    if settings.url is not None:
        return _of_url(settings.url, reader, in_cluster="LOG_STORE" not in reader.sources)
    if own_key:  # the proxy's bucket, with a credential that may only read
        bucket = reader.value("LOG_BUCKET") or BY_NAME["LOG_BUCKET"].default
        return _of_url(f"s3://{bucket}", reader, in_cluster=True)
    return Folder(settings.folder or BY_NAME["LOGS_DIR"].default)


def _of_url(url: str, reader: Reader, *, in_cluster: bool = False) -> Source:
    """The place at ``url``; ``in_cluster``: the proxy's default endpoint counts where none is set."""
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return Folder(unquote(parts.path) if parts.scheme else url)
    if parts.scheme == "s3a":
        url = f"s3{url.removeprefix('s3a')}"
    endpoint = reader.value("LOGS_READ_ENDPOINT") or reader.value("AWS_S3_ENDPOINT_URL")
    if endpoint is None and in_cluster:
        endpoint = BY_NAME["AWS_S3_ENDPOINT_URL"].default
    key, secret = _credential(reader)
    anonymous = key is None and not any(map(reader.standard, _CREDENTIAL_VARIABLES))
    return Bucket(
        url,
        StoreOptions(
            s3_endpoint=endpoint,
            access_key_id=key,
            secret_access_key=secret,
            anonymous=anonymous,
            region=reader.value("AWS_REGION") or DEFAULT_REGION,
            ca_file=ca_file_of(reader),
            max_retries=2,
        ),
    )


def _credential(reader: Reader) -> tuple[str | None, str | None]:
    """The readers' own pair, else the proxy's; never one's key with the other's secret."""
    for names in (("LOGS_READ_KEY", "LOGS_READ_SECRET"), ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")):
        key, secret = map(reader.key, names)
        if (key is None) != (secret is None):
            missing, given = names if key is None else names[::-1]
            raise UserError(f"{given} is set and {missing} is not: both are needed", f"Set {missing}, or unset {given}")
        if key is not None:
            return key, secret
    return None, None
