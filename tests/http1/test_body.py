"""The chunked coding (RFC 9112 §7.1), row by row and in any pieces."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from open_llm_proxy.http1.body import ChunkedDecoder
from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.limits import CHUNK_EXTENSION_BYTES, CHUNK_OVERHEAD_BYTES, TRAILER_BYTES

END = b"0\r\n\r\n"


def outcome(parts) -> Any:
    """Content, whether the body is whole, and what came behind it; or the status it is refused with."""
    decoder = ChunkedDecoder()
    content = b""
    rest = b""
    for part in parts:
        if decoder.done:
            rest += part
            continue
        try:
            content += b"".join(decoder.feed(part))
        except ProtocolError as error:
            return error.status
    return content, decoder.done, decoder.leftover + rest


def encode(content, extension=b""):
    return b"%x%b\r\n%b\r\n" % (len(content), extension, content)


GOOD = {
    "one chunk": (b"5\r\nhello\r\n" + END, b"hello"),
    "two chunks": (b"5\r\nhello\r\n1\r\n!\r\n" + END, b"hello!"),
    "no content": (END, b""),
    "content that looks like framing": (b"7\r\n\r\n0\r\n\r\n\r\n" + END, b"\r\n0\r\n\r\n"),
    "hexadecimal in upper case": (b"A\r\n0123456789\r\n" + END, b"0123456789"),
    "hexadecimal in lower case": (b"a\r\n0123456789\r\n" + END, b"0123456789"),
    "leading zeros (1*HEXDIG)": (b"0005\r\nhello\r\n" + END, b"hello"),
    'last-chunk is 1*("0")': (b"5\r\nhello\r\n000\r\n\r\n", b"hello"),
    "an extension is ignored": (b"5;name=value\r\nhello\r\n" + END, b"hello"),
    "a quoted extension": (b'5;name="a;b\tc"\r\nhello\r\n' + END, b"hello"),
    "white space before an extension (BWS)": (b"5 \t;name\r\nhello\r\n" + END, b"hello"),
    "an extension of the last chunk": (b"5\r\nhello\r\n0;a=b\r\n\r\n", b"hello"),
    "trailers are dropped": (b"5\r\nhello\r\n0\r\nDigest: x\r\nEmpty:\r\n\r\n", b"hello"),
    "obs-text in a trailer": (b"5\r\nhello\r\n0\r\nX: \xe9\r\n\r\n", b"hello"),
    "the longest size line": (
        b"1;" + b"x" * (CHUNK_EXTENSION_BYTES - 2) + b"\r\n!\r\n" + END,
        b"!",
    ),
}

BAD = {
    "no size": b"\r\nhello\r\n",
    "not hexadecimal": b"g\r\n",
    "0x": b"0x5\r\nhello\r\n",
    "a sign": b"+5\r\nhello\r\n",
    "a negative size": b"-5\r\nhello\r\n",
    "white space before the size": b" 5\r\nhello\r\n",
    "white space behind the size": b"5 \r\nhello\r\n",
    "an underscore, which Python's int takes": b"1_0\r\n",
    "a size that overflows 64 bits": b"ffffffffffffffff1\r\n",
    "more digits than any size needs": b"0000000000000005\r\nhello\r\n",
    "a bare LF behind the size": b"5\nhello\r\n",
    "a bare CR in the size line": b"5\r;a\r\nhello\r\n",
    "a bare CR in an extension": b"5;a\rb\r\nhello\r\n",
    "a bare LF in an extension": b"5;a\nb\r\nhello\r\n",
    "NUL in an extension": b"5;a\x00\r\nhello\r\n",
    "two sizes": b"5 5\r\nhello\r\n",
    "a comma": b"5,5\r\nhello\r\n",
    "content longer than its size": b"5\r\nhello!\r\n",
    "content longer than its size, as far as it has come": b"5\r\nhello!",
    "content longer than its size by a CR": b"5\r\nhello\r\r\n",
    "a bare LF behind the content": b"5\r\nhello\n0\r\n\r\n",
    "a size line that is too long": b"5;" + b"x" * (CHUNK_EXTENSION_BYTES - 1) + b"\r\nhello\r\n",
    "a size line without end": b"5;" + b"x" * (CHUNK_EXTENSION_BYTES + 1),
    "a trailer without a colon": b"0\r\ntrailer\r\n\r\n",
    "a trailer without a name": b"0\r\n: x\r\n\r\n",
    "white space before a trailer's colon": b"0\r\nX : y\r\n\r\n",
    "a folded trailer": b"0\r\nX: y\r\n z\r\n\r\n",
    "NUL in a trailer": b"0\r\nX: \x00\r\n\r\n",
    "a bare LF in a trailer": b"0\r\nX: y\nZ: a\r\n\r\n",
    "a bare LF as the end": b"0\r\n\n",
    "a bare CR as the end": b"0\r\n\rX",
    "trailers without end": b"0\r\nX: " + b"y" * TRAILER_BYTES,
    "too many trailers": b"0\r\n" + b"X: y\r\n" * (TRAILER_BYTES // 6 + 1) + b"\r\n",
}


@pytest.mark.parametrize(("data", "content"), GOOD.values(), ids=GOOD)
def test_good_framing_gives_its_content(octets, data, content):
    assert outcome([data]) == (content, True, b"")
    assert outcome(octets(data)) == (content, True, b"")
    for at in range(len(data)):
        assert outcome([data[:at], data[at:]]) == (content, True, b""), f"cut at {at}"


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_bad_framing_is_refused(octets, data):
    assert outcome([data]) == 400
    assert outcome(octets(data)) == 400


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"5\r\nhello!\r\n", "a chunk is longer than its size says"),
        (b"5\r\nhello!", "a chunk is longer than its size says"),
        (b"g\r\n", "bad chunk-size line"),
        (b"5\n", "bad chunk-size line"),
        (b"0\r\ntrailer\r\n\r\n", "bad trailer"),
        (b"0\r\nX: y\n", "bad trailer"),
        (b"1;" + b"x" * 200 + b"\r\n!\r\n", "more chunk framing than content"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    decoder = ChunkedDecoder()
    with pytest.raises(ProtocolError) as caught:
        for _ in range(100_000):
            decoder.feed(data)
    assert (caught.value.status, caught.value.message) == (400, message)


def test_content_that_begins_like_the_end_of_a_chunk_does_not_end_it():
    decoder = ChunkedDecoder()
    decoder.feed(b"8\r\n")
    with pytest.raises(ProtocolError):
        decoder.feed(b"\r\nabcdefXX5\r\nhello\r\n")


@pytest.mark.parametrize(("data", "content"), GOOD.values(), ids=GOOD)
def test_what_is_not_whole_is_not_done(data, content):
    for at in range(len(data)):
        decoded = outcome([data[:at]])
        assert decoded != 400
        assert not decoded[1]


@pytest.mark.parametrize("behind", [b"G", b"GET / HTTP/1.1\r\n\r\n", b"\r\n", END])
@pytest.mark.parametrize("trailer", [b"", b"X: y\r\n"])
def test_what_comes_behind_is_left_over_to_the_byte(octets, behind, trailer):
    data = b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n" + behind
    assert outcome([data]) == (b"hello", True, behind)
    assert outcome(octets(data)) == (b"hello", True, behind)


def test_what_is_fed_behind_the_end_is_left_over_too():
    decoder = ChunkedDecoder()
    assert decoder.feed(b"5\r\nhello\r\n" + END + b"GET ") == [b"hello"]
    assert decoder.feed(b"/") == []
    assert decoder.feed(b" HTTP/1.1") == []
    assert decoder.leftover == b"GET / HTTP/1.1"


def test_pieces_come_as_they_arrive():
    decoder = ChunkedDecoder()
    assert decoder.feed(b"a\r\n012") == [b"012"]
    assert decoder.feed(b"34") == [b"34"]
    assert decoder.feed(b"56789") == [b"56789"]
    assert decoder.feed(b"\r\n1\r") == []
    assert decoder.feed(b"\n!\r\n2\r\n??") == [b"!", b"??"]


def test_the_size_is_known_before_the_content_has_come():
    decoder = ChunkedDecoder()
    decoder.feed(b"5\r\nhello\r\nffffffff\r\n")
    assert decoder.content_bytes == 5 + 0xFFFFFFFF


def test_swarms_of_tiny_chunks_are_refused():
    chunk = b"1\r\nx\r\n"
    swarm = CHUNK_OVERHEAD_BYTES // 4  # each has 5 bytes of framing for its byte
    assert outcome([chunk * (swarm - 2) + END])[1]
    assert outcome([chunk * (swarm + 1) + END]) == 400
    assert outcome([chunk * (swarm + 1)]) == 400


def test_extensions_count_as_framing():
    assert outcome([encode(b"x" * 10, b";" + b"y" * 200) * 100 + END]) == 400


def test_a_long_body_in_common_chunks_is_no_swarm():
    assert outcome([encode(b"x" * 8) * 20000 + END])[1]


def test_size_lines_are_kept_within_bounds():
    for size in range(1, 10000):
        ChunkedDecoder().feed(b"%x\r\n" % size)
    assert 4096 < len(ChunkedDecoder._sizes) <= 8192


def test_long_size_lines_are_not_kept():
    ChunkedDecoder._sizes.clear()
    ChunkedDecoder().feed(b"5;never-twice\r\n")
    assert b"5;never-twice" not in ChunkedDecoder._sizes


# --- properties ------------------------------------------------------------------------------------------------------

EXTENSIONS = st.sampled_from([b"", b";a", b" ;a=b", b';q="\xe9"'])
TRAILERS = st.lists(st.sampled_from([b"X: y\r\n", b"Authorization: Bearer evil\r\n", b"E:\r\n"]), max_size=3)
CHUNKS = st.lists(st.tuples(st.binary(min_size=1, max_size=40), EXTENSIONS), max_size=8)
BODIES = st.tuples(CHUNKS, TRAILERS)


PLACES = st.lists(st.integers(0, 1 << 16), max_size=12)


def test_one_chunk_with_a_known_size_line_is_read_at_once():
    decoder = ChunkedDecoder()
    assert decoder.feed(b"5\r\nhello\r\n") == [b"hello"]
    assert decoder.read_one(b"5\r\nworld\r\n") == b"world"
    for other in (
        b"5\r\nhello\r",
        b"5\r\nhello\n\r",
        b"5\r\nhello\r\n5",
        b"4\r\nhello\r\n",
        b"0\r\n\r\n",
        b"5",
        b"5\r",
        b"",
    ):
        assert decoder.read_one(other) is None
    decoder.feed(b"5;x\r\nhello\r\n")
    assert decoder.read_one(b"5;x\r\nhello\r\n") is None, "an extension is not to be passed on"
    decoder.feed(b"5\r\nhe")
    assert decoder.read_one(b"5\r\nhello\r\n") is None, "it is content of another"
    assert decoder.feed(b"llo\r\n") == [b"llo"]
    decoder.feed(b"5")
    assert decoder.read_one(b"5\r\nhello\r\n") is None, "it goes on a size line"


@given(BODIES, PLACES)
def test_reading_one_is_as_feeding(cut, body, places):
    chunks, _ = body
    data = b"".join(encode(*chunk) for chunk in chunks) + END
    for parts in (cut(data, places), [*(encode(*chunk) for chunk in chunks), END]):
        decoder = ChunkedDecoder()
        content = b""
        for part in parts:
            one = decoder.read_one(part)
            content += b"".join(decoder.feed(part)) if one is None else one
        assert (content, decoder.done) == (b"".join(content for content, _ in chunks), True)


@given(BODIES, st.binary(max_size=10), PLACES)
def test_what_was_encoded_is_decoded_however_it_is_cut(octets, cut, body, behind, places):
    chunks, trailers = body
    data = b"".join(encode(*chunk) for chunk in chunks) + b"0\r\n" + b"".join(trailers) + b"\r\n" + behind
    content = b"".join(content for content, _ in chunks)
    assert outcome(cut(data, places)) == (content, True, behind)
    assert outcome(octets(data)) == (content, True, behind)


SCRAPS = st.sampled_from(
    [b"\r\n", b"\r", b"\n", b"0", b"1", b"5", b"a", b";", b" ", b"x", b"hello", b"\x00", b"X:", b"X: y", b"0\r\n\r\n"]
)


@given(st.lists(SCRAPS, max_size=20).map(b"".join) | st.binary(max_size=60), PLACES)
@example(b"5\r\nhello\r\n\r\n", [])
def test_the_outcome_does_not_depend_on_the_cuts(octets, cut, data, places):
    expected = outcome([data])
    assert outcome(cut(data, places)) == expected
    assert outcome(octets(data)) == expected
