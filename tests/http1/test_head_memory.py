"""The memory of the last head is exact: what it gives is what a fresh parse gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.head import HEAD_END, HeadReader, parse_request_head, parse_response_head

REQUEST = b"POST /v1/chat?a=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\nContent-Length: %d\r\nX: y\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nServer: a\r\ncontent-length:%d\r\nX-Id: 12\r\n\r\n"
KINDS = [(parse_request_head, REQUEST), (parse_response_head, RESPONSE)]


def told(head):
    """What a head says, but for its own length, which the reader tells."""
    says = {name: getattr(head, name) for name in head.__slots__}
    for name in ("context", "content_length", "values"):
        says.pop(name, None)
    fields = list(head.fields.items()) if isinstance(head.fields, dict) else head.fields
    says["fields"] = [field for field in fields if field[0].lower() != b"content-length"]
    return says


def fresh(parse, data):
    try:
        head = parse(data, 100)
    except ProtocolError as error:
        return error.status
    return told(head), head.content_length


def remembered(reader, data, end):
    try:
        head, length = reader.read(data, end)
    except ProtocolError as error:
        return error.status
    return told(head), length


@pytest.mark.parametrize(("parse", "form"), KINDS)
def test_a_head_that_differs_in_its_length_only_is_not_parsed_again(parse, form):
    parsed = []
    reader = HeadReader(lambda data, lines: parsed.append(data) or parse(data, lines), 100)
    heads = []
    for length in (7, 0, 12345, 999999999999999999):
        data = form % length
        head, told_length = reader.read(data + b"body", len(data))
        assert told_length == length
        heads.append(head)
    assert len(parsed) == 1
    assert all(head is heads[0] for head in heads)


@pytest.mark.parametrize(
    "change",
    [
        (b"Bearer k", b"Bearer l"),
        (b"/v1/", b"/v2/"),
        (b"POST", b"PUT"),
        (b"X: y", b"X: z"),
        (b"X: y\r\n", b""),
        (b"X: y", b"Expect: 100-continue"),
        (b"Host: a\r\n", b"Host: a\r\nConnection: close\r\n"),
        (b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
def test_a_head_that_differs_elsewhere_is_another(change):
    reader = HeadReader(parse_request_head, 100)
    data = REQUEST % 7
    reader.read(data, len(data))
    other = data.replace(*change)
    assert reader.read_whole(other + b"1234567") is None
    assert remembered(reader, other, len(other)) == fresh(parse_request_head, other)
    assert remembered(reader, data, len(data)) == fresh(parse_request_head, data)


@pytest.mark.parametrize(
    "length",
    [b"", b" ", b"+5", b"-5", b"5 5", b"5,5", b"0x5", b"1_0", b"5\x00", b"\xb2", b"1" * 19, b"5\r\nContent-Length: 5"],
)
@pytest.mark.parametrize(("parse", "form"), KINDS)
def test_a_bad_length_is_not_taken_from_memory(parse, form, length):
    reader = HeadReader(parse, 100)
    data = form % 7
    reader.read(data, len(data))
    other = form.replace(b"%d", length)
    assert fresh(parse, other) in (400, 502)
    assert remembered(reader, other, len(other)) == fresh(parse, other)
    assert reader.read_whole(other + b"12345") is None


def test_a_head_without_length_is_not_remembered():
    reader = HeadReader(parse_request_head, 100)
    data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader.read(data, len(data))
    assert reader.head is None
    assert reader.read_whole(data) is None


def test_a_long_head_is_not_remembered():
    reader = HeadReader(parse_request_head, 100)
    data = REQUEST.replace(b"X: y", b"X: " + b"y" * 4096) % 7
    reader.read(data, len(data))
    assert reader.head is None


def test_another_head_takes_the_place_of_the_last():
    reader = HeadReader(parse_request_head, 100)
    for data in (REQUEST % 7, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
        reader.read(data, len(data))
    assert reader.head is None
    assert reader.read_whole(REQUEST % 0) is None


@pytest.mark.parametrize(("parse", "form"), KINDS)
@pytest.mark.parametrize("body", [b"", b"hello", b"\r\n\r\n", b"x" * 100])
def test_a_whole_message_is_known_in_one_look(parse, form, body):
    reader = HeadReader(parse, 100)
    assert reader.read_whole(form % len(body) + body) is None
    reader.read(form % 7, len(form % 7))
    assert reader.read_whole(form % len(body) + body) == body
    assert reader.read_whole(form % len(body) + body + b"!") is None
    assert reader.read_whole(form % (len(body) + 1) + body) is None
    assert reader.read_whole((form % len(body))[:-1]) is None


ALPHABET = st.sampled_from([bytes([octet]) for octet in b"0123456789 \t\r\n:,;#ACXacx/\x00\xff"]) | st.binary(
    min_size=1, max_size=1
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["put", "insert", "delete", "cut"]), st.integers(0, 1 << 10), ALPHABET), max_size=3
)


def changed(data, changes):
    for what, place, octet in changes:
        at = place % (len(data) + 1)
        if what == "put":
            data = data[:at] + octet + data[at + 1 :]
        elif what == "insert":
            data = data[:at] + octet + data[at:]
        elif what == "delete":
            data = data[:at] + data[at + 1 :]
        else:
            data = data[:at]
    return data


@given(st.sampled_from(KINDS), st.integers(0, 50), st.integers(0, 50), CHANGES)
def test_memory_equals_a_fresh_parse(kind, first, second, changes):
    parse, form = kind
    reader = HeadReader(parse, 100)
    reader.read(form % first, len(form % first))
    message = changed(form % second + b"z" * second, changes)
    body = reader.read_whole(message)
    end = message.find(HEAD_END) + 4
    if end < 4:
        assert body is None
        return
    expected = fresh(parse, message[:end])
    if body is not None:
        assert expected == (told(reader.head), len(body))
        assert message[end:] == body
    assert remembered(reader, message, end) == expected


def test_before_the_first_head_nothing_is_remembered():
    assert HeadReader(parse_request_head, 100).read_whole(b"G1xY") is None
