import msgspec
import pytest

from open_llm_proxy.proxy.edits.tool_choice import may_be_alone
from open_llm_proxy.proxy.errors import Refusal

ON = {"drop_tool_choice_without_tools": True}
TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize("tools", [{}, {"tools": None}, {"tools": []}])
@pytest.mark.parametrize("choice", ["none", "auto", None, {"type": "function", "function": {"name": "f"}}])
def test_a_choice_without_tools_goes(edit, tools, choice):
    sent, names = edit(ON, {"a": 1, "tool_choice": choice, **tools})
    assert sent == {"a": 1, **tools}
    assert names == ("drop_tool_choice_without_tools",)


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        (ON, {"tool_choice": "none", "tools": [TOOL]}),
        (ON, {"tools": []}),
        (ON, {"a": 1}),
        ({}, {"tool_choice": "none"}),
    ],
)
def test_anything_else_stays(edit, settings, body):
    assert edit(settings, body) == (body, ())


def test_tools_that_stand_twice_are_refused_since_we_look_at_them(edit):
    with pytest.raises(Refusal) as caught:
        edit(ON, b'{"tool_choice":"auto","tools":[1],"tools":[]}')
    assert (caught.value.row.code, caught.value.param) == ("duplicate_key", "tools")


def test_only_chat_completions_are_edited(edit):
    assert edit(ON, {"tool_choice": "none"}, chat=False) == ({"tool_choice": "none"}, ())


@pytest.mark.parametrize(
    ("tools", "alone"),
    [
        (b"null", True),
        (b"[]", True),
        (b"[" + b" " * 62 + b"{}]", False),
        (b"[" + b" " * 63 + b"{}]", True),  # nobody writes so: a longer look would cost every call
    ],
)
def test_the_glance_at_tools_is_64_bytes_long(tools, alone):
    assert may_be_alone({"tools": msgspec.Raw(tools)}) is alone
    assert may_be_alone({}) is True
