from pathlib import Path

import msgspec

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import ClientKey, LogSettings, Snapshot, StoreSettings
from open_llm_proxy.recorder.settings import RecorderSettings

PROVIDERS = {
    "p": {"endpoint": "http://p/v1/chat/completions", "models": ["a", "b"], "thinking_models": {"b": "t", "c": "t"}},
    "q": {"endpoint": "http://q/v1/chat/completions"},
}


def test_a_snapshot_tells_the_recorder_its_part():
    config = msgspec.convert({"providers": PROVIDERS, "limits": {"segment_bytes": 5, "outbox_bytes": 6}}, Config)
    settings = RecorderSettings.of(
        Snapshot(
            config=config,
            config_sha256="0" * 64,
            spool_dir="/spool",
            client_keys=(ClientKey("default", "client-key"),),
            provider_keys={"p": "provider-key"},
            cache_salts={"nrp": "salt"},
            traces_endpoint="http://collector:4318",
            log=LogSettings(content_max=7),
            store=StoreSettings(url="s3://logs", secret_access_key="store-secret"),
        )
    )
    assert settings.spool == Path("/spool")
    assert (settings.segment_bytes, settings.outbox_bytes) == (5, 6)
    assert settings.log.content_max == 7
    assert settings.store.url == "s3://logs"
    assert set(settings.secrets) == {"client-key", "provider-key", "salt", "store-secret"}
    assert settings.models == {"a", "b", "c"}
    assert settings.endpoints == {"p": "http://p/v1/chat/completions", "q": "http://q/v1/chat/completions"}
    assert settings.traces_endpoint == "http://collector:4318"
