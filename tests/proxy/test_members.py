import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.proxy.members import DuplicateKeyError, append, decode_key, scan, splice, walk

WHITE = st.text(" \t\r\n", max_size=3)
KEYS = st.one_of(st.sampled_from(["model", "stream", "a", "b", "", "é", 'q"', "\\", "\n", "😀"]), st.text(max_size=5))
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**6), 10**6),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        st.text(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def escaped(draw, text):
    """``text`` as a JSON string, some of its characters written as escapes."""
    parts = []
    for character in text:
        if draw(st.integers(0, 4)) == 0:
            units = character.encode("utf-16-be", "surrogatepass")
            parts += [f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)]
        else:
            parts.append(json.dumps(character, ensure_ascii=draw(st.booleans()))[1:-1])
    return '"' + "".join(parts) + '"'


@st.composite
def rendered(draw, keys=KEYS):
    """An object and one of the many ways to write it, as bytes."""
    value = draw(st.dictionaries(keys, VALUES, max_size=6))
    members = [
        draw(WHITE)
        + draw(escaped(key))
        + draw(WHITE)
        + ":"
        + draw(WHITE)
        + json.dumps(member, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))
        + draw(WHITE)
        for key, member in value.items()
    ]
    inner = ",".join(members) if members else draw(WHITE)
    return value, (draw(WHITE) + "{" + inner + "}" + draw(WHITE)).encode()


def members_of(body):
    return walk(body, msgspec.json.decode(body, type=dict[str, msgspec.Raw]))


@given(rendered())
def test_the_walk_finds_every_members_place(case):
    value, body = case
    found = members_of(body)
    assert [member.key for member in found] == list(value)
    for key, start, value_start, end in found:
        assert body[start : start + 1] == b'"'
        assert json.loads(body[value_start:end]) == value[key]
        assert body[value_start:end] == body[value_start:end].strip()


@given(rendered())
def test_the_scan_finds_the_same_places(case):
    value, body = case
    text = body.decode()
    places = [(member.key, member.start, member.value_start, member.end) for member in members_of(body)]
    in_bytes = [(key, *(len(text[:at].encode()) for at in spans)) for key, *spans in scan(text)]
    assert in_bytes == places
    assert [key for key, *_ in in_bytes] == list(value)


@given(rendered(), st.data())
def test_a_splice_changes_its_own_keys_and_no_other_byte(case, data):
    value, body = case
    members = members_of(body)
    names = st.sampled_from([*value, "new", "other"])
    sets = {key: json.dumps(data.draw(VALUES)).encode() for key in data.draw(st.sets(names, max_size=4))}
    drops = data.draw(st.sets(names, max_size=6)) - sets.keys()
    spliced = splice(body, members, sets, drops)

    expected = {key: member for key, member in value.items() if key not in drops}
    expected |= {key: json.loads(raw) for key, raw in sets.items()}
    assert json.loads(spliced) == expected
    assert list(json.loads(spliced)) == list(expected)
    # Every kept member stands as it was written, key and value, and so do both ends of the body.
    cuts = iter(members_of(spliced))
    for key, start, value_start, end in members:
        if key in drops:
            continue
        kept = next(cuts)
        if key in sets:
            assert spliced[kept.start : kept.value_start] == body[start:value_start]
            assert spliced[kept.value_start : kept.end] == sets[key]
        else:
            assert spliced[kept.start : kept.end] == body[start:end]
    opening, closing = body.index(b"{") + 1, body.rindex(b"}")
    assert spliced.startswith(body[:opening])
    assert spliced.endswith(body[closing:])


@given(rendered())
def test_a_splice_with_nothing_to_do_gives_back_the_same_object(case):
    _, body = case
    assert splice(body, members_of(body), {}, frozenset()) is body
    assert splice(body, members_of(body), {}, {"not there"}) is body


@given(rendered(), st.dictionaries(st.sampled_from(["new", "other"]), VALUES, min_size=1))
def test_append_puts_members_behind_the_last_and_changes_no_byte_before(case, fresh):
    value, body = case
    value = {key: member for key, member in value.items() if key not in fresh}
    appended = append(
        body, {key: json.dumps(member).encode() for key, member in fresh.items()}, empty=not members_of(body)
    )
    if len(value) == len(members_of(body)):
        assert json.loads(appended) == value | fresh
    close = body.rindex(b"}")
    assert appended.startswith(body[:close].rstrip())
    assert appended.endswith(body[len(body[:close].rstrip()) :])


BODY = b'{ "a" : 1 ,\n"b":[2],"c": {"d":"}"} }\n'


@pytest.mark.parametrize(
    ("sets", "drops", "expected"),
    [
        ({}, {"a"}, b'{ "b":[2],"c": {"d":"}"} }\n'),
        ({}, {"c"}, b'{ "a" : 1 ,\n"b":[2] }\n'),
        ({}, {"b"}, b'{ "a" : 1,"c": {"d":"}"} }\n'),
        ({}, {"a", "b"}, b'{ "c": {"d":"}"} }\n'),
        ({}, {"a", "b", "c"}, b"{  }\n"),
        ({"b": b"9"}, set(), b'{ "a" : 1 ,\n"b":9,"c": {"d":"}"} }\n'),
        ({"z": b"0"}, set(), b'{ "a" : 1 ,\n"b":[2],"c": {"d":"}"},"z":0 }\n'),
        ({"z": b"0"}, {"a", "b", "c"}, b'{ "z":0 }\n'),
        ({"é": b'"x"'}, {"a", "b", "c"}, b'{ "\\u00e9":"x" }\n'),
    ],
)
def test_how_a_splice_leaves_the_separators(sets, drops, expected):
    assert splice(BODY, members_of(BODY), sets, drops) == expected


def test_a_splice_into_an_empty_object():
    assert splice(b" { } ", [], {"a": b"1"}, frozenset()) == b' {"a":1 } '
    assert append(b"{}", {"a": b"1", "b": b"2"}, empty=True) == b'{"a":1,"b":2}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":12,"a":1}',
        b'{"a":1,"b":0,"a":12}',
        rb'{"a":1,"\u0061":1}',
        b'{"a":{},"b":1,"a":{}}',
        b'{"a":"x","a":"xy"}',
    ],
)
def test_the_walk_finds_a_key_that_stands_twice(body):
    with pytest.raises(DuplicateKeyError):
        members_of(body)


@pytest.mark.parametrize("body", [b'{"a":1,2}', b'{"a":1,"b"}', b'{"a":1 2}', b'{"a":1,"b":2}', b'{"a":1'])
def test_the_walk_goes_by_no_values_but_the_bodys_own(body):
    with pytest.raises(DuplicateKeyError):
        walk(body, {"a": msgspec.Raw(b"1")})


@given(rendered(), st.data())
def test_the_walk_finds_any_key_that_stands_twice(case, data):
    value, body = case
    key = data.draw(st.sampled_from([*value, "only"]))
    again = data.draw(escaped(key)) + ":" + json.dumps(data.draw(VALUES))
    close = body.rindex(b"}")
    twice = body[:close] + (b"," if value else b"") + again.encode() + b"," + again.encode() + body[close:]
    with pytest.raises(DuplicateKeyError):
        members_of(twice)
    assert [name for name, *_ in scan(twice.decode())].count(key) >= 2


@pytest.mark.parametrize(
    ("raw", "key"), [(b"model", "model"), (rb"mod\u0065l", "model"), (rb"\"\\", '"\\'), ("é".encode(), "é")]
)
def test_a_key_is_decoded(raw, key):
    assert decode_key(raw) == key


@pytest.mark.parametrize(
    "text", ["", "  ", "{", '{"a"}', '{"a":1,}', '{"a":1}x', '{"a":1} {}', "{'a':1}", '{"a":\x01}']
)
def test_the_scan_refuses_what_is_no_json(text):
    with pytest.raises(json.JSONDecodeError):
        scan(text)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"{}"', "NaN"])
def test_the_scan_refuses_what_is_no_object(text):
    with pytest.raises(TypeError):
        scan(text)


def test_the_scan_reads_what_strict_parsers_do_not():
    assert [key for key, *_ in scan('{"a": NaN, "b": "\\ud83d", "\\udc00": Infinity, "n": ' + "9" * 5000 + "}")] == [
        "a",
        "b",
        "\udc00",
        "n",
    ]
