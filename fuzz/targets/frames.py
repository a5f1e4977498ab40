"""A segment's bytes: whole frames, and damage that covers all the rest; never an error, never twice, never a hang."""

import tempfile
from pathlib import Path

from open_llm_proxy.spool.frame import RequestHeader, encode
from open_llm_proxy.spool.reader import SegmentReader, Whole
from open_llm_proxy.spool.segment import SegmentHeader, SegmentName, UnknownFormatError, encode_segment_header

HEADER = encode_segment_header(SegmentHeader("h", 1, 0, "v", 1, 1, "ab", 1, []))
FRAME = b"".join(bytes(piece) for piece in encode(RequestHeader("0" * 32, 1, "/v1/x", "p", "m", "k"), [b"body"]))
_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-frames-")
_PATH = Path(_FOLDER.name) / str(SegmentName(1, "2026-04-07", "01-02-03"))


def check(data: bytes) -> None:
    """One byte says what stands around the rest: a good header, good frames before and behind."""
    if not data:
        return
    choice, middle = data[0], data[1:]
    sent = (HEADER if choice & 1 else b"") + (FRAME if choice & 2 else b"") + middle + (FRAME if choice & 4 else b"")
    _PATH.write_bytes(sent)
    reader = SegmentReader(_PATH)
    try:
        position, wholes, rounds = 0, 0, 0
        while not reader.ended:
            rounds += 1
            assert rounds <= len(sent) + 2
            for item in reader.read(final=True):
                assert item.offset >= position
                position = item.end
                wholes += isinstance(item, Whole)
        assert wholes >= (1 if choice & 3 == 3 else 0)
    except UnknownFormatError:
        assert not choice & 1
    finally:
        reader.close()
