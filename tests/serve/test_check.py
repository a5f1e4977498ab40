import pytest

from open_llm_proxy.config.schema import Config, Provider, ThinkingForm
from open_llm_proxy.serve.check import check_routes, list_dropped

ENDPOINT = "https://a.example/v1/chat/completions"
MAIN = Provider(endpoint=ENDPOINT, models=("kimi", "gpt-oss"), thinking_models={"kimi": "thinking"})
OTHER = Provider(endpoint=ENDPOINT, models=("kimi", "big"), model_prefixes=("claude-",))


def lines(models=(), **more):
    return [str(finding) for finding in check_routes(Config(providers={"main": MAIN, "other": OTHER}, **more), models)]


def test_every_configured_model_once_in_the_files_order():
    assert lines() == [
        "kimi -> main (exact)",
        "gpt-oss -> main (exact); dropped: enable_thinking",
        "big -> other (exact); dropped: enable_thinking",
    ]


def test_the_models_that_are_named():
    assert lines(["claude-9", "x"], default_provider="main") == [
        "claude-9 -> other (prefix claude-); dropped: enable_thinking",
        "x -> main (default); dropped: enable_thinking",
    ]


def test_a_model_that_nobody_serves_is_wrong():
    good, bad = check_routes(Config(providers={"main": MAIN}), ["kimi", "nobody's"])
    assert good.good
    assert not bad.good
    assert str(bad).startswith("nobody's -> nobody; served: main: kimi, gpt-oss")


@pytest.mark.parametrize(
    ("form", "dropped"),
    [
        ("enable_thinking", []),
        (ThinkingForm(on={"a": 1}, off={"a": 0}), []),
        (ThinkingForm(on={"a": 1}), ["enable_thinking: false"]),
        (ThinkingForm(off={"a": 0}), ["enable_thinking: true"]),
        (None, ["enable_thinking"]),
    ],
)
def test_thinking_that_a_model_can_not_be_told(form, dropped):
    forms = {} if form is None else {"m": form}
    assert list(list_dropped("m", Provider(endpoint=ENDPOINT, thinking_models=forms))) == dropped


def test_sampling_by_prefix_and_params_by_name():
    provider = Provider(
        endpoint=ENDPOINT, thinking_models={"m-1": "t"}, no_sampling_params=("m-",), drop_params=("user",)
    )
    assert list(list_dropped("m-1", provider)) == ["temperature", "top_p", "top_k", "user"]
