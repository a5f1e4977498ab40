"""From a URL to an open store. Nothing is asked over the network here: a store that is not there shows at first use."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import msgspec
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from open_llm_proxy.config.snapshot import StoreSettings
from open_llm_proxy.errors import UserError
from open_llm_proxy.store.faults import AZURE, GOOGLE, S3, detail_of

if TYPE_CHECKING:  # obstore has these for type checkers only
    from obstore.store import ClientConfig, RetryConfig, S3Config

SCHEMES: Final = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "file")
_KEYS: Final = {"s3": S3, "s3a": S3, "gs": GOOGLE, **dict.fromkeys(("az", "azure", "adl", "abfs", "abfss"), AZURE)}
DEFAULT_REGION: Final = "us-east-1"
CONNECT_TIMEOUT: Final = timedelta(seconds=5)


class StoreOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with a store's URL. Times in seconds.

    ``s3_endpoint`` may be plain http; S3 is spoken path-style. Without keys the client looks for credentials as the
    provider's tools do (environment, instance role), or, ``anonymous``, asks unsigned, as a public bucket allows.
    ``ca_file``: PEM, trusted beside the system's roots.
    """

    s3_endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    anonymous: bool = False
    region: str = DEFAULT_REGION
    ca_file: str | None = None
    timeout_s: float = 300
    max_retries: int = 0

    @classmethod
    def of(cls, settings: StoreSettings, *, timeout_s: float = 300) -> "StoreOptions":
        """The options of the store that the configuration names."""
        return cls(
            s3_endpoint=settings.s3_endpoint,
            access_key_id=settings.access_key_id,
            secret_access_key=settings.secret_access_key,
            region=settings.region or DEFAULT_REGION,
            ca_file=settings.ca_file,
            timeout_s=timeout_s,
        )


def connect(url: str, options: StoreOptions | None = None) -> ObjectStore:
    """The store at ``url``: ``s3://bucket/prefix``, ``gs://…``, ``az://…``, ``file:///folder`` or a plain folder.

    Raises:
        UserError: The URL or an option is none that a store takes.
    """
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise UserError(f"The store URL {url!r} cannot be read: {error}", "Check the URL") from error
    if scheme and scheme not in SCHEMES:
        raise UserError(f"The store URL {url!r} has no scheme that is known", "Use one of s3, gs, az, file")
    try:
        return _connect(scheme, url, options or StoreOptions())
    except UserError:
        raise
    except Exception as error:  # obstore raises ValueError, its own errors and, for some mistakes, a bare Exception
        remedy = "Check the URL"
        if scheme in _KEYS:
            remedy += f", and {_KEYS[scheme].keys}"
        raise UserError(f"The store {url!r} cannot be opened: {detail_of(str(error))}", remedy) from error


def _connect(scheme: str, url: str, options: StoreOptions) -> ObjectStore:
    if scheme in ("", "file"):
        return LocalStore(prefix=_folder_of(url), mkdir=True)
    if scheme in ("s3", "s3a"):
        return _connect_s3(url, options)
    return from_url(url, client_options=_client_options(options), retry_config=_retry_config(options))


def _folder_of(url: str) -> str:
    path = Path(unquote(urlsplit(url).path) if url.startswith("file:") else url)
    return str(path.expanduser().absolute())


def _connect_s3(url: str, options: StoreOptions) -> ObjectStore:
    parts = urlsplit(url)
    if not parts.netloc:
        raise UserError(f"The store URL {url!r} names no bucket", "Write s3://BUCKET or s3://BUCKET/PREFIX")
    settings: S3Config = {"region": options.region, "virtual_hosted_style_request": False}
    if options.s3_endpoint:
        settings["endpoint"] = options.s3_endpoint.rstrip("/")
    if options.access_key_id and options.secret_access_key:
        settings["access_key_id"] = options.access_key_id
        settings["secret_access_key"] = options.secret_access_key
    elif options.anonymous:
        settings["skip_signature"] = True
    return S3Store(
        parts.netloc,
        config=settings,
        prefix=unquote(parts.path).strip("/") or None,
        client_options=_client_options(options),
        retry_config=_retry_config(options),
    )


def _client_options(options: StoreOptions) -> "ClientConfig":
    client: ClientConfig = {
        "allow_http": True,
        "connect_timeout": CONNECT_TIMEOUT,
        "timeout": timedelta(seconds=options.timeout_s),
    }
    if options.ca_file:
        try:
            client["root_certificate"] = Path(options.ca_file).read_bytes()
        except OSError as error:
            raise UserError(
                f"The file of certificate authorities {options.ca_file} cannot be read: {error.strerror}",
                "Set ca_file to a PEM file",
            ) from error
    return client


def _retry_config(options: StoreOptions) -> "RetryConfig":
    return {"max_retries": options.max_retries, "retry_timeout": timedelta(seconds=60)}
