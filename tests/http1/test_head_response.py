"""Response heads row by row: a provider's framing is trusted no more than a client's."""

import pytest

from open_llm_proxy.http1.errors import UpstreamProtocolError
from open_llm_proxy.http1.head import parse_response_head


def parse(fields=b"", line=b"HTTP/1.1 200 OK"):
    return parse_response_head(line + b"\r\n" + fields + b"\r\n")


@pytest.mark.parametrize(
    ("line", "version", "status", "reason"),
    [
        (b"HTTP/1.1 200 OK", 1, 200, b"OK"),
        (b"HTTP/1.0 404 Not Found", 0, 404, b"Not Found"),
        (b"HTTP/1.1 200 ", 1, 200, b""),
        (b"HTTP/1.1 200", 1, 200, b""),  # RFC 9112 §4 wants the space; many leave it out
        (b"HTTP/1.1 599 \xe9t\xe9", 1, 599, b"\xe9t\xe9"),
        (b"HTTP/1.1 100 Continue", 1, 100, b"Continue"),
    ],
)
def test_status_line(line, version, status, reason):
    head = parse(line=line)
    assert (head.version, head.status, head.reason) == (version, status, reason)


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 600 OK",
        b"HTTP/1.1 200 a\x00",
        b"HTTP/1.1 200 a\rb",
        b"HTTP/2 200",
        b"HTTP/0.9 200 OK",
        b"http/1.1 200 OK",
        b"ICY 200 OK",
        b" HTTP/1.1 200 OK",
        b"",
    ],
)
def test_a_status_line_that_is_none(line):
    with pytest.raises(UpstreamProtocolError):
        parse(line=line)


def test_fields_stand_in_order_as_they_were():
    head = parse(b"X-One:  a \t\r\nX-Empty:\r\nSet-Cookie: b\r\nset-cookie: c\r\nX-Last: \xe9\r\n")
    assert head.fields == [
        (b"X-One", b"x-one", b"a"),
        (b"X-Empty", b"x-empty", b""),
        (b"Set-Cookie", b"set-cookie", b"b"),
        (b"set-cookie", b"set-cookie", b"c"),
        (b"X-Last", b"x-last", b"\xe9"),
    ]
    assert head.values[b"x-last"] == b"\xe9"


@pytest.mark.parametrize(
    ("fields", "length", "chunked", "plain"),
    [
        (b"", None, False, False),  # to the end of the connection: RFC 9112 §6.3, 8
        (b"Content-Length: 0\r\n", 0, False, True),
        (b"content-length:5\r\n", 5, False, True),
        (b"Transfer-Encoding: chunked\r\n", None, True, False),
        (b"Transfer-Encoding: Chunked\r\n", None, True, False),
        (b"Content-Length: 5\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n", 5, False, True),  # what Apache sends
        (b"Content-Length: 5\r\nConnection: close\r\n", 5, False, False),
    ],
)
def test_framing(fields, length, chunked, plain):
    head = parse(fields)
    assert (head.content_length, head.chunked, head.plain) == (length, chunked, plain)


@pytest.mark.parametrize("status", [b"100 Continue", b"103 Early Hints", b"204 No Content", b"304 Not Modified"])
def test_what_has_no_body_is_not_plain(status):
    assert not parse(b"Content-Length: 5\r\n", line=b"HTTP/1.1 " + status).plain


AMBIGUOUS = {
    "two lengths that differ": b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "two lengths that agree": b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "a list of lengths": b"Content-Length: 5, 5\r\n",
    "a negative length": b"Content-Length: -1\r\n",
    "a length of 19 digits": b"Content-Length: 1000000000000000000\r\n",
    "an empty length": b"Content-Length:\r\n",
    "CL and TE": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "TE and CL": b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "gzip": b"Transfer-Encoding: gzip\r\n",
    "gzip, chunked": b"Transfer-Encoding: gzip, chunked\r\n",
    "identity": b"Transfer-Encoding: identity\r\n",
    "gzip and chunked in two lines": b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
    "chunked in two lines": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "an empty TE": b"Transfer-Encoding:\r\n",
    "a coding that only ends in chunked": b"Transfer-Encoding: Xchunked\r\n",
    "a coding that only begins as chunked": b"Transfer-Encoding: chunkedX\r\n",
    "a space before the colon": b"Content-Length : 5\r\n",
    "obs-fold": b"X: a\r\n b\r\n",
    "a bare LF": b"X: a\nY: b\r\n",
    "a bare CR": b"X: a\rb\r\n",
    "NUL": b"X: a\x00b\r\n",
}


@pytest.mark.parametrize("fields", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_is_malformed_or_ambiguous_is_refused(fields):
    with pytest.raises(UpstreamProtocolError):
        parse(fields)


def test_transfer_encoding_from_http_1_0_is_refused():
    with pytest.raises(UpstreamProtocolError):
        parse(b"Transfer-Encoding: chunked\r\n", line=b"HTTP/1.0 200 OK")


@pytest.mark.parametrize(
    ("fields", "line", "message"),
    [
        (b"", b"HTTP/2 200", "the provider's status line is malformed"),
        (b"Transfer-Encoding: gzip\r\n", b"HTTP/1.1 200 OK", "the provider's framing is ambiguous (transfer-encoding)"),
        (b"X: y\r\n" * 102, b"HTTP/1.1 200 OK", "the provider sent more than 100 header lines"),
    ],
)
def test_what_is_wrong_is_said(fields, line, message):
    with pytest.raises(UpstreamProtocolError) as caught:
        parse(fields, line)
    assert caught.value.message == message


def test_a_head_may_have_a_hundred_lines_and_no_more():
    lines = b"X: y\r\n" * 100
    assert len(parse(lines).fields) == 100
    with pytest.raises(UpstreamProtocolError):
        parse(lines + b"X: y\r\n")


@pytest.mark.parametrize(
    ("version", "fields", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: x-a\r\nConnection: Close\r\n", False),
        (b"1.1", b"Connection: close\r\nConnection: x-a\r\n", False),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", True),
    ],
)
def test_keep_alive(version, fields, kept):
    assert parse(fields, line=b"HTTP/" + version + b" 200 OK").keep_alive is kept
