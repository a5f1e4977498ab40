"""Requests that are malformed, ambiguous or abusive: bytes, what RFC 9110 and 9112 ask, what we do.

``ours`` is what the client gets on one connection: the statuses in order, then ``close`` if we ended it. Each ``200``
has reached the provider, and nothing else has. ``nginx`` is what nginx does with the same bytes where that differs,
and ``why`` explains the difference.
"""

from typing import Final, NamedTuple

KEY: Final = b"sk-client-key-of-tests"
BODY: Final = b'{"model":"m"}'
LONG: Final = 70_000
"""More than a head may have (64 KB)."""


class Row(NamedTuple):
    """One attack. ``sent`` may be a tuple: pieces with a pause between them."""

    name: str
    sent: bytes | tuple[bytes, ...]
    rfc: str
    ours: str


def head(
    *lines: bytes,
    start: bytes = b"POST /v1/chat/completions HTTP/1.1",
    host: bytes | None = b"host: proxy",
    end: bytes = b"\r\n",
) -> bytes:
    """A head with our key, a content type and these lines."""
    given = [
        start,
        *([] if host is None else [host]),
        b"authorization: Bearer " + KEY,
        b"content-type: application/json",
    ]
    return end.join([*given, *lines]) + end + end


def post(*lines: bytes, body: bytes = BODY, **parts: bytes | None) -> bytes:
    """A whole request, framed by its length unless ``lines`` say otherwise."""
    return head(*lines, b"content-length: %d" % len(body), **parts) + body  # type: ignore[arg-type]


def chunked(*lines: bytes, body: bytes, **parts: bytes | None) -> bytes:
    """A request whose body is given with its framing."""
    return head(*lines, b"transfer-encoding: chunked", **parts) + body  # type: ignore[arg-type]


def chunk(content: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(content), extension, content)


GOOD: Final = post()
LAST: Final = b"0\r\n\r\n"
WHOLE: Final = chunk(BODY) + LAST


def started(start: bytes, **parts: bytes | None) -> bytes:
    return post(start=start, **parts)


# fmt: off
REQUEST_LINES: Final = (
    Row("the plain good one", GOOD, "9112 §2.1", "200"),
    Row("HTTP/0.9", b"GET /\r\n\r\n", "9112 §3: a version is part of the line", "400 close"),
    Row("HTTP/0.9 with a path of ours", b"POST /v1/chat/completions\r\n\r\n", "9112 §3", "400 close"),
    Row("HTTP/1.0", started(b"POST /v1/chat/completions HTTP/1.0"), "9112 §9.3: closes unless asked to stay", "200 close"),
    Row("HTTP/1.2", started(b"POST /v1/chat/completions HTTP/1.2"), "9110 §2.5: a higher minor version may be taken as 1.1", "400 close"),
    Row("HTTP/1.10", started(b"POST /v1/chat/completions HTTP/1.10"), "9112 §2.3: one digit each", "400 close"),
    Row("HTTP/2.0 in a line", started(b"POST /v1/chat/completions HTTP/2.0"), "9112 §2.3: 505 or 400", "400 close"),
    Row("HTTP/3", started(b"POST /v1/chat/completions HTTP/3"), "9112 §2.3", "400 close"),
    Row("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "9113 §3.4", "400 close"),
    Row("a TLS hello on the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", "9112 §3", "400 close"),
    Row("lower-case http", started(b"POST /v1/chat/completions http/1.1"), "9112 §2.3: case-sensitive", "400 close"),
    Row("a name that is not HTTP", started(b"POST /v1/chat/completions ICY/1.1"), "9112 §2.3", "400 close"),
    Row("no version digits", started(b"POST /v1/chat/completions HTTP/"), "9112 §2.3", "400 close"),
    Row("a version with a sign", started(b"POST /v1/chat/completions HTTP/1.-1"), "9112 §2.3", "400 close"),
    Row("a version with a space", started(b"POST /v1/chat/completions HTTP/ 1.1"), "9112 §2.3", "400 close"),
    Row("two spaces before the target", started(b"POST  /v1/chat/completions HTTP/1.1"), "9112 §3: single SP", "400 close"),
    Row("two spaces before the version", started(b"POST /v1/chat/completions  HTTP/1.1"), "9112 §3: single SP", "400 close"),
    Row("a tab for a space", started(b"POST\t/v1/chat/completions HTTP/1.1"), "9112 §3: SP", "400 close"),
    Row("a space behind the version", started(b"POST /v1/chat/completions HTTP/1.1 "), "9112 §3", "400 close"),
    Row("a space before the method", started(b" POST /v1/chat/completions HTTP/1.1"), "9112 §2.2: no leading white space", "400 close"),
    Row("an empty line first", b"\r\n" + GOOD, "9112 §2.2: at least one empty line should be ignored", "200"),
    Row("three empty lines first", b"\r\n\r\n\r\n" + GOOD, "9112 §2.2", "200"),
    Row("a bare LF first", b"\n" + GOOD, "9112 §2.2: CRLF", "400 close"),
    Row("a bare CR first", b"\r" + GOOD, "9112 §2.2: bare CR is invalid", "400 close"),
    Row("NUL first", b"\x00" + GOOD, "9112 §3", "400 close"),
    Row("a byte order mark first", b"\xef\xbb\xbf" + GOOD, "9112 §2.2: octets, no text", "400 close"),
    Row("a lower-case method", started(b"post /v1/chat/completions HTTP/1.1"), "9110 §9.1: methods are case-sensitive", "400 close"),
    Row("an unknown method", started(b"BREW /v1/chat/completions HTTP/1.1"), "9110 §9.1: 501 or 405", "400 close"),
    Row("a known method that is not ours", started(b"PUT /v1/chat/completions HTTP/1.1"), "9110 §15.5.6: 405 with Allow", "405"),
    Row("CONNECT", b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n", "9110 §9.3.6", "400 close"),
    Row("TRACE", head(start=b"TRACE / HTTP/1.1"), "9110 §9.3.8: must not reflect keys", "405"),
    Row("a method with NUL", started(b"PO\x00ST /v1/chat/completions HTTP/1.1"), "9110 §5.6.2: token", "400 close"),
    Row("a method with a separator", started(b"PO(ST /v1/chat/completions HTTP/1.1"), "9110 §5.6.2: token", "400 close"),
    Row("a method of 10 KB", started(b"A" * 10_000 + b" /v1/chat/completions HTTP/1.1"), "9112 §3: 501 for a long one", "400 close"),
    Row("no method", started(b"/v1/chat/completions HTTP/1.1"), "9112 §3", "400 close"),
    Row("an empty request line", b"\r\n\r\n", "9112 §2.2", "wait"),
    Row("words", b"hello, is anybody there?\r\n\r\n", "9112 §3", "400 close"),
)

TARGETS: Final = (
    Row("a fragment", started(b"POST /v1/chat/completions#x HTTP/1.1"), "9112 §3.2: no fragment", "400 close"),
    Row("a fragment in the query", started(b"POST /v1/chat/completions?a=1#x HTTP/1.1"), "9112 §3.2", "400 close"),
    Row("absolute form", started(b"POST http://proxy/v1/chat/completions HTTP/1.1"), "9112 §3.2.2: must be accepted", "200"),
    Row("absolute form of another host", started(b"POST http://evil.example/v1/chat/completions HTTP/1.1"), "9112 §3.2.2: Host is ignored; we route by model alone", "200"),
    Row("absolute form, https", started(b"POST https://proxy/v1/chat/completions HTTP/1.1"), "9112 §3.2.2", "200"),
    Row("absolute form, ftp", started(b"POST ftp://proxy/v1/chat/completions HTTP/1.1"), "9112 §3.2.2", "400 close"),
    Row("absolute form without a path", started(b"POST http://proxy HTTP/1.1"), "9112 §3.2.1: / is meant", "405"),
    Row("authority form", started(b"POST proxy:80 HTTP/1.1"), "9112 §3.2.3: CONNECT only", "400 close"),
    Row("the asterisk", started(b"POST * HTTP/1.1"), "9112 §3.2.4: OPTIONS only", "400 close"),
    Row("no slash", started(b"POST v1/chat/completions HTTP/1.1"), "9112 §3.2.1", "400 close"),
    Row("two slashes", started(b"POST //v1/chat/completions HTTP/1.1"), "3986 §3.3: another path", "404"),
    Row("two slashes within", started(b"POST /v1//chat/completions HTTP/1.1"), "3986 §3.3: another path", "404"),
    Row("dot segments", started(b"POST /v1/x/../chat/completions HTTP/1.1"), "3986 §5.2.4: a provider might walk them", "404"),
    Row("dot segments that leave", started(b"POST /v1/../../admin HTTP/1.1"), "3986 §5.2.4", "404"),
    Row("percent-encoded dot segments", started(b"POST /v1/%2e%2e/admin HTTP/1.1"), "3986 §6.2.2.2", "404"),
    Row("a percent-encoded slash", started(b"POST /v1/chat%2fcompletions HTTP/1.1"), "3986 §2.2", "404"),
    Row("percent-encoded letters", started(b"POST /v1/chat/%63ompletions HTTP/1.1"), "3986 §6.2.2.2: equal by normal form; we take names as they are", "404"),
    Row("a percent sign alone", started(b"POST /v1/chat/completions% HTTP/1.1"), "3986 §2.1", "404"),
    Row("an encoded NUL", started(b"POST /v1/chat/completions%00 HTTP/1.1"), "3986 §2.1", "404"),
    Row("a backslash", started(b"POST /v1\\chat\\completions HTTP/1.1"), "3986 §3.3: no path character", "404"),
    Row("an encoded CRLF in the query", started(b"POST /v1/chat/completions?x=%0d%0aevil:1 HTTP/1.1"), "3986 §2.1: harmless while encoded", "200"),
    Row("bytes above ASCII", started(b"POST /v1/chat/completions\xff HTTP/1.1"), "3986 §2: encoded or not at all", "400 close"),
    Row("UTF-8", started("POST /v1/chat/complétions HTTP/1.1".encode()), "3986 §2", "400 close"),
    Row("NUL in the target", started(b"POST /v1/chat/completions\x00 HTTP/1.1"), "3986 §2", "400 close"),
    Row("DEL in the target", started(b"POST /v1/chat/completions\x7f HTTP/1.1"), "3986 §2", "400 close"),
    Row("a quotation mark in the query", started(b'POST /v1/chat/completions?a="b" HTTP/1.1'), "3986 §2: no such character; harmless, passed on", "200"),
    Row("a target of 70 KB", started(b"POST /v1/chat/completions?" + b"a" * LONG + b" HTTP/1.1"), "9112 §3: 414 or 431", "431 close"),
    Row("the query of a whole URL", started(b"POST /v1/chat/completions?u=http://x/?y=/v1 HTTP/1.1"), "3986 §3.4", "200"),
    Row("a path below that of a call", started(b"POST /v1/chat/completions/ HTTP/1.1"), "3986 §3.3: another path", "404"),
)

HOSTS: Final = (
    Row("no Host", post(host=None), "9112 §3.2: 400", "400 close"),
    Row("no Host in HTTP/1.0", started(b"POST /v1/chat/completions HTTP/1.0", host=None), "9112 §3.2: may be absent there", "200 close"),
    Row("two Hosts", post(b"host: other"), "9112 §3.2: 400", "400 close"),
    Row("two equal Hosts", post(b"host: proxy"), "9112 §3.2: 400", "400 close"),
    Row("an empty Host", post(host=b"host:"), "9112 §3.2: allowed", "200"),
    Row("a Host with a path", post(host=b"host: proxy/x"), "9112 §3.2: 400", "400 close"),
    Row("a Host with user info", post(host=b"host: a@proxy"), "9110 §7.2: no user info", "400 close"),
    Row("a Host with a space", post(host=b"host: pro xy"), "9112 §3.2: 400", "400 close"),
    Row("a Host with a comma", post(host=b"host: a,b"), "3986 §3.2.2: a sub-delimiter", "200"),
    Row("a Host of IPv6", post(host=b"host: [::1]:8002"), "3986 §3.2.2", "200"),
    Row("a Host with NUL", post(host=b"host: pro\x00xy"), "9110 §5.5", "400 close"),
    Row("a Host of 70 KB", post(host=b"host: " + b"a" * LONG), "9112 §3.2", "431 close"),
)

FIELDS: Final = (
    Row("a space before the colon", post(b"x-a : 1"), "9112 §5.1: 400", "400 close"),
    Row("a tab before the colon", post(b"x-a\t: 1"), "9112 §5.1: 400", "400 close"),
    Row("a space before the length's colon", head(b"content-length : 13") + BODY, "9112 §5.1: 400", "400 close"),
    Row("no colon", post(b"x-a"), "9112 §5: 400", "400 close"),
    Row("an empty name", post(b": 1"), "9110 §5.1: token", "400 close"),
    Row("a folded line", post(b"x-a: 1\r\n 2"), "9112 §5.2: 400 or unfold", "400 close"),
    Row("a folded line with a tab", post(b"x-a: 1\r\n\t2"), "9112 §5.2", "400 close"),
    Row("a folded length", head(b"content-length:\r\n 13") + BODY, "9112 §5.2", "400 close"),
    Row("a fold in the first line", head(b"x-b: 1", host=b" host: proxy"), "9112 §2.2: white space before the first field", "400 close"),
    Row("NUL in a value", post(b"x-a: 1\x002"), "9110 §5.5: 400", "400 close"),
    Row("NUL in a name", post(b"x-\x00a: 1"), "9110 §5.1", "400 close"),
    Row("a bare CR in a value", post(b"x-a: 1\r2"), "9112 §2.2: 400", "400 close"),
    Row("a bare LF in a value", post(b"x-a: 1\nx-b: 2"), "9112 §2.2: LF may end a line; two readers may differ", "400 close"),
    Row("lines that end in LF", post(end=b"\n"), "9112 §2.2: may be accepted; we do not", "400 close"),
    Row("the last line ends in LF", head(b"content-length: 13")[:-2] + b"\n" + BODY, "9112 §2.2", "400 close"),
    Row("lines that end in CR", post(end=b"\r"), "9112 §2.2: bare CR", "wait"),
    Row("CR CR LF", post(b"x-a: 1\r"), "9112 §2.2", "400 close"),
    Row("a control character in a value", post(b"x-a: 1\x012"), "9110 §5.5: CTL is invalid", "400 close"),
    Row("ESC in a value", post(b"x-a: \x1b[31m"), "9110 §5.5", "400 close"),
    Row("DEL in a value", post(b"x-a: \x7f"), "9110 §5.5", "400 close"),
    Row("bytes above ASCII in a value", post(b"x-a: \xff\xfe"), "9110 §5.5: obs-text, opaque", "200"),
    Row("bytes above ASCII in a name", post(b"x-\xe9: 1"), "9110 §5.1: token", "400 close"),
    Row("a name in brackets", post(b"x-(a): 1"), "9110 §5.1: token", "400 close"),
    Row("a name in quotation marks", post(b'"x-a": 1'), "9110 §5.1: token", "400 close"),
    Row("a name with an underscore", post(b"content_length: 99"), "9110 §5.1: a token, another name", "200"),
    Row("an empty value", post(b"x-a:"), "9110 §5.5", "200"),
    Row("a value of white space", post(b"x-a: \t \t"), "9110 §5.5", "200"),
    Row("101 lines", post(*(b"x-%d: 1" % n for n in range(101))), "9110 §5.4: 4xx", "431 close"),
    Row("90 lines", post(*(b"x-%d: 1" % n for n in range(90))), "9110 §5.4", "200"),
    Row("a value of 70 KB", post(b"x-a: " + b"a" * LONG), "9110 §5.4", "431 close"),
    Row("a name of 70 KB", post(b"a" * LONG + b": 1"), "9110 §5.4", "431 close"),
    Row("70 KB without an end", b"POST /v1/chat/completions HTTP/1.1\r\nx-a: " + b"a" * LONG, "9110 §5.4", "431 close"),
    Row("a value of 60 KB", post(b"x-a: " + b"a" * 60_000), "9110 §5.4", "200"),
    Row("two keys", post(b"authorization: Bearer other"), "9110 §5.3: a singleton", "400 close"),
    Row("two other keys", post(b"x-api-key: a", b"x-api-key: b"), "9110 §5.3: a singleton", "400 close"),
    Row("two content types", post(b"content-type: text/plain"), "9110 §8.3: a singleton", "400 close"),
    Row("an unknown expectation", post(b"expect: miracles"), "9110 §10.1.1: 417", "417 close"),
    Row("Expect in capitals", post(b"Expect: 100-Continue"), "9110 §10.1.1: case-insensitive", "200"),
    Row("an upgrade to h2c", post(b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AAMAAABkAARAAAAAAAIAAAAA"), "9110 §7.8: may be ignored", "200"),
    Row("an upgrade to websocket", post(b"connection: upgrade", b"upgrade: websocket"), "9110 §7.8: may be ignored", "200"),
    Row("Connection names the key", post(b"connection: authorization"), "9110 §7.6.1: end-to-end fields must not be named", "200"),
    Row("Connection: close", post(b"connection: close"), "9112 §9.6", "200 close"),
    Row("Connection: CLOSE, x", post(b"connection: CLOSE , x"), "9110 §7.6.1: case-insensitive", "200 close"),
    Row("Connection: keep-alive, close", post(b"connection: keep-alive, close"), "9112 §9.3: close wins", "200 close"),
)

LENGTHS: Final = (
    Row("two lengths", head(b"content-length: 13", b"content-length: 14") + BODY, "9112 §6.3: 400", "400 close"),
    Row("two equal lengths", head(b"content-length: 13", b"content-length: 13") + BODY, "9112 §6.3: may be one; we do not", "400 close"),
    Row("a list of equal lengths", head(b"content-length: 13, 13") + BODY, "9112 §6.3: may be one; we do not", "400 close"),
    Row("a list of lengths", head(b"content-length: 13, 14") + BODY, "9112 §6.3: 400", "400 close"),
    Row("a signed length", head(b"content-length: +13") + BODY, "9110 §8.6: digits", "400 close"),
    Row("a negative length", head(b"content-length: -1") + BODY, "9110 §8.6", "400 close"),
    Row("a length in hexadecimal", head(b"content-length: 0xd") + BODY, "9110 §8.6", "400 close"),
    Row("a length with a letter", head(b"content-length: 13a") + BODY, "9110 §8.6", "400 close"),
    Row("a length with a fraction", head(b"content-length: 13.0") + BODY, "9110 §8.6", "400 close"),
    Row("a length with an exponent", head(b"content-length: 1e1") + BODY, "9110 §8.6", "400 close"),
    Row("a length with a space within", head(b"content-length: 1 3") + BODY, "9110 §8.6", "400 close"),
    Row("a length in other digits", head("content-length: ١٣".encode()) + BODY, "9110 §8.6: ASCII digits", "400 close"),
    Row("an underscore in a length", head(b"content-length: 1_3") + BODY, "9110 §8.6", "400 close"),
    Row("an empty length", head(b"content-length:") + BODY, "9110 §8.6", "400 close"),
    Row("a length with leading zeros", head(b"content-length: 0000013") + BODY, "9110 §8.6: digits", "200"),
    Row("a length of 2^64", head(b"content-length: 18446744073709551616") + BODY, "9110 §8.6: beware of overflow", "400 close"),
    Row("a length of 2^63", head(b"content-length: 9223372036854775808") + BODY, "9110 §8.6", "400 close"),
    Row("a length of 300 digits", head(b"content-length: " + b"9" * 300) + BODY, "9110 §8.6", "400 close"),
    Row("a length of 1 TB", head(b"content-length: 1000000000000"), "9110 §15.5.14: 413", "413 close"),
    Row("a length shorter than the body", head(b"content-length: 5") + BODY, "9112 §6.3: the rest is the next request", "400 400 close"),
    Row("a length longer than the body", head(b"content-length: 14") + BODY, "9112 §8: incomplete", "wait"),
    Row("no length and a body", head() + BODY, "9112 §6.3: no body; the rest is the next request", "400 400 close"),
    Row("a length in a GET", head(b"content-length: 13", start=b"GET /health HTTP/1.1") + BODY, "9110 §9.3.1: content without meaning", "200h"),
    Row("NUL in a length", head(b"content-length: 13\x00") + BODY, "9110 §5.5", "400 close"),
    Row("white space around a length", head(b"content-length: \t 13 \t") + BODY, "9110 §5.5: stripped", "200"),
    Row("a vertical tab before a length", head(b"content-length: \x0b13") + BODY, "9110 §5.5: no white space", "400 close"),
)

CODINGS: Final = (
    Row("chunked, good", chunked(body=WHOLE), "9112 §7.1", "200"),
    Row("a length and chunked", head(b"content-length: 13", b"transfer-encoding: chunked") + WHOLE, "9112 §6.3: may be an attack", "400 close"),
    Row("chunked and a length", head(b"transfer-encoding: chunked", b"content-length: 13") + WHOLE, "9112 §6.3", "400 close"),
    Row("a length of 0 and chunked", head(b"content-length: 0", b"transfer-encoding: chunked") + WHOLE, "9112 §6.3", "400 close"),
    Row("chunked twice", head(b"transfer-encoding: chunked", b"transfer-encoding: chunked") + WHOLE, "9112 §7: only once", "400 close"),
    Row("chunked, chunked", head(b"transfer-encoding: chunked, chunked") + WHOLE, "9112 §7: only once", "400 close"),
    Row("gzip, chunked", head(b"transfer-encoding: gzip, chunked") + WHOLE, "9112 §6.1: 501", "400 close"),
    Row("chunked, gzip", head(b"transfer-encoding: chunked, gzip") + WHOLE, "9112 §6.3: 400", "400 close"),
    Row("identity", head(b"transfer-encoding: identity", b"content-length: 13") + BODY, "9112 §7: gone", "400 close"),
    Row("identity, chunked", head(b"transfer-encoding: identity, chunked") + WHOLE, "9112 §7", "400 close"),
    Row("chunked in capitals", head(b"Transfer-Encoding: CHUNKED") + WHOLE, "9112 §7: case-insensitive", "200"),
    Row("xchunked", head(b"transfer-encoding: xchunked") + WHOLE, "9112 §6.1: 501", "400 close"),
    Row("chunked in quotation marks", head(b'transfer-encoding: "chunked"') + WHOLE, "9112 §7: token", "400 close"),
    Row("chunked with a parameter", head(b"transfer-encoding: chunked;q=1") + WHOLE, "9112 §7", "400 close"),
    Row("chunked behind a tab", head(b"transfer-encoding:\tchunked") + WHOLE, "9110 §5.5: white space is stripped", "200"),
    Row("chunked behind a vertical tab", head(b"transfer-encoding: \x0bchunked") + WHOLE, "9110 §5.5", "400 close"),
    Row("chunked with NUL", head(b"transfer-encoding: chunked\x00") + WHOLE, "9110 §5.5", "400 close"),
    Row("a comma before chunked", head(b"transfer-encoding: , chunked") + WHOLE, "9110 §5.6.1: empty elements may be ignored; we do not", "400 close"),
    Row("an empty coding", head(b"transfer-encoding:", b"content-length: 13") + BODY, "9112 §6.3", "400 close"),
    Row("a space in the name", head(b"transfer-encoding : chunked") + WHOLE, "9112 §5.1: 400", "400 close"),
    Row("a folded coding", head(b"transfer-encoding:\r\n chunked") + WHOLE, "9112 §5.2", "400 close"),
    Row("an underscore in the name", head(b"transfer_encoding: chunked", b"content-length: 13") + BODY, "9110 §5.1: another name", "200"),
    Row("chunked in HTTP/1.0", chunked(body=WHOLE, start=b"POST /v1/chat/completions HTTP/1.0"), "9112 §6.1: faulty framing", "400 close"),
    Row("the TE field", post(b"te: trailers, gzip"), "9110 §10.1.4: of the hop", "200"),
    Row("a compressed body", post(b"content-encoding: gzip"), "9110 §8.4: 415", "415"),
)

CHUNKS: Final = (
    Row("two chunks", chunked(body=chunk(BODY[:5]) + chunk(BODY[5:]) + LAST), "9112 §7.1", "200"),
    Row("a size in capitals", chunked(body=b"D\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1: HEXDIG", "200"),
    Row("a size with leading zeros", chunked(body=b"0000d\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "200"),
    Row("a size of 16 digits", chunked(body=b"000000000000000d\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1: beware of overflow", "400 close"),
    Row("a size of 2^64", chunked(body=b"10000000000000000\r\n" + BODY), "9112 §7.1", "400 close"),
    Row("a size with a sign", chunked(body=b"+d\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("a negative size", chunked(body=b"-1\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("a size with 0x", chunked(body=b"0xd\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("a size with an underscore", chunked(body=b"0_d\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("no size", chunked(body=b"\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("a size that is no number", chunked(body=b"xyz\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("a space before the size", chunked(body=b" d\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("a space behind the size", chunked(body=b"d \r\n" + BODY + b"\r\n" + LAST), "9112 §7.1: no white space there", "400 close"),
    Row("NUL behind the size", chunked(body=b"d\x00\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("an extension", chunked(body=chunk(BODY, b";a=b") + LAST), "9112 §7.1.1: ignored", "200"),
    Row("a quoted extension", chunked(body=chunk(BODY, b';a="b;c"') + LAST), "9112 §7.1.1", "200"),
    Row("an extension of white space", chunked(body=chunk(BODY, b" ; a = b") + LAST), "9112 §7.1.1: BWS", "200"),
    Row("an extension with a bare LF", chunked(body=chunk(BODY, b";a\nb") + LAST), "9112 §2.2", "400 close"),
    Row("an extension with a bare CR", chunked(body=chunk(BODY, b";a\rb") + LAST), "9112 §2.2", "400 close"),
    Row("an extension with NUL", chunked(body=chunk(BODY, b";a\x00") + LAST), "9112 §7.1.1", "400 close"),
    Row("an extension of 10 KB", chunked(body=chunk(BODY, b";" + b"a" * 10_000) + LAST), "9112 §7.1.1: limit them", "400 close"),
    Row("a bare LF behind the size", chunked(body=b"d\n" + BODY + b"\r\n" + LAST), "9112 §2.2", "400 close"),
    Row("a bare CR behind the size", chunked(body=b"d\r" + BODY + b"\r\n" + LAST), "9112 §2.2", "400 close"),
    Row("a bare LF behind the content", chunked(body=b"d\r\n" + BODY + b"\n" + LAST), "9112 §7.1", "400 close"),
    Row("nothing behind the content", chunked(body=b"d\r\n" + BODY + LAST), "9112 §7.1", "400 close"),
    Row("a chunk longer than its size", chunked(body=b"5\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "400 close"),
    Row("a chunk shorter than its size", chunked(body=b"20\r\n" + BODY + b"\r\n" + LAST), "9112 §8: incomplete", "wait"),
    Row("no last chunk", chunked(body=chunk(BODY)), "9112 §8: incomplete", "wait"),
    Row("no empty line behind the last chunk", chunked(body=chunk(BODY) + b"0\r\n"), "9112 §8: incomplete", "wait"),
    Row("a bare LF behind the last chunk", chunked(body=chunk(BODY) + b"0\r\n\n"), "9112 §2.2", "400 close"),
    Row("a last chunk of many zeros", chunked(body=chunk(BODY) + b"000000\r\n\r\n"), "9112 §7.1: 1*0", "200"),
    Row("a trailer", chunked(body=chunk(BODY) + b"0\r\nx-t: 1\r\n\r\n"), "9112 §7.1.2: may be dropped", "200"),
    Row("a trailer that is a key", chunked(body=chunk(BODY) + b"0\r\nauthorization: Bearer other\r\n\r\n"), "9110 §6.5.1: must not override", "200"),
    Row("a trailer that is a length", chunked(body=chunk(BODY) + b"0\r\ncontent-length: 5\r\n\r\n"), "9110 §6.5.1", "200"),
    Row("a trailer with a space before its colon", chunked(body=chunk(BODY) + b"0\r\nx-t : 1\r\n\r\n"), "9112 §5.1", "400 close"),
    Row("a folded trailer", chunked(body=chunk(BODY) + b"0\r\nx-t: 1\r\n 2\r\n\r\n"), "9112 §5.2", "400 close"),
    Row("trailers of 70 KB", chunked(body=chunk(BODY) + b"0\r\nx-t: " + b"a" * LONG + b"\r\n\r\n"), "9112 §7.1.2: limit them", "400 close"),
    Row("a request for the trailer", chunked(body=chunk(BODY) + b"0\r\nPOST /v1/embeddings HTTP/1.1\r\nhost: x\r\n\r\n"), "9112 §7.1.2", "400 close"),
    Row("a swarm of tiny chunks", chunked(body=b"".join(chunk(b" ") for _ in range(20_000)) + WHOLE), "9112 §7.1: more framing than content", "400 close"),
    Row("an empty body", chunked(body=LAST), "9112 §7.1", "400"),
)

PIPELINES: Final = (
    Row("two requests at once", GOOD + GOOD, "9112 §9.3.2: answered in order", "200 200"),
    Row("five requests at once", GOOD * 5, "9112 §9.3.2", "200 200 200 200 200"),
    Row("two chunked ones", chunked(body=WHOLE) * 2, "9112 §9.3.2", "200 200"),
    Row("an error between two", GOOD + post(body=b"{}") + GOOD, "9112 §9.3.2", "200 400 200"),
    Row("bad HTTP between two", GOOD + b"BAD\r\n\r\n" + GOOD, "9112 §9.3.2: what is behind it cannot be trusted", "200 400 close"),
    Row("a wrong key between two", GOOD + post().replace(KEY, b"sk-wrong") + GOOD, "9110 §15.5.2", "200 401 200"),
    Row("a close between two", post(b"connection: close") + GOOD, "9112 §9.6: the second is not answered", "200 close"),
    Row("a smuggled request in a body", post(body=b'{"model":"m","x":"\\r\\n' + b"POST /v1/embeddings HTTP/1.1" + b'"}'), "9112 §6: content is content", "200"),
    Row("a smuggled request behind a short length", head(b"content-length: 0") + b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n", "9112 §6.3: it is the next request", "400 200h"),
    Row("an empty line between two", GOOD + b"\r\n" + GOOD, "9112 §2.2: may be ignored", "200 200"),
    Row("a split head", (GOOD[:20], GOOD[20:]), "9112 §2.2: octets, however they come", "200"),
    Row("a split in CRLF CRLF", (GOOD.partition(b"\r\n\r\n")[0] + b"\r\n\r", b"\n" + BODY), "9112 §2.2", "200"),
    Row("a split body", (GOOD[:-6], GOOD[-6:]), "9112 §6", "200"),
    Row("a split chunk size", (chunked(body=b""), b"d", b"\r", b"\n" + BODY + b"\r\n" + LAST), "9112 §7.1", "200"),
    Row("a body that never ends", head(b"content-length: 100") + BODY, "9112 §8", "wait"),
    Row("HEAD of what we serve", head(start=b"HEAD /health HTTP/1.1"), "9110 §9.3.2: no content", "200h"),
    Row("HEAD of a call", head(start=b"HEAD /v1/chat/completions HTTP/1.1"), "9110 §9.3.2", "405"),
)

BODIES: Final = (
    Row("two models", post(body=b'{"model":"m","model":"other"}'), "8259 §4: names should be unique", "400"),
    Row("two models, one escaped", post(body=b'{"model":"m","\\u006dodel":"other"}'), "8259 §4", "400"),
    Row("a model that is no string", post(body=b'{"model":["m"]}'), "8259", "400"),
    Row("nesting of 100,000", post(body=b'{"model":"m","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "8259 §9: limit it", "400"),
    Row("an object without an end", post(body=b'{"model":"m"'), "8259", "400"),
    Row("two objects", post(body=b'{"model":"m"}{"model":"other"}'), "8259 §2: one value", "400"),
    Row("bytes that are no UTF-8", post(body=b'{"model":"m","x":"\xff"}'), "8259 §8.1", "400"),
    Row("an overlong slash in UTF-8", post(body=b'{"model":"m","x":"\xc0\xaf"}'), "3629 §3", "400"),
    Row("a surrogate in UTF-8", post(body=b'{"model":"m","x":"\xed\xa0\x80"}'), "3629 §3", "400"),
    Row("a number of 10,000 digits", post(body=b'{"model":"m","x":' + b"1" * 10_000 + b"}"), "8259 §6: passed on", "200"),
    Row("UTF-16", post(body='{"model":"m"}'.encode("utf-16")), "8259 §8.1: UTF-8", "400"),
    Row("a CRLF in the model", post(body=b'{"model":"m\\r\\nx-evil: 1"}'), "9110 §5.5: must not reach a field, and does not", "200"),
)

ROWS: Final = (
    *REQUEST_LINES, *TARGETS, *HOSTS, *FIELDS, *LENGTHS, *CODINGS, *CHUNKS, *PIPELINES, *BODIES,
)  # fmt: skip
