"""The accepted configuration with secrets resolved, as the supervisor hands it to its children.

What holds a secret has a ``repr`` without it, so that none gets into a traceback.
"""

import msgspec

from open_llm_proxy.config.schema import Config


class LogSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the recorder is told by the environment. Sizes in characters (0: all), times in seconds."""

    capture_mode: str = "summary"
    content_max: int = 0
    reasoning_max: int = 4000
    tool_result_max: int = 20000
    user_question_max: int = 4000
    stdout_max_field: int = 200
    stdout_format: str = "json"  # json | line
    flush_interval_s: float = 300
    ratio_min_requests: int = 20
    ratio_floor: float = 0.5
    slow_completion_s: float = 300


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where chunks go: an object-store URL with its options, or a folder, or (both None) nowhere but stdout."""

    url: str | None = None  # s3://bucket/prefix, gs://…, az://…, file:///…
    s3_endpoint: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    region: str | None = None
    folder: str | None = None
    ca_file: str | None = None
    refused: str | None = None  # why a store that was named is not used (LOG_BUCKET that holds "<")

    def __repr__(self) -> str:
        return f"StoreSettings(url={self.url!r}, folder={self.folder!r}, refused={self.refused!r})"


class ClientKey(msgspec.Struct, frozen=True):
    """A proxy key and the name that records show: ``default``, its own name, or ``extra-<n>``."""

    name: str
    key: str

    def __repr__(self) -> str:
        return f"ClientKey(name={self.name!r})"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All that a child needs. ``config`` has flags and environment applied; secrets are resolved by name."""

    config: Config
    config_sha256: str
    client_keys: tuple[ClientKey, ...] = ()
    provider_keys: dict[str, str] = {}  # provider name -> key; absent: none goes upstream, or it is missing
    cache_salts: dict[str, str] = {}  # provider name -> salt
    spool_dir: str = ""
    models_cache_ttl_s: float = 300
    models_fetch_timeout_s: float = 8
    traces_endpoint: str | None = None  # OTLP
    demo: bool = False
    log: LogSettings = LogSettings()
    store: StoreSettings = StoreSettings()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every key, salt and password that is known: none may be seen in a record."""
        keys = [key.key for key in self.client_keys]
        keys += [*self.provider_keys.values(), *self.cache_salts.values()]
        return (*keys, self.store.secret_access_key) if self.store.secret_access_key else tuple(keys)

    def __repr__(self) -> str:
        return f"Snapshot(config_sha256={self.config_sha256!r}, client_keys={self.client_keys!r})"
