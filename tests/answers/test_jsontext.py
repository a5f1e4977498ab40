"""JSON as it is really sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.answers.jsontext import dump, parse, parse_partial, to_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "cut \\ud83d"}', {"a": "cut \ud83d"}),
        (b'{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
        ('{"a": "é"}'.encode("utf-16"), {"a": "é"}),
        (b'{"a": Infinity}', {"a": float("inf")}),
        ('{"a": 1}', {"a": 1}),
    ],
)
def test_what_clients_send_is_read(data, value):
    assert parse(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"<html>",
        b"{'a': 1}",
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"NaN" + b"[" * 100_000,
        b"[NaN," * 100_000,
    ],
)
def test_what_is_no_json_is_a_value_error(data):
    with pytest.raises(ValueError):
        parse(data)


def test_text_loses_its_byte_order_mark():
    assert to_text("\ufeff{}") == to_text(b"\xef\xbb\xbf{}") == "{}"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ('{"a": "hel', {"a": "hel"}),
        ('{"a": "hel\\', {"a": "hel"}),
        ('{"a": "hel\\u00', {"a": "hel"}),
        ('{"a": "q\\"', {"a": 'q"'}),
        ('{"a": "b\\\\', {"a": "b\\"}),
        ('{"a": "b\\\\u00', {"a": "b\\u00"}),
        ('{"a": [1, 2', {"a": [1]}),
        ('{"a": [1, ', {"a": [1]}),
        ('{"a": tru', {"a": None}),
        ('{"a":', {"a": None}),
        ('{"a": 1, "b', {"a": 1, "b": None}),
        ('{"a": 1, "b"', {"a": 1, "b": None}),
        ('{"a": {"b": "c"', {"a": {"b": "c"}}),
        ('{"a": "x"}', {"a": "x"}),
    ],
)
def test_json_that_ends_early_is_read_as_far_as_it_goes(data, value):
    assert parse_partial(data) == value


@pytest.mark.parametrize("data", ["", "<html", "}"])
def test_nothing_to_read(data):
    with pytest.raises(ValueError):
        parse_partial(data)


@given(VALUES.map(lambda value: {"k": value}), st.data())
def test_any_beginning_of_an_object_is_read(value, data):
    text = json.dumps(value)
    cut = data.draw(st.integers(1, len(text)))
    assert isinstance(parse_partial(text[:cut]), dict)


@given(VALUES)
def test_what_is_dumped_is_read_again(value):
    assert parse(dump(value)) == value


def test_a_lone_surrogate_is_dumped_as_an_escape():
    assert dump({"a": "\ud83d"}) == '{"a":"\\ud83d"}'


@pytest.mark.parametrize(
    "text", ['{"a": ' + "x" * 1_000_000 + "}", '{"a": "' + "\\" * 1_000_001, '{"a": ' + '"' * 999_999]
)
def test_hostile_texts_take_linear_time(text):
    """Quadratic time would be hours: the suite's time limit is the assertion beside the value's."""
    try:
        assert "a" in parse_partial(text)
    except ValueError as error:
        assert str(error) == "no JSON that ends early"
