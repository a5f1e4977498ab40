"""Request and response heads: bytes in, values out.

llhttp (by httptools) parses, from bytes that hold one head and nothing else; what it lets through and RFC 9112 or
prudence does not, is refused here: versions but 1.0 and 1.1, white space runs, fragments, no Host or two, codings but
``chunked`` alone, Transfer-Encoding on HTTP/1.0.
"""

import re
from collections.abc import Callable
from typing import Any, Final, Generic, Protocol, TypeVar

import httptools

from open_llm_proxy.http1.errors import ProtocolError, UpstreamProtocolError
from open_llm_proxy.http1.headers import tokens
from open_llm_proxy.http1.limits import REMEMBERED_HEAD_BYTES

HEAD_END: Final = b"\r\n\r\n"
# RFC 9112 §3: method SP request-target SP HTTP-version; the target is visible ASCII without "#" (no fragments, §3.2).
_REQUEST_LINE: Final = re.compile(rb"[A-Z][A-Z\-]* ([!\"$-~]+) HTTP/1\.([01])\r\n")
# RFC 9112 §4: HTTP-version SP status-code SP [ reason-phrase ]; a missing last SP is common and harmless.
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: ([\t -~\x80-\xff]*))?\r\n")
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%\-\[\]:]*")
_ABSOLUTE: Final = re.compile(rb"https?://[^/?]+", re.IGNORECASE)
_LENGTH_LINE: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,18})\r\n", re.IGNORECASE)
# Fields of which a second one changes the meaning of the message, or which of two keys counts.
_ONCE: Final = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"authorization", b"x-api-key", b"content-type", b"expect")
)


class RequestHead:
    """A client's request without its body.

    ``fields`` maps lower-case names to values without outer white space; repeated fields are joined by ``", "``
    (RFC 9110 §5.3). ``path`` and ``query`` are the target's, in origin-form; ``path`` may be ``*``. ``persistent``: the
    connection stays and nothing need be said of it (RFC 9112 §9.3: HTTP/1.1 without ``close``). ``context`` is for
    what an application derives from a head: heads are remembered, and so is that.
    """

    __slots__ = (
        "chunked",
        "content_length",
        "context",
        "expect_continue",
        "fields",
        "keep_alive",
        "method",
        "path",
        "persistent",
        "query",
        "version",
    )

    def __init__(self) -> None:
        self.persistent = True
        self.method = b""
        self.path = b""
        self.query = b""
        self.version = 1
        self.fields: dict[bytes, bytes] = {}
        self.context: Any = None
        self.content_length = 0
        self.chunked = False
        self.keep_alive = True
        self.expect_continue = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Llhttp's callback, once a field line."""
        name = name.lower()
        fields = self.fields
        if name in fields:
            if name in _ONCE:
                # httptools turns this into its callback error; parse_request_head looks for the cause.
                raise ProtocolError(400, f"two {name.decode('latin-1')} fields")
            value = fields[name] + b", " + value
        fields[name] = value.strip(b" \t")


class ResponseHead:
    """A provider's answer without its body.

    ``fields`` holds the lines in order as ``(name, lower-case name, value)``. ``content_length`` is None where the
    answer is chunked or ends with the connection. ``plain``: a final answer, framed by its length. ``context`` is for
    what an application derives from a head.
    """

    __slots__ = (
        "chunked",
        "content_length",
        "context",
        "fields",
        "keep_alive",
        "plain",
        "reason",
        "status",
        "values",
        "version",
    )

    def __init__(self) -> None:
        self.status = 0
        self.reason = b""
        self.version = 1
        self.fields: list[tuple[bytes, bytes, bytes]] = []
        self.values: dict[bytes, bytes] = {}
        self.content_length: int | None = None
        self.chunked = False
        self.keep_alive = True
        self.plain = False
        self.context: Any = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Llhttp's callback, once a field line."""
        lower = name.lower()
        value = value.strip(b" \t")
        if lower == b"transfer-encoding" and lower in self.values:
            value = self.values[lower] + b", " + value  # one list (RFC 9110 §5.3), which is not `chunked` alone
        self.fields.append((name, lower, value))
        self.values[lower] = value


def parse_request_head(data: bytes, header_lines: int = 100) -> RequestHead:
    """The request head in ``data``, which ends with the empty line.

    Raises:
        ProtocolError: 400, 417 or 431, with the reason.
    """
    line = _REQUEST_LINE.match(data)
    if line is None:
        raise ProtocolError(400, "the request line is not `METHOD /target HTTP/1.1`")
    if data.count(b"\r\n") > header_lines + 2:
        raise ProtocolError(431, f"more than {header_lines} header lines")
    head = RequestHead()
    parser = httptools.HttpRequestParser(head)
    try:
        parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        pass  # RFC 9110 §7.8: a server may ignore Upgrade; the body that follows is ours to read
    except httptools.HttpParserError as error:
        cause = error.__context__
        raise cause if isinstance(cause, ProtocolError) else ProtocolError(400, f"bad request head: {error}") from error
    head.method = parser.get_method()
    head.version = 1 if line[2] == b"1" else 0
    target = line[1]
    if target[0] != 0x2F and (head.method != b"OPTIONS" or target != b"*"):
        target = _origin_form(target)
    head.path, _, head.query = target.partition(b"?")
    _settle_request(head)
    return head


def _settle_request(head: RequestHead) -> None:
    fields = head.fields
    host = fields.get(b"host")
    if host is None:
        if head.version:
            raise ProtocolError(400, "no Host field")  # RFC 9112 §3.2
    elif not _HOST.fullmatch(host):
        raise ProtocolError(400, "bad Host field")
    if b"transfer-encoding" in fields:
        _settle_transfer_encoding(head)
    elif (length := fields.get(b"content-length")) is not None:
        head.content_length = _parse_length(length, 400)
    head.keep_alive = bool(head.version)
    if b"connection" in fields:
        options = tokens(fields[b"connection"])
        head.keep_alive = b"close" not in options and (bool(head.version) or b"keep-alive" in options)
    head.persistent = head.keep_alive and bool(head.version)
    if b"expect" in fields:
        if fields[b"expect"].lower() != b"100-continue":
            raise ProtocolError(417, "the only expectation we can meet is 100-continue")
        head.expect_continue = bool(head.version)


def _settle_transfer_encoding(head: RequestHead) -> None:
    if not head.version:
        raise ProtocolError(400, "Transfer-Encoding on HTTP/1.0")  # RFC 9112 §6.1: faulty framing
    if b"content-length" in head.fields:
        raise ProtocolError(400, "both Content-Length and Transfer-Encoding")
    if head.fields[b"transfer-encoding"].lower() != b"chunked":
        raise ProtocolError(400, "the only transfer coding we take is chunked")
    head.chunked = True


def _origin_form(target: bytes) -> bytes:
    """Absolute-form to origin-form (RFC 9112 §3.2.2: a server must accept it)."""
    match = _ABSOLUTE.match(target)
    if match is None:
        raise ProtocolError(400, "the request target is no path")
    rest = target[match.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _parse_length(value: bytes, status: int) -> int:
    """RFC 9110 §8.6: ``1*DIGIT``; a list of equal numbers is refused, too."""
    if not value.isdigit() or len(value) > 18:
        raise ProtocolError(status, "bad Content-Length")
    return int(value)


def check_unfinished(data: bytes | bytearray) -> None:
    """Refuse a head that cannot become one: without this, a bare LF would wait for its timeout.

    Raises:
        ProtocolError: 400.
    """
    if data.count(b"\n") != data.count(b"\r\n"):
        raise ProtocolError(400, "a line that ends in LF without CR")
    if data[:1] not in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r":
        raise ProtocolError(400, "the request line is not `METHOD /target HTTP/1.1`")


def parse_response_head(data: bytes, header_lines: int = 100) -> ResponseHead:
    """The response head in ``data``, which ends with the empty line.

    Raises:
        UpstreamProtocolError: The provider's head is malformed or its framing ambiguous.
    """
    line = _STATUS_LINE.match(data)
    if line is None:
        raise UpstreamProtocolError("the provider's status line is malformed")
    if data.count(b"\r\n") > header_lines + 2:
        raise UpstreamProtocolError(f"the provider sent more than {header_lines} header lines")
    head = ResponseHead()
    try:
        httptools.HttpResponseParser(head).feed_data(data)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as error:
        raise UpstreamProtocolError(f"the provider's head is malformed: {error}") from error
    head.version = 1 if line[1] == b"1" else 0
    head.status = int(line[2])
    head.reason = line[3] or b""
    _settle_response(head)
    return head


def _settle_response(head: ResponseHead) -> None:
    values = head.values
    if b"transfer-encoding" in values:
        if values[b"transfer-encoding"].lower() != b"chunked" or not head.version or b"content-length" in values:
            raise UpstreamProtocolError("the provider's framing is ambiguous (transfer-encoding)")
        head.chunked = True
    elif (length := values.get(b"content-length")) is not None:
        if not length.isdigit() or len(length) > 18:
            raise UpstreamProtocolError("the provider's content-length is no number")
        head.content_length = int(length)
    head.keep_alive = bool(head.version)
    if b"connection" in values:
        options = [token for _, lower, value in head.fields if lower == b"connection" for token in tokens(value)]
        head.keep_alive = b"close" not in options and (bool(head.version) or b"keep-alive" in options)
    head.plain = (
        head.content_length is not None and head.keep_alive and head.status >= 200 and head.status not in {204, 304}
    )


class _Measured(Protocol):
    content_length: Any


Head = TypeVar("Head", bound=_Measured)


class HeadReader(Generic[Head]):
    """The heads of one connection; the last one is remembered.

    Peers repeat themselves: on a busy connection only the number in ``content-length`` changes between heads. The
    memory is exact: the same bytes around a number parse to the same head, but for that number. What it gives is shared
    between messages and must not be written to, but for ``context``.
    """

    __slots__ = ("_header_lines", "_parse", "_prefix", "_prefix_bytes", "_suffix", "_suffix_bytes", "head")

    def __init__(self, parse: Callable[[bytes, int], Head], header_lines: int) -> None:
        self._parse = parse
        self._header_lines = header_lines
        self.head: Head | None = None
        self._prefix = self._suffix = b""
        self._prefix_bytes = self._suffix_bytes = 0

    def read(self, data: bytes, end: int) -> tuple[Head, Any]:
        """The head in ``data[:end]``, which ends with the empty line, and its own content length.

        Raises:
            ProtocolError: As ``parse`` does.
        """
        head = self.head
        if head is not None and data.startswith(self._prefix):
            stop = end - self._suffix_bytes
            digits = data[self._prefix_bytes : stop]
            if digits.isdigit() and len(digits) <= 18 and data.startswith(self._suffix, stop):
                return head, int(digits)
        return self._learn(data[:end])

    def read_whole(self, data: bytes) -> bytes | None:
        """The body, where ``data`` is exactly one message with the remembered head (``head``); else None.

        What most messages on a busy connection are: one read, a head as the last one's, and the body it announces.
        """
        start = self._prefix_bytes
        if not start or not data.startswith(self._prefix):
            return None
        end = data.find(HEAD_END, start) + 4
        stop = end - self._suffix_bytes
        digits = data[start:stop]
        if digits.isdigit() and data.startswith(self._suffix, stop) and len(digits) <= 18:
            body = data[end:]
            return body if len(body) == int(digits) else None
        return None

    def _learn(self, data: bytes) -> tuple[Head, Any]:
        head = self._parse(data, self._header_lines)
        match = _LENGTH_LINE.search(data)
        if match is None or len(data) > REMEMBERED_HEAD_BYTES:
            self.head = None
            self._prefix_bytes = 0
        else:
            self.head = head
            self._prefix, self._suffix = data[: match.start(1)], data[match.end(1) :]
            self._prefix_bytes, self._suffix_bytes = len(self._prefix), len(self._suffix)
        return head, head.content_length
