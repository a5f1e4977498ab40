import msgspec
import pytest

from open_llm_proxy.config.schema import Config, Provider, ThinkingForm, resolve_default_provider

ROW = Provider(endpoint="https://x.example/v1/chat/completions")


@pytest.mark.parametrize(
    ("fields", "names", "default"),
    [
        ({}, ["a", "nrp"], "nrp"),
        ({}, ["a"], None),
        ({"default_provider": None}, ["nrp"], None),
        ({"default_provider": "a"}, ["a", "nrp"], "a"),
        ({"default_provider": "gone"}, ["a", "nrp"], None),
    ],
)
def test_the_default_provider(fields, names, default):
    assert resolve_default_provider(Config(providers=dict.fromkeys(names, ROW), **fields)) == default


def test_absent_and_null_stay_apart_on_the_way_to_the_children():
    for config in (Config(providers={}), Config(providers={}, default_provider=None)):
        again = msgspec.msgpack.decode(msgspec.msgpack.encode(config), type=Config)
        assert again.default_provider is config.default_provider


def test_prefixes_absent_and_empty_stay_apart():
    read = msgspec.json.decode(
        b'{"providers": {"a": {"endpoint": "x"}, "b": {"endpoint": "x", "model_prefixes": []}}}', type=Config
    )
    assert read.providers["a"].model_prefixes is None
    assert read.providers["b"].model_prefixes == ()


def test_both_thinking_forms_are_read():
    data = b'{"endpoint": "x", "thinking_models": {"a": "thinking", "b": {"on": {"reasoning_effort": "high"}}}}'
    assert msgspec.json.decode(data, type=Provider).thinking_models == {
        "a": "thinking",
        "b": ThinkingForm(on={"reasoning_effort": "high"}),
    }


def test_the_defaults_are_the_ones_that_deployments_count_on():
    """records.md: names and defaults are contracts."""
    values = msgspec.to_builtins(Config(providers={}))
    assert values == {
        "providers": {},
        "listen": {"host": "0.0.0.0", "port": 8002},
        "metrics": {"port": 9002},
        "workers": 1,
        "cors": {"allow_origins": ("*",)},
        "limits": {
            "head_bytes": 65536,
            "header_lines": 100,
            "body_bytes": 67108864,
            "connections": 8192,
            "buffer_bytes": 536870912,
            "capture_bytes": 16777216,
            "segment_bytes": 67108864,
            "spool_bytes": 4294967296,
            "outbox_bytes": 8589934592,
        },
        "timeouts": {
            "head_s": 10,
            "body_s": 60,
            "idle_s": 75,
            "connect_s": 30,
            "between_bytes_s": 1200,
            "upstream_idle_s": 4,
            "drain_s": 1260,
        },
        "ca_file": None,
        "forward_headers": (),
        "on_client_gone": "cancel",
        "log_content": True,
    }
    assert set(Provider.__struct_fields__) == {
        "endpoint",
        "api_key_env",
        "models",
        "model_prefixes",
        "extra_headers",
        "thinking_models",
        "no_sampling_params",
        "models_endpoint",
        "models_auth",
        "anthropic_version",
        "drop_params",
        "default_params",
        "drop_tool_choice_without_tools",
        "cache_salt_env",
        "stream_usage",
        "on_client_gone",
        "log_content",
    }
