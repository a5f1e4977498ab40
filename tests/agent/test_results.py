import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.results import NOTHING, NOTHING_BUT_FAILURE, cut, read_result


def text(*texts):
    return [{"type": "text", "text": one} for one in texts]


def test_text():
    assert read_result({"content": text("42")}) == "42"


def test_parts_stand_in_their_order():
    data = base64.b64encode(b"12345").decode()
    content = [
        *text("before"),
        {"type": "image", "data": data, "mimeType": "image/png"},
        {"type": "audio", "data": data, "mimeType": "audio/wav"},
        {"type": "resource", "resource": {"uri": "a://b", "text": "of a resource"}},
        {"type": "resource", "resource": {"uri": "a://c", "mimeType": "x/y", "blob": data}},
        {"type": "resource_link", "name": "d", "uri": "a://d"},
        {"type": "new", "x": 1},
        *text("after"),
    ]
    assert read_result({"content": content}).split("\n") == [
        "before",
        "[image, image/png, 5 bytes]",
        "[audio, audio/wav, 5 bytes]",
        "of a resource",
        "[resource a://c, x/y, 5 bytes]",
        "[resource d: a://d]",
        '{"type": "new", "x": 1}',
        "after",
    ]


def test_structured_content_alone():
    assert json.loads(read_result({"content": [], "structuredContent": {"rows": [1]}})) == {"rows": [1]}


def test_structured_content_beside_a_text_that_says_less():
    assert read_result({"content": text("1 row"), "structuredContent": {"rows": [1]}}) == '1 row\n{"rows": [1]}'


@pytest.mark.parametrize(
    ("texts", "structured"),
    [
        (['{"rows": [1]}'], {"rows": [1]}),
        (["42"], {"result": "42"}),
        (["42"], {"result": 42}),
        (["1", "2"], {"result": [1, 2]}),
        (["a", "b"], {"result": ["a", "b"]}),
        (["[\n  1\n]"], {"result": [1]}),
        (['{"a": 1}', '{"a": 2}'], {"result": [{"a": 1}, {"a": 2}]}),
    ],
)
def test_structured_content_that_the_text_says_already_is_not_said_twice(texts, structured):
    assert read_result({"content": text(*texts), "structuredContent": structured}) == "\n".join(texts)


def test_nothing_is_said_to_be_nothing():
    assert read_result({"content": []}) == NOTHING
    assert read_result({}) == NOTHING
    assert read_result({"content": text(""), "isError": True}) == NOTHING_BUT_FAILURE


@pytest.mark.parametrize("content", [None, "text", [None, 1], [{"type": "text"}], [{"type": "resource"}]])
def test_odd_shapes_do_not_raise(content):
    assert isinstance(read_result({"content": content}), str)


def test_a_cut_is_said_with_the_limit():
    assert cut("abcdef", 4) == "abcd\n[cut: the first 4 of 6 characters]"
    assert cut("abcd", 4) == "abcd"
    assert cut("abcdef", 0) == "abcdef"


@given(st.text(), st.integers(0, 20))
def test_a_cut_keeps_the_beginning(whole, limit):
    kept = cut(whole, limit)
    assert kept.startswith(whole[:limit])
    assert kept == whole or len(kept) <= limit + 60
