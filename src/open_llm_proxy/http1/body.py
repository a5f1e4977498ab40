"""The chunked transfer coding (RFC 9112 §7.1), decoded strictly and in any pieces.

Our own decoder, not llhttp's: the end of the body must be known to the byte (what follows is the next request), and
httptools does not tell it.
"""

import re
from typing import Final

from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.limits import CHUNK_EXTENSION_BYTES, CHUNK_OVERHEAD_BYTES, TRAILER_BYTES

# chunk-size [ chunk-ext ]; extensions are visible text, ignored (§7.1.1). 15 digits: no overflow anywhere.
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t -~\x80-\xff]*)?")
_TRAILER: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*")
_SIZES_KEPT: Final = 8192
_KNOWN_LINE_BYTES: Final = 8

_SIZE, _DATA, _DATA_END, _TRAILERS, _DONE = range(5)


class ChunkedDecoder:
    """Feed it bytes; take ``pieces`` of content. After ``done``, ``leftover`` is what came behind the body.

    ``overhead_limit``: bytes of framing that may come beyond as many as there is content (swarms of tiny chunks).

    Raises (from ``feed``):
        ProtocolError: 400, malformed or abusive framing.
    """

    __slots__ = (
        "_buffer",
        "_overhead",
        "_overhead_limit",
        "_remaining",
        "_state",
        "_trailer_bytes",
        "content_bytes",
        "leftover",
    )

    _sizes: Final[dict[bytes, int]] = {}  # size lines without extension that were found good: streams repeat a few

    def __init__(self, overhead_limit: float = CHUNK_OVERHEAD_BYTES) -> None:
        self._overhead_limit = overhead_limit
        self._state = _SIZE
        self._remaining = 0
        self._buffer: bytes = b""
        self._overhead = 0
        self._trailer_bytes = 0
        self.content_bytes = 0
        self.leftover: bytes = b""

    @property
    def done(self) -> bool:
        """Whether the last chunk and the trailer section have been read."""
        return self._state == _DONE

    def read_one(self, data: bytes) -> bytes | None:
        """The content, where ``data`` is just one chunk whose size line was seen before; None: nothing is taken of it.

        What most reads of a stream are. The size line is a plain number; framing is not weighed against content here.
        """
        if self._state or self._buffer:
            return None
        line_end = data.find(b"\r\n", 0, _KNOWN_LINE_BYTES + 2)
        size = self._sizes.get(data[:line_end])
        if not size:
            return None
        start = line_end + 2
        stop = start + size
        if len(data) != stop + 2 or not data.endswith(b"\r\n"):
            return None
        return data[start:stop]

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of content in ``data``, in order."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        pieces: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            if self._state == _SIZE:
                position = self._read_size(data, position)
            elif self._state == _DATA:
                position = self._read_data(data, position, pieces)
            elif self._state == _DATA_END:
                if end - position < 2:
                    self._check_crlf_start(data, position)
                    break
                if not data.startswith(b"\r\n", position):
                    raise ProtocolError(400, "a chunk is longer than its size says")
                position += 2
                self._state = _SIZE
            elif self._state == _TRAILERS:
                position = self._read_trailer(data, position)
            else:
                self.leftover += data[position:]
                return pieces
            if position < 0:
                return pieces
        self._buffer = data[position:]
        return pieces

    @staticmethod
    def _check_crlf_start(data: bytes, position: int) -> None:
        if data[position] != 0x0D:
            raise ProtocolError(400, "a chunk is longer than its size says")

    def _read_size(self, data: bytes, position: int) -> int:
        line_end = data.find(b"\r\n", position)
        if line_end < 0:
            self._hold(data, position, CHUNK_EXTENSION_BYTES, "chunk-size line")
            return -1
        line = data[position:line_end]
        size = self._sizes.get(line)
        if size is None:
            size = self._parse_size(line)
        self._overhead += line_end - position + 4
        self._remaining = size
        self.content_bytes += size
        if self._overhead > self._overhead_limit + self.content_bytes:
            raise ProtocolError(400, "more chunk framing than content")
        self._state = _DATA if size else _TRAILERS
        return line_end + 2

    def _parse_size(self, line: bytes) -> int:
        match = _SIZE_LINE.fullmatch(line)
        if match is None or len(line) > CHUNK_EXTENSION_BYTES:
            raise ProtocolError(400, "bad chunk-size line")
        size = int(match[1], 16)
        if len(line) <= _KNOWN_LINE_BYTES and line.isalnum() and len(self._sizes) < _SIZES_KEPT:
            self._sizes[line] = size
        return size

    def _hold(self, data: bytes, position: int, limit: int, what: str) -> None:
        rest = data[position:]
        if len(rest) > limit + 1 or b"\n" in rest or b"\r" in rest[:-1]:  # 1: the CR of the line's end
            raise ProtocolError(400, f"bad {what}")
        self._buffer = rest

    def _read_data(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        stop = position + self._remaining
        if stop > len(data):
            pieces.append(data[position:])
            self._remaining -= len(data) - position
            return len(data)
        pieces.append(data[position:stop])
        if data.startswith(b"\r\n", stop):
            self._state = _SIZE
            return stop + 2
        self._state = _DATA_END
        return stop

    def _read_trailer(self, data: bytes, position: int) -> int:
        line_end = data.find(b"\r\n", position)
        if line_end < 0:
            self._hold(data, position, TRAILER_BYTES, "trailer")
            return -1
        line = data[position:line_end]
        self._trailer_bytes += len(line) + 2
        if not line:
            self._state = _DONE
            self.leftover = data[line_end + 2 :]
            return -1
        # Trailers are read and dropped (§7.1.2): merged into the head, one could override the real Authorization.
        if self._trailer_bytes > TRAILER_BYTES or not _TRAILER.fullmatch(line):
            raise ProtocolError(400, "bad trailer")
        return line_end + 2
