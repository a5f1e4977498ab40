import pytest

from open_llm_proxy.proxy.errors import Refusal

DROP = {"drop_params": ["user", "store"]}
DEFAULT = {"default_params": {"temperature": 0, "stop": ["a"]}}


@pytest.mark.parametrize("chat", [True, False])
def test_drop_params_go_at_every_json_endpoint(edit, chat):
    sent, names = edit(DROP, {"user": "u", "a": 1, "store": True}, chat=chat)
    assert sent == {"a": 1}
    assert names == ("drop_params",)


def test_nothing_to_drop(edit):
    assert edit(DROP, {"a": {"user": 1}}) == ({"a": {"user": 1}}, ())


def test_a_dropped_key_may_not_stand_twice(edit):
    with pytest.raises(Refusal) as caught:
        edit(DROP, b'{"user":"a","user":"b"}')
    assert (caught.value.row.code, caught.value.param) == ("duplicate_key", "user")


def test_default_params_are_set_where_the_client_sent_none(edit):
    body = b'{"model":"m", "temperature" : 0.7 }\n'
    assert edit(DEFAULT, body) == (b'{"model":"m", "temperature" : 0.7,"stop":["a"] }\n', ("default_params",))


def test_a_null_of_the_clients_stays(edit):
    assert edit(DEFAULT, {"temperature": None, "stop": None}) == ({"temperature": None, "stop": None}, ())


def test_without_any_nothing_is_forced(edit):
    assert edit({}, {"a": 1}) == ({"a": 1}, ())


def test_defaults_go_with_chat_completions_only(edit):
    assert edit(DEFAULT, {"a": 1}, chat=False) == ({"a": 1}, ())


def test_a_default_does_not_undo_thinking(edit):
    settings = {
        "thinking_models": {"m": {"on": {"reasoning_effort": "high"}}},
        "default_params": {"reasoning_effort": "low"},
    }
    assert edit(settings, {"enable_thinking": True})[0] == {"reasoning_effort": "high"}
    assert edit(settings, {"a": 1})[0] == {"a": 1, "reasoning_effort": "low"}


def test_a_key_may_be_the_operators_alone(edit):
    settings = {"drop_params": ["user"], "default_params": {"user": "all"}}
    assert edit(settings, {"a": 1})[0] == {"a": 1, "user": "all"}
    assert edit(settings, {"user": "me"})[0] == {}
