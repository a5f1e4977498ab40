"""The answer's state machine: framing by RFC 9112 §6.3, however it is cut; what may be reused, and what lies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.http1.connection import ResponseReader
from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.http1.limits import EngineLimits

LIMITS = EngineLimits()
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def sized(body, fields=b""):
    return OK + b"Content-Length: %d\r\n" % len(body) + fields + b"\r\n" + body


def chunk(content):
    return b"%x\r\n%b\r\n" % (len(content), content)


def read(parts, *, eof=False, limits=LIMITS, reader=None) -> Any:
    """Status, body and what is known at the end; or the refusal. As its owner would, nothing is fed once it is done."""
    reader = reader or ResponseReader(limits)
    body = b""
    reusable = True
    try:
        for part in parts:
            if reader.done:
                reusable = False
                break
            body += b"".join(reader.receive(part))
        if eof and not reader.done:
            reader.receive_eof()
    except UpstreamProtocolError as error:
        return error.status
    return reader.head and reader.head.status, body, reader.done, reusable and reader.done and reader.reusable


ANSWERS = {
    "a length": (sized(b"hello"), (200, b"hello", True, True)),
    "a length of none": (sized(b""), (200, b"", True, True)),
    "chunked": (CHUNKED + chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n", (200, b"hello", True, True)),
    "chunked, empty": (CHUNKED + b"0\r\n\r\n", (200, b"", True, True)),
    "chunked, with trailers": (CHUNKED + chunk(b"hello") + b"0\r\nX: y\r\n\r\n", (200, b"hello", True, True)),
    "connection: close": (sized(b"hello", b"Connection: close\r\n"), (200, b"hello", True, False)),
    "HTTP/1.0": (sized(b"hello").replace(b"/1.1", b"/1.0"), (200, b"hello", True, False)),
    "HTTP/1.0, kept alive": (
        sized(b"hello", b"Connection: keep-alive\r\n").replace(b"/1.1", b"/1.0"),
        (200, b"hello", True, True),
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", True, True)),
    "304 with the length of what it does not send": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        (304, b"", True, True),
    ),
    "204 that says it is chunked": (
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        (204, b"", True, True),
    ),
    "a 1xx before": (b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"hello"), (200, b"hello", True, True)),
    "a 1xx with a length before": (
        b"HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n" + sized(b"hello"),
        (200, b"hello", True, True),
    ),
    "sixteen 1xx before": (EARLY_HINTS * 16 + sized(b"hello"), (200, b"hello", True, True)),
}


@pytest.mark.parametrize(("data", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read_however_it_is_cut(octets, data, expected):
    assert read([data]) == expected
    assert read(octets(data)) == expected
    for at in range(1, len(data)):
        assert read([data[:at], data[at:]]) == expected, f"cut at {at}"


@pytest.mark.parametrize("behind", [b"!", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n"])
@pytest.mark.parametrize(("data", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_with_junk_behind_it_the_answer_stands_but_the_connection_does_not(octets, data, expected, behind):
    wanted = (*expected[:3], False)
    assert read([data + behind]) == wanted
    assert read([data[:-1], data[-1:] + behind]) == wanted
    assert read(octets(data + behind)) == wanted


@pytest.mark.parametrize(("data", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_that_is_cut_off_is_not_whole(data, expected):
    for at in range(len(data)):
        found = read([data[:at]] if at else [])
        assert found == 502 or not found[2]
        assert read([data[:at]] if at else [], eof=True) == 502, f"cut off at {at}"
    assert read([data], eof=True) == expected


@pytest.mark.parametrize("head", [OK + b"\r\n", b"HTTP/1.0 200 OK\r\n\r\n", OK + b"Connection: keep-alive\r\n\r\n"])
@pytest.mark.parametrize("body", [b"", b"hello", sized(b"no answer")])
def test_an_answer_without_length_ends_with_its_connection(octets, head, body):
    for parts in ([head + body], octets(head + body), [head, body] if body else [head]):
        assert read(parts) == (200, body, False, False)
        assert read(parts, eof=True) == (200, body, True, False)


def test_an_end_in_the_head_is_none():
    assert read([OK], eof=True) == 502
    assert read([], eof=True) == 502
    assert read([EARLY_HINTS], eof=True) == 502


def test_pieces_are_passed_on_as_they_come():
    reader = ResponseReader(LIMITS)
    assert reader.receive(sized(b"hello")[:-2]) == [b"hel"]
    assert reader.content_length == 5
    assert reader.receive(b"l") == [b"l"]
    assert not reader.done
    assert reader.receive(b"o") == [b"o"]
    assert reader.done


REFUSED = {
    "no HTTP": b"SSH-2.0-x\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "an empty line before": b"\r\n" + sized(b"hello"),
    "CL and TE": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "gzip as transfer coding": OK + b"Transfer-Encoding: gzip\r\n\r\n",
    "a negative length": OK + b"Content-Length: -5\r\n\r\n",
    "a bad chunk size": CHUNKED + b"hello\r\n",
    "a chunk longer than its size": CHUNKED + b"4\r\nhello\r\n",
    "a trailer without colon": CHUNKED + b"0\r\nX\r\n\r\n",
    "seventeen 1xx": EARLY_HINTS * 17,
    "101, which we never asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    "101 without upgrade": b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\n\r\n",
    "a 1xx that is malformed": b"HTTP/1.1 100 Continue\r\nX : y\r\n\r\n",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_refusals(octets, data):
    assert read([data]) == 502
    assert read(octets(data)) == 502


def test_what_is_no_http_is_not_waited_for():
    assert read([b"S"]) == 502
    assert read([b"HTTPS"]) == 502
    assert read([b"HTT"]) == (None, b"", False, False)


@pytest.mark.parametrize("size", [128, 65536])
def test_a_head_within_its_limit_and_a_byte_more(cut, size):
    limits = EngineLimits(head_bytes=size)
    head = sized(b"")[:-2] + b"X: "
    for places in ([], [1], [size // 2], [size - 2], list(range(0, size, 61))):
        data = head + b"y" * (size - len(head) - 4) + b"\r\n\r\n"
        assert read(cut(data, places), limits=limits) == (200, b"", True, True)
        data = head + b"y" * (size - len(head) - 3) + b"\r\n\r\n"
        assert read(cut(data, places), limits=limits) == 502


def test_a_head_that_does_not_end_is_refused_at_its_limit():
    limits = EngineLimits(head_bytes=100)
    assert read([(OK + b"X: " + b"y" * 200)[:100]], limits=limits) == (None, b"", False, False)
    assert read([(OK + b"X: " + b"y" * 200)[:101]], limits=limits) == 502


def test_whether_anything_came_is_known():
    reader = ResponseReader(LIMITS)
    assert not reader.started
    reader.receive(b"H")
    assert reader.started


# --- one after another -----------------------------------------------------------------------------------------------

KEPT = {name: answer for name, answer in ANSWERS.items() if answer[1][3]}


@pytest.mark.parametrize(("second", "expected"), KEPT.values(), ids=KEPT)
@pytest.mark.parametrize(("first", "_"), KEPT.values(), ids=KEPT)
def test_nothing_of_one_answer_is_left_for_the_next(octets, first, _, second, expected):
    reader = ResponseReader(LIMITS)
    for parts in ([first], octets(first)):
        assert read(parts, reader=reader)[2:] == (True, True)
        reader.begin()
        assert not reader.started
        assert reader.head is None
        assert read([second], reader=reader) == expected
        reader.begin()
        assert read(octets(second), reader=reader) == expected
        reader.begin()


def test_the_bound_on_1xx_is_each_answers_own():
    reader = ResponseReader(LIMITS)
    for _ in range(3):
        assert read([EARLY_HINTS * 16 + sized(b"")], reader=reader) == (200, b"", True, True)
        reader.begin()


def test_more_1xx_than_any_provider_sends_is_said():
    with pytest.raises(
        UpstreamProtocolError, match=r"^the provider sent 1xx answers without end, or switched protocols$"
    ):
        ResponseReader(LIMITS).receive(EARLY_HINTS * 17)


@pytest.mark.parametrize("first", [sized(b"hello"), CHUNKED + b"0\r\n\r\n"])
def test_an_end_before_the_next_answer_is_none(first):
    reader = ResponseReader(LIMITS)
    read([first], reader=reader)
    reader.begin()
    with pytest.raises(UpstreamProtocolError, match="without an answer"):
        reader.receive_eof()


# --- properties ------------------------------------------------------------------------------------------------------

FIRST = st.sampled_from([b"", EARLY_HINTS, b"HTTP/1.1 100 Continue\r\n\r\n"])
FRAMED = st.one_of(
    st.binary(max_size=40).map(lambda body: (sized(body), body)),
    st.lists(st.binary(min_size=1, max_size=12), max_size=5).map(
        lambda contents: (CHUNKED + b"".join(map(chunk, contents)) + b"0\r\nX: y\r\n\r\n", b"".join(contents))
    ),
)
PLACES = st.lists(st.integers(0, 1 << 16), max_size=12)


@given(FIRST, FRAMED, PLACES)
def test_an_answer_is_the_same_however_it_is_cut(octets, cut, first, framed, places):
    data = first + framed[0]
    expected = (200, framed[1], True, True)
    assert read([data]) == expected
    assert read(cut(data, places)) == expected
    assert read(octets(data)) == expected


SCRAPS = st.sampled_from(
    [
        OK,
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.1 100 Continue\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 101 x\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\r",
        b"\n",
        b"\x00",
        b"abc",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"HTTP/",
        b"X: y",
    ]
)


@given(st.lists(SCRAPS, max_size=12).map(b"".join) | st.binary(max_size=60), st.booleans(), PLACES)
def test_no_bytes_do_worse_than_a_refusal_and_cuts_change_nothing(octets, cut, data, eof, places):
    expected = read([data] if data else [], eof=eof)
    assert read(cut(data, places), eof=eof) == expected
    assert read(octets(data), eof=eof) == expected


def test_a_provider_may_stream_letter_by_letter():
    reader = ResponseReader(EngineLimits())
    reader.receive(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(100):
        assert len(reader.receive(b"1\r\nx\r\n" * 1000)) == 1000


@pytest.mark.parametrize(
    "sent", [b"HTTP/1.1 200 OK\n", b"HTTP/1.1 200 OK\r\nx: 1\n\n", b"HTTP/1.1 200 OK\r\nx: 1\nevil: 1\r\n"]
)
def test_a_bare_lf_is_refused_before_the_head_is_whole(sent):
    with pytest.raises(UpstreamProtocolError, match="LF without CR"):
        ResponseReader(EngineLimits()).receive(sent)


def test_a_head_cut_between_cr_and_lf_is_waited_for():
    reader = ResponseReader(EngineLimits())
    assert reader.receive(b"HTTP/1.1 200 OK\r\nx: 1\r") == []
    assert reader.receive(b"\ncontent-length: 1\r\n\r\n1") == [b"1"]
