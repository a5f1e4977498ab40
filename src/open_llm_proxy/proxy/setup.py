"""A snapshot made ready for calls: immutable; a reload makes a new one, calls under way keep theirs."""

import ssl

from open_llm_proxy.config.schema import resolve_default_provider
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.proxy.auth import Keyring
from open_llm_proxy.proxy.cors import Cors
from open_llm_proxy.proxy.providers import ReadyProvider
from open_llm_proxy.proxy.routing import Router


def engine_limits(snapshot: Snapshot) -> EngineLimits:
    """The engine's limits from the configuration's ``limits`` and ``timeouts``."""
    limits, timeouts = snapshot.config.limits, snapshot.config.timeouts
    return EngineLimits(
        head_bytes=limits.head_bytes,
        header_lines=limits.header_lines,
        body_bytes=limits.body_bytes,
        connections=limits.connections,
        buffer_bytes=limits.buffer_bytes,
        head_s=timeouts.head_s,
        body_s=timeouts.body_s,
        idle_s=timeouts.idle_s,
        connect_s=timeouts.connect_s,
        between_bytes_s=timeouts.between_bytes_s,
        upstream_idle_s=timeouts.upstream_idle_s,
        send_s=timeouts.body_s,
    )


class Setup:
    """All that a call looks at and that comes from the configuration."""

    def __init__(self, snapshot: Snapshot, tls: ssl.SSLContext) -> None:
        config = snapshot.config
        self.snapshot = snapshot
        self.limits = engine_limits(snapshot)
        self.keyring = Keyring((key.name, key.key) for key in snapshot.client_keys)
        self.router = Router(config.providers, resolve_default_provider(config))
        self.cors = Cors(config.cors.allow_origins)
        self.config_sha256 = snapshot.config_sha256
        self.log_content = config.log_content
        self.on_client_gone = config.on_client_gone
        self.capture_bytes = config.limits.capture_bytes
        self.providers = {
            name: ReadyProvider(
                name,
                provider,
                key=snapshot.provider_keys.get(name),
                salt=snapshot.cache_salts.get(name),
                tls=tls,
                forward=config.forward_headers,
            )
            for name, provider in config.providers.items()
        }
