import json

import pytest

from open_llm_proxy.proxy.errors import Refusal

SWITCH = {"thinking_models": {"m": "thinking", "q": "enable_thinking"}}
FORM = {
    "thinking_models": {
        "m": {"on": {"reasoning_effort": "high"}, "off": {"reasoning_effort": "low"}},
        "r": {"on": {"reasoning": {"enabled": True}}, "off": {}},
    }
}


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(("model", "switch"), [("m", "thinking"), ("q", "enable_thinking")])
def test_the_flag_becomes_the_models_template_switch(edit, model, switch, asked):
    sent, names = edit(SWITCH, {"model": model, "enable_thinking": asked, "n": 1}, model=model)
    assert sent == {"model": model, "n": 1, "chat_template_kwargs": {switch: asked}}
    assert names == ("thinking",)


def test_it_is_merged_into_what_the_client_sent(edit):
    body = b'{"model":"m","chat_template_kwargs":{ "a" :1.50, "b":"\\u00e9" } ,"enable_thinking":true, "x":1}'
    sent, names = edit(SWITCH, body)
    assert sent == b'{"model":"m","chat_template_kwargs":{ "a" :1.50, "b":"\\u00e9","thinking":true }, "x":1}'
    assert names == ("thinking",)


def test_the_flag_wins_over_the_clients_own_switch(edit):
    sent, _ = edit(SWITCH, {"enable_thinking": False, "chat_template_kwargs": {"thinking": True, "a": 1}})
    assert sent == {"chat_template_kwargs": {"thinking": False, "a": 1}}


def test_a_null_is_no_object_to_merge_into(edit):
    assert edit(SWITCH, {"enable_thinking": True, "chat_template_kwargs": None})[0] == {
        "chat_template_kwargs": {"thinking": True}
    }


@pytest.mark.parametrize("own", [b'{"a":NaN}', rb'{"\ud83d":"\ud83d"}'])
def test_what_only_lenient_readers_take_is_merged_into_all_the_same(edit, own):
    sent, _ = edit(SWITCH, b'{"enable_thinking":true,"chat_template_kwargs":' + own + b"}")
    assert sent == b'{"chat_template_kwargs":' + own[:-1] + b',"thinking":true}}'


@pytest.mark.parametrize("own", [[], "x", 7, True])
def test_anything_else_is_refused(edit, own):
    with pytest.raises(Refusal, match=r"^`chat_template_kwargs` must be an object$") as caught:
        edit(SWITCH, {"enable_thinking": True, "chat_template_kwargs": own})
    assert caught.value.row.code == "invalid_param"
    assert caught.value.param == "chat_template_kwargs"


def test_without_the_flag_nothing_is_done(edit):
    body = {"model": "m", "chat_template_kwargs": {"thinking": True}}
    assert edit(SWITCH, body) == (body, ())


@pytest.mark.parametrize("model", ["m2", "M", "other"])
@pytest.mark.parametrize("asked", [True, False])
def test_a_model_without_an_entry_loses_the_flag_and_it_is_said(edit, model, asked):
    body = {"model": model, "enable_thinking": asked, "chat_template_kwargs": {"a": 1}}
    sent, names = edit(SWITCH, body, model=model)
    assert sent == {"model": model, "chat_template_kwargs": {"a": 1}}
    assert names == ("thinking_dropped",)


def test_a_provider_without_any_entry_neither(edit):
    assert edit({}, {"enable_thinking": True, "n": 1}) == ({"n": 1}, ("thinking_dropped",))


@pytest.mark.parametrize("value", [None, "true", 1, {}])
@pytest.mark.parametrize("settings", [SWITCH, FORM, {}])
def test_what_is_no_flag_never_goes_upstream(edit, value, settings):
    assert edit(settings, {"n": 1, "enable_thinking": value}) == ({"n": 1}, ("thinking_flag_dropped",))


@pytest.mark.parametrize(("asked", "effort"), [(True, "high"), (False, "low")])
def test_a_form_sets_the_keys_of_on_or_off(edit, asked, effort):
    sent, names = edit(FORM, {"enable_thinking": asked})
    assert sent == {"reasoning_effort": effort}
    assert names == ("thinking",)


def test_a_forms_values_may_be_objects(edit):
    assert edit(FORM, {"enable_thinking": True}, model="r")[0] == {"reasoning": {"enabled": True}}


def test_what_the_client_sent_in_the_providers_own_form_wins(edit):
    assert edit(FORM, {"reasoning_effort": "medium", "enable_thinking": True})[0] == {"reasoning_effort": "medium"}


def test_a_form_that_says_nothing_for_off_drops_the_flag_and_it_is_said(edit):
    assert edit(FORM, {"enable_thinking": False}, model="r") == ({}, ("thinking_dropped",))


def test_the_flag_goes_from_any_place_in_the_body(edit):
    for place in range(3):
        members = ['"a": 1', '"b": [2]']
        members.insert(place, '"enable\\u005fthinking" : true')
        sent, _ = edit({}, ("{" + ", ".join(members) + " }").encode())
        assert json.loads(sent) == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    "body",
    [
        b'{"enable_thinking":true,"enable_thinking":false}',
        rb'{"enable_thinking":true,"enable\u005fthinking":true}',
        b'{"enable_thinking":true,"chat_template_kwargs":{},"chat_template_kwargs":{}}',
    ],
)
def test_a_key_that_the_edit_works_on_may_not_stand_twice(edit, body):
    with pytest.raises(Refusal) as caught:
        edit(SWITCH, body)
    assert caught.value.row.code == "duplicate_key"


def test_only_chat_completions_are_edited(edit):
    body = {"model": "m", "enable_thinking": True}
    assert edit(SWITCH, body, chat=False) == (body, ())
