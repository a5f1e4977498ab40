import ssl
from typing import Any

import msgspec
import pytest

from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import ClientKey, Snapshot
from open_llm_proxy.http1.limits import EngineLimits
from open_llm_proxy.proxy.setup import Setup, engine_limits

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ROWS = {
    "keyed": {"endpoint": "https://a.example/v1/chat/completions", "api_key_env": "A_KEY", "models": ["a"]},
    "unkeyed": {"endpoint": "http://b.example/v1/chat/completions", "api_key_env": "B_KEY", "models": ["b"]},
    "laptop": {"endpoint": "http://c.example/v1/chat/completions", "models": ["c"]},
}


def snapshot(config: Any = (), **more: Any):
    return Snapshot(config=msgspec.convert({"providers": ROWS, **dict(config)}, Config), config_sha256="f" * 64, **more)


def test_limits_and_timeouts_reach_the_engine():
    limits = {"head_bytes": 1000, "header_lines": 11, "body_bytes": 12, "connections": 13, "buffer_bytes": 14}
    timeouts = {"head_s": 1, "body_s": 2, "idle_s": 3, "connect_s": 4, "between_bytes_s": 5, "upstream_idle_s": 6}
    made = engine_limits(snapshot({"limits": limits, "timeouts": timeouts}))
    assert made._asdict() == {**limits, **timeouts, "send_s": 2}


def test_the_engines_defaults_are_the_configurations():
    assert engine_limits(snapshot()) == EngineLimits()


def test_each_provider_is_ready_with_its_key_and_salt():
    made = Setup(snapshot(provider_keys={"keyed": "k"}, cache_salts={"laptop": "s"}), TLS)
    assert list(made.providers) == ["keyed", "unkeyed", "laptop"]
    assert [provider.key_missing for provider in made.providers.values()] == [False, True, False]
    assert [provider.edits.concern({}) for provider in made.providers.values()] == [False, False, True]
    assert b"Bearer k\r\n" in made.providers["keyed"].request_lines(b"/chat", b"", {})
    assert made.providers["keyed"].origin.tls is TLS


def test_what_calls_look_at():
    made = Setup(
        snapshot(
            {
                "default_provider": "laptop",
                "cors": {"allow_origins": ["https://a.example"]},
                "limits": {"capture_bytes": 5},
                "on_client_gone": "finish",
                "log_content": False,
                "forward_headers": ["X-Trace"],
            },
            client_keys=(ClientKey("geo", "key"),),
        ),
        TLS,
    )
    assert made.keyring.authenticate({b"x-api-key": b"key"}) == "geo"
    route = made.router.route("unknown")
    assert route is not None
    assert route.provider == "laptop"
    assert b"vary" in made.cors.lines(b"https://b.example")
    assert (made.capture_bytes, made.on_client_gone, made.log_content) == (5, "finish", False)
    assert made.config_sha256 == "f" * 64
    assert all(b"x-trace" in provider.forward for provider in made.providers.values())


@pytest.mark.parametrize(
    ("default", "routed"),
    [
        ({}, False),
        ({"default_provider": None}, False),
        ({"default_provider": "gone"}, False),
        ({"default_provider": "laptop"}, True),
    ],
)
def test_the_default_provider(default, routed):
    assert (Setup(snapshot(default), TLS).router.route("unknown") is not None) == routed
