"""Request heads row by row: what RFC 9110 and RFC 9112 ask, and what we do."""

import pytest

from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.head import RequestHead, _settle_transfer_encoding, check_unfinished, parse_request_head

HOST = b"Host: a\r\n"
CL, TE = b"Content-Length: ", b"Transfer-Encoding: "


def request(fields=b"", line=b"POST /x HTTP/1.1", host=HOST):
    return line + b"\r\n" + host + fields + b"\r\n"


def parse(fields=b"", line=b"POST /x HTTP/1.1", host=HOST):
    return parse_request_head(request(fields, line, host))


def refusal(data):
    with pytest.raises(ProtocolError) as caught:
        parse_request_head(data)
    return caught.value.status


# --- framing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "length", "chunked"),
    [
        (b"", 0, False),  # RFC 9112 §6.3, 7: no length, no body
        (CL + b"0\r\n", 0, False),
        (CL + b"5\r\n", 5, False),
        (CL + b"005\r\n", 5, False),
        (CL + b"5 \t\r\n", 5, False),  # OWS belongs to no value
        (b"content-length:5\r\n", 5, False),
        (b"CONTENT-LENGTH:\t5\r\n", 5, False),
        (CL + b"999999999999999999\r\n", 999999999999999999, False),
        (TE + b"chunked\r\n", 0, True),
        (TE + b"Chunked\r\n", 0, True),  # RFC 9112 §7: codings are case-insensitive
        (TE + b"\t chunked \r\n", 0, True),
        (b"transfer-encoding:chunked\r\n", 0, True),
        (b"Transfer_Encoding: chunked\r\n", 0, False),  # another field altogether
        (b"X-Content-Length: 5\r\n", 0, False),
    ],
)
def test_framing(fields, length, chunked):
    head = parse(fields)
    assert (head.content_length, head.chunked) == (length, chunked)


SMUGGLING = {
    "CL and TE": CL + b"5\r\n" + TE + b"chunked\r\n",
    "TE and CL": TE + b"chunked\r\n" + CL + b"5\r\n",
    "CL 0 and TE": CL + b"0\r\n" + TE + b"chunked\r\n",
    "two CL that differ": CL + b"5\r\n" + CL + b"6\r\n",
    "two CL that agree": CL + b"5\r\n" + CL + b"5\r\n",
    "a list of lengths": CL + b"5, 5\r\n",
    "a length with a sign": CL + b"+5\r\n",
    "a negative length": CL + b"-5\r\n",
    "a hexadecimal length": CL + b"0x5\r\n",
    "a length with an underscore": CL + b"1_0\r\n",
    "a fraction": CL + b"5.0\r\n",
    "two numbers": CL + b"5 5\r\n",
    "an empty length": b"Content-Length:\r\n",
    "a length of 20 digits": CL + b"9" * 20 + b"\r\n",
    "a length of 19 digits": CL + b"1" + b"0" * 18 + b"\r\n",
    "leading zeros without end": CL + b"0" * 30 + b"5\r\n",
    "white space before the colon of CL": b"Content-Length : 5\r\n",
    "white space before the colon of TE": b"Transfer-Encoding : chunked\r\n",
    "a tab before the colon": b"Transfer-Encoding\t: chunked\r\n",
    "a folded TE": b"Transfer-Encoding:\r\n chunked\r\n",
    "a folded CL": CL + b"1\r\n 0\r\n",
    "an indented TE": b" " + TE + b"chunked\r\n",
    "two TE": (TE + b"chunked\r\n") * 2,
    "two TE, one of them identity": TE + b"chunked\r\n" + TE + b"identity\r\n",
    "another coding before chunked": TE + b"gzip, chunked\r\n",
    "another coding after chunked": TE + b"chunked, gzip\r\n",
    "identity": TE + b"identity\r\n",
    "gzip alone": TE + b"gzip\r\n",
    "xchunked": TE + b"xchunked\r\n",
    "chunkedx": TE + b"chunkedx\r\n",
    "a parameter": TE + b"chunked;q=1\r\n",
    "a quoted coding": TE + b'"chunked"\r\n',
    "chunked twice": TE + b"chunked, chunked\r\n",
    "a comma before": TE + b", chunked\r\n",
    "a comma behind": TE + b"chunked,\r\n",
    "an empty TE": b"Transfer-Encoding:\r\n",
    "an empty TE beside CL": b"Transfer-Encoding:\r\n" + CL + b"5\r\n",
    "a vertical tab": TE + b"\x0bchunked\r\n",
    "NUL behind TE": TE + b"chunked\x00\r\n",
    "a non-breaking space": TE + b"\xa0chunked\r\n",
    "a bare CR behind TE": TE + b"chunked\rX: y\r\n",
    "TE behind a bare LF": b"X: y\n" + TE + b"chunked\r\n",
}


@pytest.mark.parametrize("fields", SMUGGLING.values(), ids=SMUGGLING)
def test_ambiguous_framing_is_refused(fields):
    assert refusal(request(fields)) == 400


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (request(line=b"POST x"), "the request line is not `METHOD /target HTTP/1.1`"),
        (request(line=b"POST ftp://a/x HTTP/1.1"), "the request target is no path"),
        (request(host=b""), "no Host field"),
        (request(host=b"Host: a b\r\n"), "bad Host field"),
        (request(host=HOST * 2), "two host fields"),
        (request(CL + b"5 5\r\n"), None),  # llhttp's own words
        (request(CL + b"9" * 19 + b"\r\n"), "bad Content-Length"),
        (request(TE + b"gzip, chunked\r\n"), None),
        (request(TE + b"chunked\r\n", line=b"POST / HTTP/1.0"), "Transfer-Encoding on HTTP/1.0"),
        (request(b"Expect: something\r\n"), "the only expectation we can meet is 100-continue"),
        (request(b"X: y\r\n" * 100), "more than 100 header lines"),
    ],
)
def test_what_is_wrong_is_said(data, message):
    with pytest.raises(ProtocolError) as caught:
        parse_request_head(data)
    assert caught.value.message
    assert message in {None, caught.value.message}


def test_both_lengths_are_refused_by_us_too():
    """Llhttp does it first; RFC 9112 §6.1 is too dear to hang on one of its options alone."""
    head = RequestHead()
    head.fields = {b"content-length": b"5", b"transfer-encoding": b"chunked"}
    with pytest.raises(ProtocolError, match="both Content-Length and Transfer-Encoding"):
        _settle_transfer_encoding(head)
    assert not head.chunked


def test_transfer_encoding_on_http_1_0_is_faulty_framing():  # RFC 9112 §6.1
    assert refusal(request(TE + b"chunked\r\n", line=b"POST / HTTP/1.0")) == 400
    assert parse(CL + b"5\r\n", line=b"POST / HTTP/1.0").content_length == 5


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0"])
def test_the_body_behind_an_upgrade_is_ours_to_read(upgrade):
    """Java's client sends ``Upgrade: h2c`` with each first request, body and all."""
    fields = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + upgrade + b"\r\nHTTP2-Settings: AAEAAE\r\n"
    head = parse(fields + CL + b"4\r\nX-Last: z\r\n")
    assert head.content_length == 4
    assert head.fields[b"x-last"] == b"z"
    assert head.keep_alive


# --- fields ----------------------------------------------------------------------------------------------------------


def test_fields_are_lower_case_stripped_and_joined():
    head = parse(b"X-One:  a \t\r\nX-EMPTY:\r\nx-one: b  \r\nX-Two:b:c\r\nX-Last: \xe9\r\n")
    assert head.fields == {
        b"host": b"a",
        b"x-one": b"a, b",  # RFC 9110 §5.3
        b"x-empty": b"",
        b"x-two": b"b:c",
        b"x-last": b"\xe9",
    }


@pytest.mark.parametrize(
    "name", [b"Host", b"Authorization", b"X-Api-Key", b"Content-Type", b"Expect", b"AUTHORIZATION", b"x-API-key"]
)
def test_fields_that_must_stand_once(name):
    value = b"100-continue" if name == b"Expect" else b"a"
    line = name + b": " + value + b"\r\n"
    host = b"" if name == b"Host" else HOST
    assert parse(line, host=host).fields[name.lower()] == value
    assert refusal(request(line + name.upper() + b": " + value + b"\r\n", host=host)) == 400


MALFORMED = {
    "no colon": b"X\r\n",
    "no name": b": a\r\n",
    "a space in the name": b"X Y: a\r\n",
    "a space before the colon": b"X : a\r\n",
    "a parenthesis in the name": b"X(: a\r\n",
    "an octet over 127 in the name": b"X\xff: a\r\n",
    "a quote in the name": b'"X": a\r\n',
    "a folded line (obs-fold)": b"X: a\r\n b\r\n",
    "a line folded by a tab": b"X: a\r\n\tb\r\n",
    "white space before the first field": b" X: a\r\n",
    "a bare CR in a value": b"X: a\rb\r\n",
    "a bare LF in a value": b"X: a\nY: b\r\n",
    "CR CR LF": b"X: a\r\r\n",
    "NUL in a value": b"X: a\x00b\r\n",
    "NUL in a name": b"X\x00: a\r\n",
    "a control character": b"X: a\x01b\r\n",
    "DEL": b"X: a\x7fb\r\n",
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("field", MALFORMED.values(), ids=MALFORMED)
def test_malformed_fields_are_refused(field, first):
    assert refusal(b"GET / HTTP/1.1\r\n" + (field + HOST if first else HOST + field) + b"\r\n") == 400


def test_a_head_may_have_a_hundred_lines_and_no_more():
    lines = b"".join(b"X-%d: y\r\n" % number for number in range(99))
    assert len(parse(lines).fields) == 100
    assert refusal(request(lines + b"Z: z\r\n")) == 431


# --- request line ----------------------------------------------------------------------------------------------------

# RFC 9112 §3: method SP request-target SP HTTP-version
LINES = {
    b"GET / HTTP/1.1": (b"GET", b"/", b""),
    b"GET /a/b?c=d&e HTTP/1.1": (b"GET", b"/a/b", b"c=d&e"),
    b"GET /a?b?c HTTP/1.1": (b"GET", b"/a", b"b?c"),
    b"GET /? HTTP/1.1": (b"GET", b"/", b""),
    b"GET //a/../%2e%00 HTTP/1.1": (b"GET", b"//a/../%2e%00", b""),  # nothing is decoded or merged
    b"M-SEARCH / HTTP/1.1": (b"M-SEARCH", b"/", b""),
    b"OPTIONS * HTTP/1.1": (b"OPTIONS", b"*", b""),  # asterisk-form
    # absolute-form: a server must accept it (§3.2.2)
    b"GET http://a.b/c?d HTTP/1.1": (b"GET", b"/c", b"d"),
    b"GET http://a.b:80 HTTP/1.1": (b"GET", b"/", b""),
    b"GET http://a.b?c HTTP/1.1": (b"GET", b"/", b"c"),
    b"GET HTTPS://[::1]:1/c HTTP/1.1": (b"GET", b"/c", b""),
}


@pytest.mark.parametrize("line", LINES)
def test_request_line(line):
    head = parse(line=line)
    assert (head.method, head.path, head.query) == LINES[line]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /",  # HTTP/0.9
        b"GET / ",
        b"GET",
        b"",
        b"GET / HTTP/0.9",
        b"GET / HTTP/1.2",
        b"GET / HTTP/2.0",
        b"GET / HTTP/3",
        b"PRI * HTTP/2.0",  # the preface (RFC 9113 §3.4)
        b"GET / HTTP/01.1",
        b"GET / HTTP/1.10",
        b"GET / http/1.1",
        b"GET / RTSP/1.0",
        b"GET / HTTP/1.1 ",
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b" GET / HTTP/1.1",
        b"\r GET / HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"get / HTTP/1.1",
        b"FOO / HTTP/1.1",
        b"GET /#fragment HTTP/1.1",  # §3.2: no fragment in any form
        b"GET http://a/#f HTTP/1.1",
        b"GET /\xc3\xa4 HTTP/1.1",
        b"GET /a\x00 HTTP/1.1",
        b"GET /a\x7f HTTP/1.1",
        b"GET path HTTP/1.1",
        b"GET ?q HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET ftp://a/ HTTP/1.1",
        b"GET http:///c HTTP/1.1",  # RFC 9110 §4.2.1: no host
        b"GET http:/c HTTP/1.1",
        b"CONNECT a:443 HTTP/1.1",
    ],
)
def test_a_request_line_that_is_none(line):
    assert refusal(request(line=line)) == 400


# --- Host, Expect, Connection ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [b"", b"a", b"a.b:80", b"[::1]:8", b"127.0.0.1", b"a%20b", b"a_b"])
def test_host(host):
    assert parse(host=b"Host: " + host + b"\r\n").fields[b"host"] == host


@pytest.mark.parametrize(
    "host",
    [
        b"",  # none at all: RFC 9112 §3.2
        b"Host: a\r\nHost: a\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: u@a\r\n",
        b"Host: a?b\r\n",
        b"Host: a#b\r\n",
        b"Host: a\\b\r\n",
        b"Host: \xc3\xa4\r\n",
        b"Host: a\tb\r\n",
    ],
)
def test_a_host_that_is_none(host):
    assert refusal(request(host=host)) == 400


def test_http_1_0_needs_no_host():
    assert parse(line=b"GET / HTTP/1.0", host=b"").version == 0
    assert refusal(request(line=b"GET / HTTP/1.0", host=b"Host: a b\r\n")) == 400


@pytest.mark.parametrize(
    ("version", "value", "awaited"),
    [
        (b"1.1", b"100-continue", True),
        (b"1.1", b"100-Continue", True),
        (b"1.0", b"100-continue", False),  # RFC 9110 §10.1.1: must be ignored
    ],
)
def test_expect(version, value, awaited):
    assert parse(b"Expect: " + value + b"\r\n", line=b"POST / HTTP/" + version).expect_continue is awaited


@pytest.mark.parametrize("value", [b"", b"200-ok", b"100-continue, x"])
def test_an_expectation_that_we_cannot_meet(value):
    assert refusal(request(b"Expect: " + value + b"\r\n")) == 417


@pytest.mark.parametrize(
    ("version", "fields", "kept"),  # RFC 9112 §9.3
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: Close\r\n", False),
        (b"1.1", b"Connection: x-a, close\r\n", False),
        (b"1.1", b"Connection: keep-alive, close\r\n", False),
        (b"1.1", b"Connection: x-a\r\nConnection: close\r\n", False),
        (b"1.1", b"Connection: closed\r\n", True),
        (b"1.1", b"Connection:\r\n", True),
        (b"1.1", b"Proxy-Connection: close\r\n", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", True),
        (b"1.0", b"Connection: Keep-Alive, x-a\r\n", True),
        (b"1.0", b"Connection: keep-alive, close\r\n", False),
        (b"1.0", b"Connection: keep-alives\r\n", False),
    ],
)
def test_keep_alive(version, fields, kept):
    assert parse(fields, line=b"GET / HTTP/" + version).keep_alive is kept


# --- heads in the making ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"G", b"GET / HT", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r"])
def test_what_may_become_a_head_is_waited_for(data):
    check_unfinished(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\nGET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nHost: a\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"get",
        b" ",
        b"\x16\x03\x01",  # TLS on a port without
        b"\x00",
    ],
)
def test_what_cannot_become_a_head_is_refused_at_once(data):
    with pytest.raises(ProtocolError) as caught:
        check_unfinished(data)
    assert caught.value.status == 400
