import struct
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.spool.frame import (
    MAX_HEADER_BYTES,
    PREFIX,
    FrameError,
    RequestHeader,
    ResponseHeader,
    UnreadableHeaderError,
    encode,
    encode_head,
    parse_header,
    parse_prefix,
    tame,
    without_body,
)

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)


@st.composite
def headers(draw):
    common = {
        "request_id": draw(texts),
        "at_ns": draw(st.integers(0, 2**62)),
        "endpoint": draw(texts),
        "provider": draw(texts),
        "model": draw(st.none() | texts),
        "key": draw(texts),
        "origin": draw(st.none() | texts),
    }
    if draw(st.booleans()):
        return RequestHeader(**common, edits=tuple(draw(st.lists(texts, max_size=3))))
    return ResponseHeader(
        **common,
        error=draw(st.none() | texts),
        ttft_us=draw(st.none() | st.integers(0, 2**50)),
        upstream_headers=draw(st.none() | st.dictionaries(texts, texts, max_size=3)),
    )


def read_header(frame):
    header_bytes, _, _ = parse_prefix(frame)
    return parse_header(frame[: PREFIX.size], frame[PREFIX.size : PREFIX.size + header_bytes])


@given(headers(), st.lists(st.binary(max_size=50), max_size=4))
def test_a_frame_reads_back_as_it_was(header, body):
    data = b"".join(encode(header, body))
    header_bytes, body_bytes, _ = parse_prefix(data)
    end = PREFIX.size + header_bytes
    assert parse_header(data[: PREFIX.size], data[PREFIX.size : end]) == header
    assert data[end:] == b"".join(body)
    assert body_bytes == len(b"".join(body))


def test_body_pieces_are_passed_on_as_they_are():
    pieces = [b"a", bytearray(b"b"), memoryview(b"c")]
    passed = encode(RequestHeader("i", 1, "e", "p", None, "k"), pieces)[1:]
    assert [id(piece) for piece in passed] == [id(piece) for piece in pieces]


@given(headers(), st.data())
def test_any_flipped_bit_of_lengths_or_header_is_noticed(header, data):
    frame = bytearray(encode_head(header, 1234))
    bit = data.draw(st.integers(32, len(frame) * 8 - 1))  # behind the magic
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FrameError):
        read_header(frame)


@pytest.mark.parametrize(
    "prefix",
    [struct.pack("<4sIII", b"OLPX", 1, 1, 1), struct.pack("<4sIII", b"OLPF", MAX_HEADER_BYTES + 1, 1, 1)],
    ids=["magic", "length"],
)
def test_a_prefix_that_is_none_is_refused(prefix):
    with pytest.raises(FrameError):
        parse_prefix(prefix)


def test_a_header_of_another_version_is_told_from_a_damaged_one():
    packed = msgspec.msgpack.encode(["z", 1, 2])
    prefix = PREFIX.pack(b"OLPF", len(packed), 7, zlib.crc32(packed, 7))
    with pytest.raises(UnreadableHeaderError):
        parse_header(prefix, packed)


def test_fields_appended_by_a_later_version_are_passed_over_and_missing_ones_default():
    now = msgspec.msgpack.decode(msgspec.msgpack.encode(RequestHeader("i", 1, "e", "p", "m", "k", "o")))
    for packed in map(msgspec.msgpack.encode, ([*now, "later"], now[:8])):
        prefix = PREFIX.pack(b"OLPF", len(packed), 0, zlib.crc32(packed, 0))
        header = parse_header(prefix, packed)
        assert (header.request_id, header.origin) == ("i", "o")


def test_a_head_without_its_body_is_a_frame_of_its_own():
    header = RequestHeader("i", 1, "e", "p", "m", "k", total_bytes=9000)
    head = without_body(encode_head(header, 9000))
    assert parse_prefix(head)[1] == 0
    assert parse_header(head[: PREFIX.size], head[PREFIX.size :]) == header


def test_tame_makes_any_text_encodable_and_short():
    header = ResponseHeader(
        "i", 1, "e\ud800", "p", "x" * 10_000, "k", attempt_log=("a\udfff",), upstream_headers={"b\ud834": "c"}
    )
    tamed = tame(header)
    assert encode_head(tamed, 0)
    assert (tamed.endpoint, len(tamed.model), tamed.attempt_log) == ("e?", 4096, ("a?",))
    assert tamed.upstream_headers == {"b?": "c"}
