"""What the recorder is told, taken from an accepted snapshot."""

from pathlib import Path
from typing import Final

import msgspec

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import LogSettings, Snapshot, StoreSettings

CHUNK_BYTES: Final = 16 << 20
"""A chunk file is closed early at this size."""


class RecorderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes. ``secrets`` are the keys that the proxy knows: they never leave the spool.

    ``models`` are those that the configuration names, ``endpoints`` the providers' chat URLs, ``traces_endpoint`` is
    where spans go (None: nowhere).
    """

    spool: Path
    log: LogSettings = LogSettings()
    store: StoreSettings = StoreSettings()
    secrets: tuple[str, ...] = ()
    segment_bytes: int = 64 << 20
    outbox_bytes: int = 8 << 30
    chunk_bytes: int = CHUNK_BYTES
    models: frozenset[str] = frozenset()
    endpoints: dict[str, str] = {}
    traces_endpoint: str | None = None

    @classmethod
    def of(cls, snapshot: Snapshot) -> "RecorderSettings":
        """The recorder's part of ``snapshot``."""
        limits = snapshot.config.limits
        return cls(
            spool=Path(snapshot.spool_dir),
            log=snapshot.log,
            store=snapshot.store,
            secrets=snapshot.secrets,
            segment_bytes=limits.segment_bytes,
            outbox_bytes=limits.outbox_bytes,
            models=_models_of(snapshot.config),
            endpoints={name: provider.endpoint for name, provider in snapshot.config.providers.items()},
            traces_endpoint=snapshot.traces_endpoint,
        )


def _models_of(config: Config) -> frozenset[str]:
    return frozenset(
        model for provider in config.providers.values() for model in (*provider.models, *provider.thinking_models)
    )
