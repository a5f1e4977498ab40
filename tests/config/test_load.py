import hashlib
import json
import os
import subprocess
import sys

import pytest

from open_llm_proxy.config.load import Flags, fresh_demo_key, load, resolve_default_provider
from open_llm_proxy.config.location import shipped_path
from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.config.schema import Provider
from open_llm_proxy.errors import UserError

AWS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "LOG_STORE": "s3://mine", "LOG_BUCKET": "logs"}
ENDPOINT = "http://127.0.0.1:4001/v1/chat/completions"


def refused(loading, *args, **more):
    with pytest.raises(ConfigError) as raised:
        loading(*args, **more)
    return [str(problem) for problem in raised.value.problems]


def test_the_trimmed_form_of_the_readme_works_as_it_is(loading):
    loaded = loading(
        {
            "providers": {
                "nrp": {
                    "endpoint": "https://ellm.nrp-nautilus.io/v1/chat/completions",
                    "api_key_env": "NRP_API_KEY",
                    "models": ["kimi", "qwen3", "glm-4.7"],
                }
            }
        },
        {"NRP_API_KEY": "n", "PROXY_KEY": "p"},
    )
    assert loaded.warnings == ()
    assert loaded.snapshot.provider_keys == {"nrp": "n"}
    assert resolve_default_provider(loaded.snapshot.config) == "nrp"


def test_what_is_shipped():
    """records.md, the table of providers: exact, in this order."""
    providers = load(
        Flags(config=str(shipped_path())), {"HOME": "/h"}, cwd=shipped_path().parent
    ).snapshot.config.providers
    assert list(providers.items()) == [
        (
            "nrp",
            Provider(
                endpoint="https://ellm.nrp-nautilus.io/v1/chat/completions",
                api_key_env="NRP_API_KEY",
                models=(
                    "kimi",
                    "qwen3",
                    "glm-4.7",
                    "minimax-m2",
                    "gpt-oss",
                    "gemma",
                    "glm-5",
                    "deepseek-v4-flash",
                    "qwen3-small",
                    "gemma-small-e4b",
                ),
                model_prefixes=(),
                thinking_models={
                    **dict.fromkeys(["kimi", "deepseek-v4-flash"], "thinking"),
                    **dict.fromkeys(
                        ["qwen3", "qwen3-small", "glm-4.7", "glm-5", "gemma", "gemma-small-e4b"], "enable_thinking"
                    ),
                },
                drop_tool_choice_without_tools=True,
            ),
        ),
        (
            "openrouter",
            Provider(
                endpoint="https://openrouter.ai/api/v1/chat/completions",
                api_key_env="OPENROUTER_KEY",
                model_prefixes=(
                    "anthropic/",
                    "mistralai/",
                    "amazon/",
                    "openai/",
                    "qwen/",
                    "nvidia/",
                    "z-ai/",
                    "minimax/",
                    "moonshotai/",
                    "deepseek/",
                    "~",
                ),
                extra_headers={"HTTP-Referer": "https://nrp-nautilus.io", "X-Title": "open-llm-proxy"},
                drop_tool_choice_without_tools=True,
            ),
        ),
        (
            "anthropic",
            Provider(
                endpoint="https://api.anthropic.com/v1/chat/completions",
                api_key_env="ANTHROPIC_API_KEY",
                model_prefixes=("claude-",),
                models_auth="x-api-key",
                no_sampling_params=(
                    "claude-sonnet-5",
                    "claude-opus-4-8",
                    "claude-opus-4-7",
                    "claude-fable-5",
                    "claude-mythos-5",
                ),
                drop_tool_choice_without_tools=True,
            ),
        ),
        (
            "nimbus",
            Provider(
                endpoint="https://vllm-nimbus.carlboettiger.info/v1/chat/completions",
                api_key_env="NIMBUS_API_KEY",
                models=("nemotron", "qwen"),
                model_prefixes=(),
                thinking_models={"qwen": "enable_thinking"},
                drop_tool_choice_without_tools=True,
            ),
        ),
    ]


def test_only_defaults(loading, small, tmp_path):
    loaded = loading(small)
    snapshot = loaded.snapshot
    data = (tmp_path / "config.json").read_bytes()
    assert loaded.path == tmp_path / "config.json"
    assert snapshot.config_sha256 == hashlib.sha256(data).hexdigest()
    assert loaded.watched == {loaded.path: snapshot.config_sha256}
    assert (snapshot.config.listen.host, snapshot.config.listen.port) == ("0.0.0.0", 8002)
    assert snapshot.spool_dir == str(tmp_path / "home/.local/state/open-llm-proxy/8002")
    assert snapshot.client_keys == ()
    assert snapshot.store.url is snapshot.store.folder is None
    assert not snapshot.demo
    assert loaded.warnings == ("no client key is configured, so every call is refused (500); set PROXY_KEY",)


def test_which_file_is_read(loading, small, tmp_path):
    for name in ("flag", "variable"):
        (tmp_path / f"{name}.json").write_text(json.dumps({**small, "workers": 3}))
    assert loading(small).path.name == "config.json"
    variable = {"OPEN_LLM_PROXY_CONFIG": "variable.json"}
    assert loading(None, variable).path == tmp_path / "variable.json"
    assert loading(None, variable, flags={"config": "flag.json"}).path == tmp_path / "flag.json"
    (tmp_path / "config.json").unlink()
    assert loading().path == shipped_path()


@pytest.mark.parametrize("environ", [{}, {"OPEN_LLM_PROXY_CONFIG": "gone.json"}])
def test_a_file_that_is_not_there_stops_with_the_remedy(loading, small, environ):
    flags = {} if environ else {"config": "gone.json"}
    with pytest.raises(UserError, match=r"there is no configuration file .*gone.json. Name one that exists"):
        loading(small, environ, flags=flags)


def test_flag_over_environment_over_file_over_default(loading, small):
    small |= {
        "timeouts": {"drain_s": 5, "between_bytes_s": 6},
        "metrics": {"port": 7},
        "listen": {"port": 8, "host": "::"},
    }
    config = loading(small).snapshot.config
    assert (config.timeouts.drain_s, config.timeouts.between_bytes_s, config.metrics.port) == (5, 6, 7)
    environ = {"DRAIN_SECONDS": "15", "UPSTREAM_TIMEOUT_SECONDS": "16.5", "METRICS_PORT": "0"}
    config = loading(small, environ).snapshot.config
    assert (config.timeouts.drain_s, config.timeouts.between_bytes_s, config.metrics.port) == (15, 16.5, 0)
    config = loading(small, flags={"port": 28, "host": "::1", "workers": 4}).snapshot.config
    assert (config.listen.port, config.listen.host, config.workers) == (28, "::1", 4)
    assert config.timeouts.connect_s == 30


def test_the_spool_follows_the_port(loading, small):
    assert loading(small, flags={"port": 9}).snapshot.spool_dir.endswith("/open-llm-proxy/9")


def test_the_recorders_settings(loading, small):
    environ = {
        "LOG_CAPTURE_MODE": "full",
        "LOG_CONTENT_MAX": "1",
        "LOG_REASONING_MAX": "2",
        "LOG_TOOL_RESULT_MAX": "3",
        "LOG_USER_QUESTION_MAX": "4",
        "LOG_STDOUT_MAX_FIELD": "5",
        "FLUSH_INTERVAL": "6",
        "LOG_RATIO_MIN_REQUESTS": "7",
        "LOG_RATIO_FLOOR": "0.8",
        "SLOW_COMPLETION_WARN_SECONDS": "9",
        "MODELS_CACHE_TTL": "10",
        "MODELS_FETCH_TIMEOUT": "11",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
    }
    snapshot = loading(small, environ).snapshot
    log = snapshot.log
    assert (log.capture_mode, log.content_max, log.reasoning_max, log.tool_result_max) == ("full", 1, 2, 3)
    assert (log.user_question_max, log.stdout_max_field, log.flush_interval_s) == (4, 5, 6)
    assert (log.ratio_min_requests, log.ratio_floor, log.slow_completion_s) == (7, 0.8, 9)
    assert (snapshot.models_cache_ttl_s, snapshot.models_fetch_timeout_s) == (10, 11)
    assert snapshot.traces_endpoint == "http://collector:4318"


@pytest.mark.parametrize(
    ("flag", "terminal", "form"),
    [
        ("auto", True, "line"),
        ("auto", False, "json"),
        ("json", True, "json"),
        ("line", False, "line"),
    ],
)
def test_the_form_of_stdout(loading, small, flag, terminal, form):
    loaded = loading(small, flags={"log_format": flag}, stdout_is_terminal=terminal)
    assert loaded.snapshot.log.stdout_format == form


def test_file_environment_and_flags_are_reported_together(loading):
    config = {
        "providers": {
            "nimbus": {
                "endpoint": "https://x.example/v1/chat/completions",
                "models": ["a", "b", 3],
                "api_key_env": "A",
            },
            "nrp": {"endpoint": "https://x.example/v1/chat/completions", "api_key_envv": "B"},
        },
        "listen": {"port": 9002},
        "limits": {"segment_bytes": 2, "spool_bytes": 1},
    }
    environ = {"FLUSH_INTERVAL": "soon", "A": "k\n\x00k", "PROXY_KEY_FILE": "gone", "LOG_STORE": "x"}
    said = refused(loading, config, environ, flags={"workers": 0, "log_format": "xml"})
    assert [line.partition(":")[0] for line in said] == [
        "providers.nimbus.models[2]",
        "providers.nrp.api_key_envv",
        "--workers",
        "metrics.port",
        "limits.segment_bytes",
        "--log-format",
        "FLUSH_INTERVAL",
        "PROXY_KEY_FILE",
        "A",
        "LOG_STORE",
    ]
    assert said[0] == "providers.nimbus.models[2]: expected a string, got 3"
    assert said[1] == "providers.nrp.api_key_envv: unknown key; did you mean api_key_env?"


@pytest.mark.parametrize("text", ["{", "", "[]", "{}", b"\xff"])
def test_a_file_that_can_not_be_read_does_not_hide_the_environments_mistakes(loading, text):
    said = refused(loading, text, {"METRICS_PORT": "x"})
    assert len(said) == 2
    assert said[1] == 'METRICS_PORT: expected a whole number from 0 to 65535, got "x"'


def test_an_error_names_the_file(loading, tmp_path):
    with pytest.raises(ConfigError) as raised:
        loading("{")
    assert raised.value.lines[0] == f"wrong configuration ({tmp_path / 'config.json'}): 1 problem"


def test_a_clash_that_a_flag_or_a_variable_makes(loading, small):
    assert refused(loading, small, flags={"port": 9002})[0].startswith("metrics.port: 9002 is listen.port, too")
    assert refused(loading, small, {"METRICS_PORT": "8002"})[0].startswith("metrics.port: 8002 is listen.port, too")


def test_no_secret_is_in_a_problem(loading, small):
    small["providers"]["nrp"] |= {"api_key_env": "K", "extra_headers": {"X-A": "hunter2\n", "X-B": "ok"}}
    environ = {"K": "hunter2\n\x01x", "PROXY_KEY": "hunter2\x01", "PROXY_KEYS_EXTRA": "a=hunter2\x01,hunter2\x02"}
    said = "\n".join(refused(loading, small, environ))
    assert said.count("\n") == 4
    assert "hunter2" not in said


def test_warnings(loading, small):
    small["providers"]["nrp"]["api_key_env"] = "NRP_API_KEY"
    small |= {"default_provider": "gone"}
    environ = {"AWS_ACCESS_KEY_ID": "id", "PROXY_KEYS_EXTRA": "a,a"}
    assert [warning.partition(" ")[0] for warning in loading(small, environ).warnings] == [
        "default_provider",
        "PROXY_KEYS_EXTRA:",
        "no",
        "AWS_ACCESS_KEY_ID",
    ]


def test_nrp_reads_the_cache_salt(loading, small):
    assert loading(small, {"CACHE_SALT": "s"}).snapshot.cache_salts == {"nrp": "s"}


def test_a_ca_file_is_relative_to_the_configuration(loading, small, tmp_path):
    small["ca_file"] = "gone.pem"
    assert refused(loading, small) == [f"ca_file: can't be read: {tmp_path / 'gone.pem'}: No such file or directory"]


def test_the_demo(loading, small, tmp_path):
    snapshot = loading(small, AWS, flags={"demo": True}, demo_endpoint=ENDPOINT).snapshot
    assert list(snapshot.config.providers) == ["demo", "nrp"]
    assert snapshot.config.providers["demo"] == Provider(endpoint=ENDPOINT, models=("demo",), model_prefixes=())
    assert snapshot.demo
    assert snapshot.config.listen.host == "127.0.0.1"
    assert snapshot.log.flush_interval_s == 2
    assert snapshot.store.folder == str(tmp_path / "logs")
    assert (snapshot.store.url, snapshot.store.access_key_id) == (None, None)
    (key,) = snapshot.client_keys
    assert key.name == "default"
    assert key.key.startswith("sk-demo-")


def test_without_demo_there_is_none(loading, small):
    assert list(loading(small, demo_endpoint=ENDPOINT).snapshot.config.providers) == ["nrp"]


def test_the_demo_takes_what_is_said(loading, small):
    small["listen"] = {"host": "::"}
    environ = {"PROXY_KEY": "mine", "FLUSH_INTERVAL": "9", "LOG_DIR": "/records"}
    snapshot = loading(small, environ, flags={"demo": True, "host": "0.0.0.0"}, demo_endpoint=ENDPOINT).snapshot
    assert snapshot.config.listen.host == "0.0.0.0"
    assert snapshot.client_keys[0].key == "mine"
    assert snapshot.log.flush_interval_s == 9
    assert snapshot.store.folder == "/records"
    assert loading(small, flags={"demo": True}, demo_endpoint=ENDPOINT).snapshot.config.listen.host == "127.0.0.1"


def test_a_reloaded_demo_keeps_its_key_and_two_demos_have_two(loading, small):
    first = loading(small, flags={"demo": True}, demo_endpoint=ENDPOINT, demo_key="sk-demo-1")
    assert first.snapshot.client_keys[0].key == "sk-demo-1"
    assert fresh_demo_key() != fresh_demo_key()


def test_the_demo_needs_no_provider_of_the_file(loading):
    assert list(loading({"providers": {}}, flags={"demo": True}, demo_endpoint=ENDPOINT).snapshot.config.providers) == [
        "demo"
    ]
    assert refused(loading, {"providers": {}}) == ["providers: no provider is configured"]


def test_the_name_of_the_demo_is_taken_only_by_the_demo(loading, small):
    small["providers"]["demo"] = small["providers"]["nrp"]
    assert "demo" in loading(small).snapshot.config.providers
    assert refused(loading, small, flags={"demo": True}, demo_endpoint=ENDPOINT) == [
        "providers.demo: taken by serve --demo; choose another name"
    ]


def test_the_demo_reads_the_env_file_and_the_shell_wins(loading, small, tmp_path):
    small["providers"]["nrp"]["api_key_env"] = "NRP_API_KEY"
    (tmp_path / ".env").write_text("NRP_API_KEY=from-file\nPROXY_KEY=from-file\n")
    loaded = loading(small, {"PROXY_KEY": "shell"}, flags={"demo": True}, demo_endpoint=ENDPOINT)
    assert loaded.snapshot.provider_keys == {"nrp": "from-file"}
    assert loaded.snapshot.client_keys[0].key == "shell"
    assert tmp_path / ".env" in loaded.watched
    assert loading(small).snapshot.provider_keys == {}


def test_a_named_env_file_is_read_without_demo_too(loading, small, tmp_path):
    (tmp_path / "other").write_text("PROXY_KEY=k\nbroken\n")
    assert refused(loading, small, flags={"env_file": "other"}) == [
        f"{tmp_path / 'other'}:2: expected NAME=value (quotes closed, a remark after #)"
    ]
    (tmp_path / "other").write_text("PROXY_KEY=k\n")
    assert loading(small, flags={"env_file": "other"}).snapshot.client_keys[0].key == "k"


def test_loading_changes_nothing_and_imports_nothing_heavy(tmp_path):
    code = (
        "import sys; from pathlib import Path; from open_llm_proxy.config.load import Flags, load\n"
        "load(Flags(), {'HOME': '/h'}, cwd=Path(sys.argv[1]))\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & set(sys.argv[2:])))"
    )
    heavy = [
        "ssl",
        "jsonschema",
        "asyncio",
        "uvloop",
        "httptools",
        "obstore",
        "prometheus_client",
        "typer",
        "http",
        "secrets",
    ]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), *heavy],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    assert done.stdout == b"\n"
    assert list(tmp_path.iterdir()) == []
