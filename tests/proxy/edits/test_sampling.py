import pytest

SETTINGS = {"no_sampling_params": ["claude-opus-4-8", "gpt-5"]}
BODY = {"model": "x", "temperature": 0, "messages": [], "top_p": None, "top_k": 5, "seed": 1}


@pytest.mark.parametrize("model", ["claude-opus-4-8", "claude-opus-4-8-20260101", "gpt-5-mini"])
def test_sampling_parameters_are_taken_out_for_ids_and_prefixes(edit, model):
    sent, names = edit(SETTINGS, BODY, model=model)
    assert sent == {"model": "x", "messages": [], "seed": 1}
    assert names == ("no_sampling_params",)


@pytest.mark.parametrize("model", ["claude-opus-4-7", "openai/gpt-5", "claude"])
def test_other_models_keep_them(edit, model):
    assert edit(SETTINGS, BODY, model=model) == (BODY, ())


@pytest.mark.parametrize("key", ["temperature", "top_p", "top_k"])
def test_each_of_the_three(edit, key):
    assert edit(SETTINGS, {key: 0.5, "a": 1}, model="gpt-5") == ({"a": 1}, ("no_sampling_params",))


def test_a_body_without_any_is_left_alone(edit):
    assert edit(SETTINGS, {"a": 1}, model="gpt-5") == ({"a": 1}, ())


def test_a_default_does_not_bring_them_in_again(edit):
    settings = {**SETTINGS, "default_params": {"temperature": 0, "seed": 7}}
    assert edit(settings, {"a": 1}, model="gpt-5") == ({"a": 1, "seed": 7}, ("default_params",))
    assert edit(settings, {"a": 1}, model="other")[0] == {"a": 1, "temperature": 0, "seed": 7}
    both = edit(settings, {"temperature": 1}, model="gpt-5")
    assert both == ({"seed": 7}, ("no_sampling_params", "default_params"))


def test_only_chat_completions_are_edited(edit):
    assert edit(SETTINGS, BODY, model="gpt-5", chat=False) == (BODY, ())
