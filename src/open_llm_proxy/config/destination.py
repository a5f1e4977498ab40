"""Where chunks of records go: which of the store's variables counts, and when none does."""

from pathlib import Path
from typing import Final

from open_llm_proxy.config.environment import BY_NAME
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.config.snapshot import StoreSettings

_S3: Final = ("s3://", "s3a://")
DEMO_FOLDER: Final = "logs"


def destination(reader: Reader, *, ca_file: str | None) -> tuple[StoreSettings, list[str]]:
    """``LOG_STORE``, else with both ``AWS_*`` keys ``LOG_BUCKET`` on S3, else ``LOG_DIR``, else nothing; warnings.

    All variables are read, so that a mistake in one that does not count is found, too.
    """
    url, bucket, folder = reader.value("LOG_STORE"), reader.value("LOG_BUCKET"), reader.folder("LOG_DIR")
    endpoint, region = reader.value("AWS_S3_ENDPOINT_URL"), reader.value("AWS_REGION")
    access_key_id, secret_access_key = reader.key("AWS_ACCESS_KEY_ID"), reader.key("AWS_SECRET_ACCESS_KEY")
    both = access_key_id is not None and secret_access_key is not None
    warnings = [] if both == (access_key_id is not None or secret_access_key is not None) else [_half(reader)]
    if url is None and both:
        url = f"s3://{bucket or BY_NAME['LOG_BUCKET'].default}"
        endpoint = endpoint or BY_NAME["AWS_S3_ENDPOINT_URL"].default
    if url is None:
        return StoreSettings(folder=folder, ca_file=ca_file), warnings
    if "<" in url:
        return StoreSettings(refused=_placeholder(reader), ca_file=ca_file), [*warnings, _placeholder(reader)]
    if not url.startswith(_S3):
        return StoreSettings(url=url, ca_file=ca_file), warnings
    store = StoreSettings(
        url=url,
        s3_endpoint=endpoint,
        access_key_id=access_key_id if both else None,
        secret_access_key=secret_access_key if both else None,
        region=region,
        ca_file=ca_file,
    )
    return store, warnings


def demo_destination(reader: Reader, cwd: Path) -> StoreSettings:
    """A folder, whatever store the shell names: ``LOG_DIR``, else ``./logs``."""
    return StoreSettings(folder=reader.folder("LOG_DIR") or str(cwd / DEMO_FOLDER))


def _placeholder(reader: Reader) -> str:
    name = "LOG_STORE" if "LOG_STORE" in reader.sources else "LOG_BUCKET"
    return f"{name} still holds a placeholder (<), so nothing goes to a store; put your bucket's name there and restart"


def _half(reader: Reader) -> str:
    given, missing = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
    if given not in reader.sources:
        given, missing = missing, given
    return f"{given} is set and {missing} is not: both are needed, so no chunk goes to S3"
