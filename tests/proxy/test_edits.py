import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.config.schema import Provider
from open_llm_proxy.proxy.edits import Edits
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.request import Body, read_body

ENDPOINT = {"endpoint": "https://p.example/v1/chat/completions"}
KEYS = [
    "model",
    "messages",
    "enable_thinking",
    "chat_template_kwargs",
    "temperature",
    "top_p",
    "tool_choice",
    "tools",
    "stream",
    "stream_options",
    "user",
    "cache_salt",
    "seed",
]
SMALL = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "none", [], {}, ["x"], {"x": [1]}])


def with_proper_kwargs(value):
    """What would be refused is another test's business."""
    return {key: {} if key == "chat_template_kwargs" and member is not None and type(member) is not dict else member
            for key, member in value.items()}  # fmt: skip


BODIES = st.dictionaries(st.sampled_from(KEYS), SMALL, max_size=9).map(with_proper_kwargs)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "thinking_models": st.just({"m": "thinking"}),
        "no_sampling_params": st.just(("m",)),
        "default_params": st.sampled_from([{"temperature": 0}, {"seed": 1, "user": "x"}]),
        "drop_params": st.sampled_from([("user",), ("seed", "tools")]),
        "drop_tool_choice_without_tools": st.booleans(),
        "stream_usage": st.booleans(),
    },
)


def edits(settings, salt=None):
    return Edits(msgspec.convert({**ENDPOINT, **settings}, Provider), salt)


def expected(settings, salt, sent):
    """What the settings promise, said once more in the plainest way."""
    wanted = {key: value for key, value in sent.items() if key not in settings.get("drop_params", ())}
    flag = wanted.pop("enable_thinking", None)
    if isinstance(flag, bool) and settings.get("thinking_models"):
        own = sent.get("chat_template_kwargs")
        wanted["chat_template_kwargs"] = {**(own or {}), "thinking": flag}
    if settings.get("no_sampling_params"):
        wanted = {key: value for key, value in wanted.items() if key not in ("temperature", "top_p", "top_k")}
    for key, value in settings.get("default_params", {}).items():
        if key not in sent and not (settings.get("no_sampling_params") and key == "temperature"):
            wanted[key] = value
    if settings.get("drop_tool_choice_without_tools") and not sent.get("tools"):
        wanted.pop("tool_choice", None)
    options = sent.get("stream_options")
    if settings.get("stream_usage") and sent.get("stream") is True and (options is None or isinstance(options, dict)):
        wanted["stream_options"] = {"include_usage": True, **(options or {})}
    if salt and "cache_salt" not in sent:
        wanted["cache_salt"] = salt
    return wanted


def spell(draw, value):
    """``value`` as some client might write it."""
    colon, comma = draw(st.sampled_from([(":", ","), (": ", ", "), (" :\n", "\t, ")]))
    members = [json.dumps(key).replace("e", draw(st.sampled_from(["e", "\\u0065"]))) + colon + json.dumps(member)
               for key, member in value.items()]  # fmt: skip
    return ("{" + comma.join(members) + "}").encode()


@given(SETTINGS, st.sampled_from([None, "salt"]), BODIES, st.data())
def test_edits_do_what_the_settings_promise_and_leave_every_other_byte(settings, salt, value, data):
    raw = spell(data.draw, value)
    body = read_body(raw)
    sent, names = edits(settings, salt).apply(body, "m", chat=True)
    wanted = expected(settings, salt, value)
    assert json.loads(sent) == wanted
    assert (sent is raw) == (not names)
    after = read_body(sent)
    kept = {member.key: sent[member.start : member.end] for member in after.members}
    for key, start, _, end in body.members:
        if key in wanted and wanted[key] == value[key]:
            assert kept[key] == raw[start:end]
    order = [member.key for member in body.members if member.key in wanted]
    assert [member.key for member in after.members][: len(order)] == order


@given(SETTINGS, st.sampled_from([None, "salt"]), BODIES, st.booleans())
def test_what_concerns_no_edit_is_left_alone(settings, salt, value, chat):
    made = edits(settings, salt)
    raw = json.dumps(value).encode()
    if not made.concern(value):
        assert made.apply(read_body(raw), "m", chat=chat) == (raw, ())


@given(SETTINGS, BODIES)
def test_other_endpoints_lose_the_dropped_and_nothing_else(settings, value):
    sent, _ = edits(settings, "salt").apply(read_body(json.dumps(value).encode()), "m", chat=False)
    assert json.loads(sent) == {key: v for key, v in value.items() if key not in settings.get("drop_params", ())}


def test_without_settings_only_the_flag_concerns_anybody():
    made = edits({})
    assert made.concern({"enable_thinking": 1})
    assert not made.concern(dict.fromkeys(["model", "temperature", "top_p", "user", "stream", "tools", "seed"]))


def test_a_tool_choice_concerns_somebody_only_where_it_may_stand_alone():
    made = edits({"drop_tool_choice_without_tools": True})
    choice, tools = msgspec.Raw(b'"auto"'), msgspec.Raw(b'[{"type":"function"}]')
    assert made.concern({"tool_choice": choice})
    assert made.concern({"tool_choice": choice, "tools": msgspec.Raw(b"[]")})
    assert not made.concern({"tool_choice": choice, "tools": tools})
    assert not made.concern({"tools": msgspec.Raw(b"[]")})
    assert not made.concern({})
    assert not edits({}).concern({"tool_choice": choice})


def test_the_names_come_in_the_order_of_the_edits():
    settings = {
        "drop_params": ["user"],
        "thinking_models": {"m": "thinking"},
        "no_sampling_params": ["m"],
        "default_params": {"seed": 1},
        "drop_tool_choice_without_tools": True,
        "stream_usage": True,
    }
    value = {"user": "u", "enable_thinking": True, "temperature": 1, "tool_choice": "none", "stream": True}
    sent, names = edits(settings, "s").apply(read_body(json.dumps(value).encode()), "m", chat=True)
    assert names == (
        "drop_params",
        "thinking",
        "no_sampling_params",
        "default_params",
        "drop_tool_choice_without_tools",
        "stream_usage",
        "cache_salt",
    )
    assert json.loads(sent) == {
        "stream": True,
        "chat_template_kwargs": {"thinking": True},
        "seed": 1,
        "stream_options": {"include_usage": True},
        "cache_salt": "s",
    }


def test_members_that_are_only_added_need_no_walk_through_the_body(monkeypatch):
    monkeypatch.setattr(Body, "members", property(lambda _: pytest.fail("walked")))
    assert edits({}, "s").apply(read_body(b'{"a":1}'), "m", chat=True)[0] == b'{"a":1,"cache_salt":"s"}'


def test_a_key_that_no_edit_touches_may_stand_twice():
    raw = b'{"a":1,"user":"u","a":2}'
    sent, _ = edits({"drop_params": ["user"]}).apply(read_body(raw), "m", chat=True)
    assert sent == b'{"a":1,"a":2}'


def test_a_key_that_an_edit_touches_may_not():
    with pytest.raises(Refusal) as caught:
        edits({"no_sampling_params": ["m"]}).apply(read_body(b'{"top_p":1,"top_p":1}'), "m", chat=True)
    assert (caught.value.row.code, caught.value.param) == ("duplicate_key", "top_p")


def test_of_keys_that_stand_twice_the_first_by_name_is_said():
    with pytest.raises(Refusal, match=r"^`seed` stands twice in the body; send it once$") as caught:
        edits({"drop_params": ["user", "seed"]}).apply(
            read_body(b'{"user":1,"user":1,"seed":1,"seed":1,"a":1,"a":1}'), "m", chat=True
        )
    assert caught.value.param == "seed"


def test_a_first_member_needs_no_comma():
    assert edits({}, "s").apply(read_body(b"{ }"), "m", chat=True) == (b'{"cache_salt":"s" }', ("cache_salt",))


def test_a_byte_order_mark_and_odd_values_stay():
    raw = b'\xef\xbb\xbf{"a":NaN, "user":"u","b":"\\ud800"}'
    sent, _ = edits({"drop_params": ["user"]}, "s").apply(read_body(raw), "m", chat=True)
    assert sent == b'\xef\xbb\xbf{"a":NaN,"b":"\\ud800","cache_salt":"s"}'
