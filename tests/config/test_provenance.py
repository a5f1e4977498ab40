import pytest

from open_llm_proxy.config.load import show

ENDPOINT = "http://127.0.0.1:4001/v1/chat/completions"


@pytest.fixture
def rows(loading):
    def make(*args, **more):
        return {row.path: (row.value, row.source) for row in show(loading(*args, **more))}

    return make


def test_each_value_says_where_it_came_from(rows, small, tmp_path):
    small |= {"timeouts": {"drain_s": 5}, "default_provider": "nrp"}
    small["providers"]["nrp"]["api_key_env"] = "NRP_API_KEY"
    (tmp_path / "key").write_text("k")
    environ = {
        "METRICS_PORT": "7",
        "PROXY_KEY_FILE": "key",
        "PROXY_KEYS_EXTRA": "alice=a,b",
        "NRP_API_KEY": "n",
        "CACHE_SALT": "s",
        "FLUSH_INTERVAL": "9",
        "MODELS_CACHE_TTL": "1",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "LOG_BUCKET": "logs-x",
    }
    shown = rows(small, environ, flags={"port": 1, "log_format": "json"})
    file = f"file {tmp_path / 'config.json'}"
    expected = {
        "listen.port": ("1", "flag --port"),
        "listen.host": ('"0.0.0.0"', "default"),
        "metrics.port": ("7", "environment METRICS_PORT"),
        "timeouts.drain_s": ("5.0", file),
        "timeouts.head_s": ("10", "default"),
        "default_provider": ('"nrp"', file),
        "providers.nrp.models": ('["kimi"]', file),
        "client_keys.default": ("********", "environment PROXY_KEY_FILE (key)"),
        "client_keys.alice": ("********", "environment PROXY_KEYS_EXTRA"),
        "client_keys.extra-2": ("********", "environment PROXY_KEYS_EXTRA"),
        "provider_keys.nrp": ("********", "environment NRP_API_KEY"),
        "cache_salts.nrp": ("********", "environment CACHE_SALT"),
        "log.flush_interval_s": ("9.0", "environment FLUSH_INTERVAL"),
        "log.content_max": ("0", "default"),
        "log.stdout_format": ('"json"', "flag --log-format"),
        "models_cache_ttl_s": ("1.0", "environment MODELS_CACHE_TTL"),
        "store.url": ('"s3://logs-x"', "environment LOG_BUCKET"),
        "store.access_key_id": ("********", "environment AWS_ACCESS_KEY_ID"),
        "store.secret_access_key": ("********", "environment AWS_SECRET_ACCESS_KEY"),
        "store.s3_endpoint": ('"http://rook-ceph-rgw-nautiluss3.rook"', "default"),
        "spool_dir": (f'"{tmp_path}/home/.local/state/open-llm-proxy/1"', "default"),
    }
    assert {path: shown[path] for path in expected} == expected


def test_the_default_provider_is_the_one_that_counts(rows, small):
    assert rows(small)["default_provider"] == ('"nrp"', "default")
    assert rows({**small, "default_provider": None})["default_provider"][0] == "null"


def test_what_a_provider_does_not_say_is_left_out(rows, small):
    assert {path for path in rows(small) if path.startswith("providers.")} == {
        "providers.nrp.endpoint",
        "providers.nrp.models",
    }


def test_no_secret_is_shown(rows, small):
    small["providers"]["nrp"] |= {
        "endpoint": "https://x.example/v1/chat/completions?api-key=hunter2&version=7",
        "extra_headers": {"api-key": "hunter2", "X-Auth-Token": "hunter2", "X-Title": "shown"},
    }
    environ = {"PROXY_KEY": "hunter2", "CACHE_SALT": "hunter2", "LOG_STORE": "az://c/p?sig=hunter2"}
    shown = rows(small, environ)
    assert "hunter2" not in str(shown)
    assert shown["providers.nrp.endpoint"][0] == '"https://x.example/v1/chat/completions?api-key=********&version=7"'
    assert (
        shown["providers.nrp.extra_headers"][0] == '{"api-key":"********","X-Auth-Token":"********","X-Title":"shown"}'
    )
    assert shown["store.url"][0] == '"az://c/p?sig=********"'


def test_the_env_file_is_named(rows, small, tmp_path):
    (tmp_path / "other").write_text("PROXY_KEY=k\n")
    assert rows(small, flags={"env_file": "other"})["client_keys.default"][1] == (
        f"environment PROXY_KEY (from {tmp_path / 'other'})"
    )


def test_what_the_demo_sets(rows, small):
    shown = rows(small, flags={"demo": True}, demo_endpoint=ENDPOINT)
    assert {path for path, (_, source) in shown.items() if source == "flag --demo"} == {
        "providers.demo.endpoint",
        "providers.demo.models",
        "providers.demo.model_prefixes",
        "listen.host",
        "client_keys.default",
        "log.flush_interval_s",
        "store.folder",
        "demo",
    }
    shown = rows(small, {"PROXY_KEY": "p", "FLUSH_INTERVAL": "3"}, flags={"demo": True}, demo_endpoint=ENDPOINT)
    assert shown["client_keys.default"][1] == "environment PROXY_KEY"
    assert shown["log.flush_interval_s"][1] == "environment FLUSH_INTERVAL"


def test_every_value_has_a_row_of_one_line(loading, small):
    rows = show(loading(small))
    assert len({row.path for row in rows}) == len(rows)
    assert all(row.source and "\n" not in row.value for row in rows)
