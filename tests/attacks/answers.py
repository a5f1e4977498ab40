"""What a provider may answer that is malformed, ambiguous or abusive: bytes, what RFC 9110 and 9112 ask, what we do.

``ours`` is what the client gets: the status, then ``whole`` or ``cut`` (the connection was broken off in the middle, so
that nobody takes the answer for whole). ``kept``: the connection to the provider carried the next call.
"""

from typing import Final, NamedTuple

JSON: Final = b"content-type: application/json"
BODY: Final = b'{"id":"a"}'
EVENT: Final = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
DONE: Final = b"data: [DONE]\n\n"


class Row(NamedTuple):
    """One answer; ``closes``: the provider closes the connection behind it. A tuple: pieces with a pause between them."""

    name: str
    sent: bytes | tuple[bytes, ...]
    rfc: str
    ours: str
    kept: bool = False
    closes: bool = False


def answer(*lines: bytes, body: bytes = BODY, start: bytes = b"HTTP/1.1 200 OK", end: bytes = b"\r\n") -> bytes:
    """Status line, fields and body as given: framing is the row's to say."""
    return end.join([start, *lines]) + end + end + body


def sized(*lines: bytes, body: bytes = BODY, start: bytes = b"HTTP/1.1 200 OK", end: bytes = b"\r\n") -> bytes:
    return answer(JSON, *lines, b"content-length: %d" % len(body), body=body, start=start, end=end)


def chunked(body: bytes, *lines: bytes, start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    return answer(JSON, *lines, b"transfer-encoding: chunked", body=body, start=start)


def stream(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    body = b"".join(chunk(piece) for piece in pieces)
    return answer(b"content-type: text/event-stream", b"transfer-encoding: chunked", body=body + end)


def chunk(content: bytes, extension: bytes = b"") -> bytes:
    return b"%x%b\r\n%b\r\n" % (len(content), extension, content)


LAST: Final = b"0\r\n\r\n"
WHOLE: Final = chunk(BODY) + LAST
BAD: Final = "502 whole"
GOOD: Final = "200 whole"
CUT: Final = "200 cut"


def status(line: bytes, rfc: str, ours: str = BAD, *, kept: bool = False, name: str = "") -> Row:
    return Row(name or f"the line {line.decode('latin-1')!r}", sized(start=line), rfc, ours, kept)


# fmt: off
STATUS_LINES: Final = (
    Row("the plain good one", sized(), "9112 §4", GOOD, kept=True),
    status(b"HTTP/1.0 200 OK", "9112 §9.3: the connection ends", GOOD),
    Row("HTTP/1.0 that stays", sized(b"connection: keep-alive", start=b"HTTP/1.0 200 OK"), "9112 §9.3", GOOD, kept=True),
    status(b"HTTP/1.2 200 OK", "9110 §2.5: may be taken as 1.1; we do not"),
    status(b"HTTP/2 200 OK", "9112 §2.3"),
    status(b"HTTP/0.9 200 OK", "9112 §2.3"),
    status(b"http/1.1 200 OK", "9112 §2.3: case-sensitive"),
    status(b"ICY 200 OK", "9112 §4"),
    status(b"HTTP/1.1 200", "9112 §4: the space before an empty reason is asked for, and often missing", GOOD, kept=True),
    status(b"HTTP/1.1 200 ", "9112 §4", GOOD, kept=True),
    status(b"HTTP/1.1  200 OK", "9112 §4: single SP"),
    status(b"HTTP/1.1\t200 OK", "9112 §4: SP"),
    status(b" HTTP/1.1 200 OK", "9112 §4"),
    status(b"HTTP/1.1 20 OK", "9112 §4: three digits"),
    status(b"HTTP/1.1 2000 OK", "9112 §4: three digits"),
    status(b"HTTP/1.1 099 OK", "9110 §15: 100 to 599"),
    status(b"HTTP/1.1 600 OK", "9110 §15: as 5xx, or invalid"),
    status(b"HTTP/1.1 999 OK", "9110 §15"),
    status(b"HTTP/1.1 -20 OK", "9112 §4"),
    status(b"HTTP/1.1 2x0 OK", "9112 §4"),
    status(b"HTTP/1.1 200OK", "9112 §4"),
    status(b"HTTP/1.1", "9112 §4"),
    status(b"HTTP/1.1 299 Odd", "9110 §15: as 2xx", "299 whole", kept=True),
    status(b"HTTP/1.1 418 I'm a teapot", "9110 §15.5.19", "418 whole", kept=True),
    status(b"HTTP/1.1 599 Odd", "9110 §15: as 5xx", "599 whole", kept=True),
    status(b"HTTP/1.1 307 Elsewhere", "9110 §15.4: passed on, not followed", "307 whole", kept=True),
    status("HTTP/1.1 200 Gut gemäß".encode(), "9112 §4: obs-text", GOOD, kept=True, name="a reason in UTF-8"),
    status(b"HTTP/1.1 200 O\x00K", "9112 §4: no CTL", name="NUL in the reason"),
    status(b"HTTP/1.1 200 O\x1bK", "9112 §4: no CTL", name="ESC in the reason"),
    status(b"HTTP/1.1 200 O\rK", "9112 §2.2: bare CR", name="a bare CR in the reason"),
    Row("an empty line first", b"\r\n" + sized(), "9112 §2.2: of requests only", BAD),
    Row("words", b"hello\r\n\r\n", "9112 §4", BAD),
    Row("a page without HTTP", b"<html>hello</html>", "9112 §4: HTTP/0.9", BAD),
    Row("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", "9112 §4", BAD),
    Row("the settings of HTTP/2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18, "9113 §3.4", BAD),
    Row("a TLS alert", b"\x15\x03\x01\x00\x02\x02\x46", "9112 §4", BAD),
    Row("nothing", b"", "9112 §8", BAD, closes=True),
    Row("half a head", b"HTTP/1.1 200 OK\r\ncontent-le", "9112 §8", BAD, closes=True),
    Row("lines that end in LF", sized(end=b"\n"), "9112 §2.2: may be accepted; we do not", BAD),
    Row("70 KB of a status line", b"HTTP/1.1 200 " + b"a" * 70_000, "9110 §5.4", BAD),
)

INFORMATIONAL: Final = (
    Row("100 first", b"HTTP/1.1 100 Continue\r\n\r\n" + sized(), "9110 §15.2.1: skipped", GOOD, kept=True),
    Row("102 first", b"HTTP/1.1 102 Processing\r\n\r\n" + sized(), "9110 §15.2", GOOD, kept=True),
    Row("103 with fields first", b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + sized(), "8297", GOOD, kept=True),
    Row("an unknown 1xx first", b"HTTP/1.1 199 Odd\r\n\r\n" + sized(), "9110 §15.2", GOOD, kept=True),
    Row("five of them", b"HTTP/1.1 102 Processing\r\n\r\n" * 5 + sized(), "9110 §15.2", GOOD, kept=True),
    Row("a flood of 1xx", b"HTTP/1.1 102 Processing\r\n\r\n" * 5_000 + sized(), "9110 §15.2: limit them", BAD),
    Row("100 with a length", b"HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\n" + sized(), "9110 §8.6: must not; 1xx has no content", GOOD, kept=True),
    Row("101", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n", "9110 §15.2.2: nobody asked", BAD),
    Row("100 and no more", b"HTTP/1.1 100 Continue\r\n\r\n", "9112 §8", BAD, closes=True),
)

FIELDS: Final = (
    Row("a space before the colon", sized(b"x-a : 1"), "9112 §5.1: a proxy removes it; we refuse", BAD),
    Row("no colon", sized(b"x-a"), "9112 §5", BAD),
    Row("an empty name", sized(b": 1"), "9110 §5.1", BAD),
    Row("a folded line", sized(b"x-a: 1\r\n 2"), "9112 §5.2: 502 or unfold", BAD),
    Row("white space before the first field", answer(b" x: 1", b"content-length: 10"), "9112 §2.2", BAD),
    Row("NUL in a value", sized(b"x-a: 1\x002"), "9110 §5.5", BAD),
    Row("a bare CR in a value", sized(b"x-a: 1\r2"), "9112 §2.2", BAD),
    Row("a bare LF in a value", sized(b"x-a: 1\nset-cookie: evil=1"), "9112 §2.2", BAD),
    Row("CR CR LF", sized(b"x-a: 1\r"), "9112 §2.2", BAD),
    Row("a control character in a value", sized(b"x-a: \x01"), "9110 §5.5", BAD),
    Row("bytes above ASCII in a value", sized(b"x-a: \xff\xfe"), "9110 §5.5: obs-text", GOOD, kept=True),
    Row("bytes above ASCII in a name", sized(b"x-\xe9: 1"), "9110 §5.1", BAD),
    Row("an empty value", sized(b"x-a:"), "9110 §5.5", GOOD, kept=True),
    Row("101 lines", sized(*(b"x-%d: 1" % n for n in range(101))), "9110 §5.4", BAD),
    Row("90 lines", sized(*(b"x-%d: 1" % n for n in range(90))), "9110 §5.4", GOOD, kept=True),
    Row("a value of 70 KB", sized(b"x-a: " + b"a" * 70_000), "9110 §5.4", BAD),
    Row("a value of 60 KB", sized(b"x-a: " + b"a" * 60_000), "9110 §5.4", GOOD, kept=True),
    Row("two cookies", sized(b"set-cookie: a=1", b"set-cookie: b=2"), "9110 §5.3: two lines they stay", GOOD, kept=True),
    Row("two content types", sized(b"content-type: text/html"), "9110 §8.3: passed on as it is", GOOD, kept=True),
    Row("our own headers", sized(b"x-llm-provider: evil", b"x-llm-request-id: evil"), "ours are said once, by us", GOOD, kept=True),
    Row("its own CORS", sized(b"access-control-allow-origin: https://evil.example"), "ours are said once, by us", GOOD, kept=True),
    Row("Connection: close", sized(b"connection: close"), "9112 §9.6", GOOD),
    Row("Connection: close, and it stays open", sized(b"connection: close"), "9112 §9.6: it will not be used again", GOOD),
    Row("Connection names a field", sized(b"connection: x-secret", b"x-secret: 1"), "9110 §7.6.1: it stays on the hop", GOOD, kept=True),
    Row("Keep-Alive", sized(b"connection: keep-alive", b"keep-alive: timeout=1"), "9110 §7.6.1: of the hop", GOOD, kept=True),
    Row("an upgrade offered", sized(b"upgrade: h2c", b"connection: upgrade"), "9110 §7.8: of the hop", GOOD, kept=True),
    Row("a trailer announced", sized(b"trailer: x-t"), "9110 §6.6.2: of the hop", GOOD, kept=True),
    Row("Proxy-Authenticate", sized(b"proxy-authenticate: Basic"), "9110 §11.7.1: of the hop", GOOD, kept=True),
)

LENGTHS: Final = (
    Row("two lengths", answer(b"content-length: 10", b"content-length: 11"), "9112 §6.3: 502", BAD),
    Row("two equal lengths", answer(b"content-length: 10", b"content-length: 10"), "9112 §6.3: may be one; we do not", BAD),
    Row("a list of lengths", answer(b"content-length: 10, 10"), "9112 §6.3", BAD),
    Row("a signed length", answer(b"content-length: +10"), "9110 §8.6", BAD),
    Row("a negative length", answer(b"content-length: -1"), "9110 §8.6", BAD),
    Row("a length in hexadecimal", answer(b"content-length: 0xa"), "9110 §8.6", BAD),
    Row("a length with a letter", answer(b"content-length: 10a"), "9110 §8.6", BAD),
    Row("a length with a space within", answer(b"content-length: 1 0"), "9110 §8.6", BAD),
    Row("an empty length", answer(b"content-length:"), "9110 §8.6", BAD),
    Row("a length of 2^64", answer(b"content-length: 18446744073709551616"), "9110 §8.6", BAD),
    Row("a length of 300 digits", answer(b"content-length: " + b"9" * 300), "9110 §8.6", BAD),
    Row("a length with leading zeros", answer(JSON, b"content-length: 0010"), "9110 §8.6", GOOD, kept=True),
    Row("a length of 0", answer(JSON, b"content-length: 0", body=b""), "9110 §8.6", GOOD, kept=True),
    Row("a length shorter than the body", answer(JSON, b"content-length: 5"), "9112 §6.3: the rest belongs to no call", GOOD),
    Row("a second answer behind the first", sized() + sized(body=b'{"id":"evil"}'), "9112 §9.3: nobody asked for it", GOOD),
    Row("a length longer than the body", answer(JSON, b"content-length: 11"), "9112 §8: incomplete", CUT, closes=True),
    Row("a length of 1 TB", answer(JSON, b"content-length: 1000000000000"), "9112 §8: incomplete", CUT, closes=True),
    Row("no length, to the end", answer(JSON), "9112 §6.3: ends with the connection", GOOD, closes=True),
    Row("no length, HTTP/1.0", answer(JSON, start=b"HTTP/1.0 200 OK"), "9112 §6.3", GOOD, closes=True),
    Row("no length, Connection: keep-alive", answer(JSON, b"connection: keep-alive"), "9112 §6.3", GOOD, closes=True),
    Row("204 with a length and a body", answer(b"content-length: 10", start=b"HTTP/1.1 204 No Content"), "9110 §15.3.5: it has none", "204 whole"),
    Row("204", answer(body=b"", start=b"HTTP/1.1 204 No Content"), "9110 §15.3.5", "204 whole", kept=True),
    Row("304 with a length", answer(b"content-length: 10", body=b"", start=b"HTTP/1.1 304 Not Modified"), "9112 §6.3: it has no body", "304 whole", kept=True),
    Row("304 with a body", answer(b"content-length: 10", start=b"HTTP/1.1 304 Not Modified"), "9112 §6.3: what comes belongs to no call", "304 whole"),
    Row("205 with a body", sized(start=b"HTTP/1.1 205 Reset Content"), "9110 §15.3.6: must not; framed, so passed on", "205 whole", kept=True),
)

CODINGS: Final = (
    Row("chunked, good", chunked(WHOLE), "9112 §7.1", GOOD, kept=True),
    Row("chunked and a length", answer(b"transfer-encoding: chunked", b"content-length: 10", body=WHOLE), "9112 §6.3: 502 or take chunked", BAD),
    Row("chunked twice", answer(b"transfer-encoding: chunked", b"transfer-encoding: chunked", body=WHOLE), "9112 §7", BAD),
    Row("chunked, chunked", answer(b"transfer-encoding: chunked, chunked", body=WHOLE), "9112 §7", BAD),
    Row("gzip, chunked", answer(b"transfer-encoding: gzip, chunked", body=WHOLE), "9112 §7.4", BAD),
    Row("chunked, identity", answer(b"transfer-encoding: chunked, identity", body=WHOLE), "9112 §6.3", BAD),
    Row("identity and a length", answer(b"transfer-encoding: identity", b"content-length: 10"), "9112 §7", BAD),
    Row("xchunked", answer(b"transfer-encoding: xchunked", body=WHOLE), "9112 §7", BAD),
    Row("chunked in capitals", answer(JSON, b"Transfer-Encoding: Chunked", body=WHOLE), "9112 §7", GOOD, kept=True),
    Row("chunked behind a vertical tab", answer(b"transfer-encoding: \x0bchunked", body=WHOLE), "9110 §5.5", BAD),
    Row("chunked with a space before the colon", answer(b"transfer-encoding : chunked", body=WHOLE), "9112 §5.1", BAD),
    Row("chunked in HTTP/1.0", chunked(WHOLE, start=b"HTTP/1.0 200 OK"), "9112 §6.1", BAD),
    Row("an empty coding", answer(b"transfer-encoding:", b"content-length: 10"), "9112 §6.3", BAD),
    Row("a body that says it is gzip and is not", sized(b"content-encoding: gzip"), "9110 §8.4: the client's to find", GOOD, kept=True),
    Row("an unknown content coding", sized(b"content-encoding: rot13"), "9110 §8.4", GOOD, kept=True),
)

CHUNKS: Final = (
    Row("two chunks", chunked(chunk(BODY[:5]) + chunk(BODY[5:]) + LAST), "9112 §7.1", GOOD, kept=True),
    Row("an extension", chunked(chunk(BODY, b";a=b") + LAST), "9112 §7.1.1: removed", GOOD, kept=True),
    Row("an extension of white space", chunked(chunk(BODY, b" ;a=b") + LAST), "9112 §7.1.1", GOOD, kept=True),
    Row("a last chunk of many zeros", chunked(chunk(BODY) + b"0000\r\n\r\n"), "9112 §7.1", GOOD, kept=True),
    Row("a trailer", chunked(chunk(BODY) + b"0\r\nx-t: 1\r\n\r\n"), "9112 §7.1.2: may be dropped", GOOD, kept=True),
    Row("a trailer that is a cookie", chunked(chunk(BODY) + b"0\r\nset-cookie: evil=1\r\n\r\n"), "9110 §6.5.1: must not be merged", GOOD, kept=True),
    Row("swarms of tiny chunks", chunked(b"".join(chunk(b" ") for _ in range(20_000)) + WHOLE), "9112 §7.1: a letter a chunk is slow, no attack", GOOD, kept=True),
    Row("a size of 16 digits", chunked(b"000000000000000a\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1: beware of overflow", BAD),
    Row("a size of 2^64", chunked(b"10000000000000000\r\n" + BODY), "9112 §7.1", BAD),
    Row("a size with a sign", chunked(b"+a\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", BAD),
    Row("a negative size", chunked(b"-1\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", BAD),
    Row("a size with 0x", chunked(b"0xa\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", BAD),
    Row("no size", chunked(b"\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", BAD),
    Row("a space before the size", chunked(b" a\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", BAD),
    Row("a space behind the size", chunked(b"a \r\n" + BODY + b"\r\n" + LAST), "9112 §7.1: no white space there", BAD),
    Row("a bare LF behind the size", chunked(b"a\n" + BODY + b"\r\n" + LAST), "9112 §2.2", BAD),
    Row("a bare CR behind the size", chunked(b"a\r" + BODY + b"\r\n" + LAST), "9112 §2.2", BAD),
    Row("NUL in an extension", chunked(chunk(BODY, b";\x00") + LAST), "9112 §7.1.1", BAD),
    Row("an extension of 10 KB", chunked(chunk(BODY, b";" + b"a" * 10_000) + LAST), "9112 §7.1.1: limit them", BAD),
    Row("a chunk longer than its size", chunked(b"5\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", BAD),
    Row("nothing behind the content", chunked(b"a\r\n" + BODY + LAST), "9112 §7.1", BAD),
    Row("a bad size behind a good chunk", chunked(chunk(BODY) + b"zz\r\n"), "9112 §7.1", BAD),
    Row("a bad trailer", chunked(chunk(BODY) + b"0\r\nx-t : 1\r\n\r\n"), "9112 §5.1", BAD),
    Row("trailers of 70 KB", chunked(chunk(BODY) + b"0\r\nx-t: " + b"a" * 70_000 + b"\r\n\r\n"), "9112 §7.1.2: limit them", BAD),
    Row("no last chunk", chunked(chunk(BODY)), "9112 §8: incomplete", CUT, closes=True),
    Row("half a chunk", chunked(b"20\r\n" + BODY), "9112 §8", CUT, closes=True),
    Row("no empty line behind the last chunk", chunked(chunk(BODY) + b"0\r\n"), "9112 §8", CUT, closes=True),
    Row("bytes behind the last chunk", chunked(WHOLE + b"evil"), "9112 §9.3: they belong to no call", GOOD),
    Row("an answer behind the last chunk", chunked(WHOLE) + sized(body=b'{"id":"evil"}'), "9112 §9.3", GOOD),
    Row("an empty body", chunked(LAST), "9112 §7.1", GOOD, kept=True),
)

STREAMS: Final = (
    Row("a good stream", stream(EVENT, DONE), "9112 §7.1", GOOD, kept=True),
    Row("a stream that ends early, in order", stream(EVENT), "as it came; its record says so", GOOD, kept=True),
    Row("a stream cut between events", stream(EVENT, end=b""), "an error event ends it: it can stand there", "200 whole event", closes=True),
    Row("a stream cut within an event", stream(EVENT[:-5], end=b""), "broken off: an event cannot stand there", CUT, closes=True),
    Row("a stream cut before its first byte", stream(end=b""), "an error event ends it", "200 whole event", closes=True),
    Row("a compressed stream cut", answer(b"content-type: text/event-stream", b"content-encoding: gzip", b"transfer-encoding: chunked", body=chunk(b"\x1f\x8b\x08")), "broken off: no event can be put in", CUT, closes=True),
    Row("a stream with a bad chunk at once", stream(EVENT, end=b"zz\r\n"), "nothing was sent yet", BAD),
    Row("a stream with a bad chunk", (stream(EVENT, end=b""), b"zz\r\n"), "an error event ends it", "200 whole event"),
    Row("a stream with a bad chunk within an event", (stream(EVENT[:-5], end=b""), b"zz\r\n"), "broken off", CUT),
    Row("a body with a bad chunk", (chunked(chunk(BODY)), b"zz\r\n"), "broken off", CUT),
    Row("a body with a bad trailer", (chunked(chunk(BODY)), b"0\r\nx-t : 1\r\n\r\n"), "broken off", CUT),
    Row("a head in two", (sized()[:30], sized()[30:]), "9112 §2.2", GOOD, kept=True),
    Row("a length and its body in two", (sized()[:-5], sized()[-5:]), "9112 §6.3", GOOD, kept=True),
    Row("a chunk size in three", (chunked(b""), b"a", b"\r\n" + BODY + b"\r\n" + LAST), "9112 §7.1", GOOD, kept=True),
    Row("a stream of comments", stream(*[b": keep-alive\n\n"] * 500, EVENT, DONE), "as it came", GOOD, kept=True),
    Row("a stream with a length", answer(b"content-type: text/event-stream", b"content-length: %d" % len(EVENT + DONE), body=EVENT + DONE), "as it came", GOOD, kept=True),
    Row("a stream without a length", answer(b"content-type: text/event-stream", body=EVENT + DONE), "as it came", GOOD, closes=True),
    Row("a stream that lies about its length", answer(b"content-type: text/event-stream", b"content-length: 1000", body=EVENT), "9112 §8", CUT, closes=True),
    Row("a stream with NUL", stream(b"data: \x00\n\n", DONE), "as it came", GOOD, kept=True),
    Row("a stream of an event of 1 MB", stream(b"data: " + b"x" * 1_000_000 + b"\n\n", DONE), "as it came", GOOD, kept=True),
    Row("a stream of lone CR", stream(b"data: x\r\r", b"data: [DONE]\r\r"), "WHATWG SSE: a line end", GOOD, kept=True),
)

ROWS: Final = (*STATUS_LINES, *INFORMATIONAL, *FIELDS, *LENGTHS, *CODINGS, *CHUNKS, *STREAMS)
