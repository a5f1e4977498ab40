"""Top-level fields as the bytes they came in, of bodies good and bad."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.records.fields import count_items, first_byte, pack_fields, read_fields, unpack_fields, value_of


def read(body: bytes, **how):
    fields = read_fields(body, **how)
    return None if fields is None else {name: bytes(raw) for name, raw in fields.items()}


def test_values_keep_their_bytes():
    assert read(b' {"a": [1,  2] , "b":\t"x\\u00e9","c":1.0e3}\n') == {
        "a": b"[1,  2]",
        "b": b'"x\\u00e9"',
        "c": b"1.0e3",
    }


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'\xef\xbb\xbf{"a": [1,  2]}', {"a": b"[1,  2]"}),
        (b'{"a": "\\ud83d", "b": {"c":  1}}', {"a": b'"\\ud83d"', "b": b'{"c":  1}'}),
        (b'{"a": NaN, "b": -Infinity , "c": []}', {"a": b"NaN", "b": b"-Infinity", "c": b"[]"}),
        (b'{"a\\u0062": "x\ny"}', {"ab": b'"x\ny"'}),
        (b"{}", {}),
        (b'{"a": 1, "a": 2}', {"a": b"2"}),
    ],
)
def test_what_only_a_lenient_reader_reads_keeps_its_bytes_too(body, fields):
    assert read(body) == fields


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[1]", b'"a"', b"null", b'{"a": 1', b"{'a': 1}", b'{"a":' * 9000])
def test_what_is_no_object_is_none(body):
    assert read(body) is None


def test_a_cut_body_gives_what_there_is():
    cut = b'{"model": "m", "messages": [{"role": "user", "content": "hello wor'
    assert unpack_fields(read_fields(cut, whole=False) or {}) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello wor"}],
    }
    assert read(b"[[", whole=False) is None
    assert read(b"\x00\x01", whole=False) is None


def test_counting_and_peeking():
    fields = read_fields(b'{"a": [1, {"b": [2]}, "\xff"], "n": null, "o": {}, "s": "x"}') or {}
    assert (count_items(fields["a"]), count_items(fields["n"]), count_items(fields["o"]), count_items(None)) == (
        3,
        None,
        None,
        None,
    )
    assert [first_byte(fields[name]) for name in "anos"] == [b"[", b"n", b"{", b'"']
    assert value_of(fields["a"]) == [1, {"b": [2]}, "\ufffd"]
    assert value_of(None) is None


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=5)))
def test_packed_fields_are_the_object(value):
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert json.loads(pack_fields(read_fields(body) or {})) == value


@given(st.binary(max_size=60))
def test_bytes_of_any_kind_never_raise(body):
    for whole in (True, False):
        fields = read_fields(body, whole=whole)
        assert fields is None or isinstance(unpack_fields(fields), dict)


def test_a_value_nested_deeper_than_can_be_read_is_none_and_spoils_no_other():
    # What msgspec passes over unread it may not be able to read: a Raw made by hand stands for it.
    deep = msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)
    assert value_of(deep) is None
    assert count_items(deep) is None
    assert unpack_fields({"a": deep, "b": msgspec.Raw(b"1")}) == {"a": None, "b": 1}
