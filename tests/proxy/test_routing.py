import json
from pathlib import Path

import msgspec
import pytest

from open_llm_proxy.config.schema import Config, resolve_default_provider
from open_llm_proxy.proxy.routing import UNROUTED, Route, Router

ROOT = Path(__file__).parents[2]


def router(providers, **config):
    """A router for providers given as name to ``models`` and ``model_prefixes``."""
    rows = {name: {"endpoint": f"https://{name}.example/v1/chat/completions", **row} for name, row in providers.items()}
    made = msgspec.convert({"providers": rows, **config}, Config)
    return Router(made.providers, resolve_default_provider(made))


def shipped():
    config = msgspec.convert(
        {key: value for key, value in json.loads((ROOT / "config.json").read_bytes()).items() if key[0] != "$"}, Config
    )
    return Router(config.providers, resolve_default_provider(config))


def test_an_exact_id():
    assert router({"a": {"models": ["kimi"]}}).route("kimi") == Route("a", "exact")


def test_without_the_key_model_prefixes_models_are_prefixes_too():
    made = router({"a": {"models": ["anthropic/", "mistralai/"]}}, default_provider=None)
    assert made.route("mistralai/large") == Route("a", "prefix mistralai/")
    assert made.route("anthropic/") == Route("a", "exact")
    assert made.route("openai/gpt") is None


def test_with_the_key_even_empty_models_are_exact_only():
    made = router({"a": {"models": ["qwen"], "model_prefixes": []}}, default_provider=None)
    assert made.route("qwen") == Route("a", "exact")
    assert made.route("qwen3") is None


def test_prefixes_stand_beside_exact_ids():
    made = router({"a": {"models": ["qwen"], "model_prefixes": ["claude-"]}}, default_provider=None)
    assert made.route("claude-x") == Route("a", "prefix claude-")
    assert made.route("qwen-x") is None


def test_a_later_exact_id_beats_an_earlier_prefix():
    made = router({"private": {"models": ["qwen"]}, "public": {"models": ["qwen3"]}})
    assert made.route("qwen3") == Route("public", "exact")
    assert made.route("qwen3-small") == Route("private", "prefix qwen")


def test_the_files_order_decides_between_equals():
    same = {"models": ["m"], "model_prefixes": ["p/"]}
    assert router({"b": same, "a": same}).route("m") == Route("b", "exact")
    assert router({"b": same, "a": same}).route("p/x") == Route("b", "prefix p/")


def test_the_first_prefix_counts_and_not_the_longest():
    made = router({"a": {"model_prefixes": ["x"]}, "b": {"model_prefixes": ["x/y/"]}})
    assert made.route("x/y/z") == Route("a", "prefix x")


def test_models_are_compared_as_they_are():
    made = router({"a": {"models": ["Kimi"], "model_prefixes": ["~"]}}, default_provider=None)
    assert made.route("kimi") is None
    assert made.route("~anthropic/x") == Route("a", "prefix ~")


TWO = {"other": {"models": ["o"]}, "nrp": {"models": ["n"]}}


def test_default_provider_absent_is_nrp_if_there_is_one():
    assert router(TWO).route("unknown") == Route("nrp", "default")
    assert router({"other": TWO["other"]}).route("unknown") is None


def test_default_provider_null_is_none():
    assert router(TWO, default_provider=None).route("unknown") is None


def test_default_provider_that_is_not_configured_is_none():
    assert router(TWO, default_provider="gone").route("unknown") is None
    assert Router({}, "gone").route("unknown") is None


def test_default_provider_named():
    assert router(TWO, default_provider="other").route("unknown") == Route("other", "default")


def test_a_provider_may_have_no_models_at_all():
    assert router({"laptop": {}}, default_provider="laptop").route("llama") == Route("laptop", "default")
    assert router({"laptop": {}}, default_provider=None).route("llama") is None


def test_what_is_served_is_named_with_its_prefixes():
    made = router({"a": {"models": ["kimi"], "model_prefixes": ["x/"]}, "b": {}, "c": {"models": ["y/"]}})
    assert made.describe_served() == "a: kimi, x/*; c: y/, y/*"


def test_nothing_served_is_said():
    assert router({"a": {}}).describe_served() == "nothing: no provider names models"


def test_the_records_name_of_no_provider():
    assert UNROUTED == "unrouted"


@pytest.mark.parametrize("model", ["kimi", "p/x", "else"])
def test_a_model_that_comes_again_goes_where_it_went(model):
    made = router({"a": {"models": ["kimi"], "model_prefixes": ["p/"]}, "b": {}}, default_provider="b")
    first = made.route(model)
    assert first is not None
    assert made.route(model) == first
    assert made.route(model) == first


def test_answers_are_remembered_within_bounds():
    made = router({"a": {"models": ["m"], "model_prefixes": ["p"]}}, default_provider=None)
    for index in range(4096):
        assert made.route(f"p{index}") == Route("a", "prefix p")
    assert len(made._known) == 4096
    assert made.route("unknown") is None
    assert made.route("unknown") is None
    assert made.route("m") == Route("a", "exact")
    assert set(made._known) == {"unknown", "m"}


def test_long_models_are_not_remembered():
    made = router({"a": {"model_prefixes": ["p"]}}, default_provider=None)
    assert made.route("p" * 256) == made.route("p" * 257) == Route("a", "prefix p")
    assert set(made._known) == {"p" * 256}


NRP = [
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
]
OPENROUTER = [
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
]
ANTHROPIC = ["claude-sonnet-5", "claude-opus-4-8", "claude-opus-4-7", "claude-fable-5", "claude-mythos-5", "claude-"]


@pytest.mark.parametrize("model", NRP)
def test_the_shipped_config_serves_nrps_models(model):
    assert shipped().route(model) == Route("nrp", "exact")


@pytest.mark.parametrize("prefix", OPENROUTER)
def test_the_shipped_config_serves_openrouters_prefixes(prefix):
    assert shipped().route(prefix + "some-model:free") == Route("openrouter", f"prefix {prefix}")


@pytest.mark.parametrize("model", ANTHROPIC)
def test_the_shipped_config_serves_anthropics_models(model):
    assert shipped().route(model) == Route("anthropic", "prefix claude-")


@pytest.mark.parametrize("model", ["nemotron", "qwen"])
def test_the_shipped_config_serves_nimbus_models(model):
    assert shipped().route(model) == Route("nimbus", "exact")


# What the README of the original says is served, and where.
@pytest.mark.parametrize(
    ("model", "provider"),
    [
        *((model, "nrp") for model in ("kimi", "qwen3", "glm-4.7", "minimax-m2", "gpt-oss", "gemma")),
        *((f"{owner}/x", "openrouter") for owner in ("anthropic", "mistralai", "openai", "qwen", "nvidia", "amazon")),
        ("nemotron", "nimbus"),
        ("anthropic/claude-sonnet-4-5", "openrouter"),
        ("something-nobody-knows", "nrp"),
    ],
)
def test_the_originals_readme_holds(model, provider):
    found = shipped().route(model)
    assert found is not None
    assert found.provider == provider


def test_the_originals_trimmed_config_routes():
    made = router({"nrp": {"models": ["kimi", "qwen3", "glm-4.7"], "api_key_env": "NRP_API_KEY"}})
    assert made.route("glm-4.7") == Route("nrp", "exact")
    assert made.route("qwen3-small") == Route("nrp", "prefix qwen3")
    assert made.route("anything") == Route("nrp", "default")
