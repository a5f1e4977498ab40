import errno
import os
import zlib

import pytest

from open_llm_proxy.spool import segment
from open_llm_proxy.spool.frame import FrameError
from open_llm_proxy.spool.segment import (
    FORMAT,
    PREFIX,
    OpenSegment,
    SegmentHeader,
    SegmentName,
    UnknownFormatError,
    closing_time,
    day_of,
    encode_segment_header,
    parse_segment_header,
    parse_segment_prefix,
    within_day,
    write_all,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("00000007.2026-11-25.open", SegmentName(7, "2026-11-25", None)),
        ("00000007.2026-11-25.09-30-00.closed", SegmentName(7, "2026-11-25", "09-30-00")),
        ("123456789.2026-11-25.open", SegmentName(123456789, "2026-11-25", None)),
    ],
)
def test_names_are_made_and_read(text, name):
    assert SegmentName.parse(text) == name
    assert str(name) == text


@pytest.mark.parametrize(
    "text", ["lock", "00000007.2026-11-25.new", "7.2026-11-25.open", "00000007.open", "00000007.2026-11-25.closed"]
)
def test_other_files_are_no_segments(text):
    assert SegmentName.parse(text) is None


def test_closing_time_stays_within_the_segments_day(kit):
    assert closing_time("2026-11-25", kit.NOON_NS) == "12-00-00"
    assert closing_time("2026-11-25", kit.NOON_NS + kit.DAY_NS) == "23-59-59"
    assert closing_time("2026-11-25", kit.NOON_NS - kit.DAY_NS) == "00-00-00"  # the clock was set back
    for shift in (-kit.DAY_NS, 0, kit.DAY_NS):
        assert day_of(within_day("2026-11-25", kit.NOON_NS + shift)) == "2026-11-25"
    assert within_day("2026-11-25", kit.NOON_NS) == kit.NOON_NS


def header(kit, **fields):
    return SegmentHeader("host", 7, 1, "9", 5, 6, "0" * 16, 3, [kit.request(1)], **fields)


def test_the_header_reads_back_with_the_open_calls(kit):
    data = encode_segment_header(header(kit))
    size, crc = parse_segment_prefix(data)
    assert parse_segment_header(data[PREFIX.size : PREFIX.size + size], crc) == header(kit)


def test_a_damaged_header_is_refused(kit):
    data = bytearray(encode_segment_header(header(kit)))
    data[-1] ^= 1
    size, crc = parse_segment_prefix(data)
    with pytest.raises(FrameError, match="checksum"):
        parse_segment_header(data[PREFIX.size : PREFIX.size + size], crc)
    with pytest.raises(FrameError, match="no segment"):
        parse_segment_prefix(b"OLPX" + bytes(12))
    with pytest.raises(FrameError, match="cut off"):
        parse_segment_prefix(b"OLPS")


@pytest.mark.parametrize("packed", [b"\xc1", b"\x90", b"\x01", b""])
def test_a_header_that_is_none_though_its_checksum_is_right_is_refused(packed):
    with pytest.raises(FrameError, match="not readable"):
        parse_segment_header(packed, zlib.crc32(packed, FORMAT))


def test_a_later_format_is_said_to_be_one():
    with pytest.raises(UnknownFormatError, match="format 2"):
        parse_segment_prefix(PREFIX.pack(b"OLPS", 2, 0, 0))


@pytest.fixture
def opened(kit, tmp_path):
    made = OpenSegment(tmp_path, 3, kit.NOON_NS, b"head")
    yield made
    made.leave()


def test_a_segment_has_its_name_only_once_it_is_published(opened, tmp_path):
    assert [path.suffix for path in tmp_path.iterdir()] == [".new"]
    opened.publish()
    (path,) = tmp_path.iterdir()
    assert (path.name, path.read_bytes()) == ("00000003.2026-11-25.open", b"head")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_an_error_left_behind_the_last_whole_frame_is_cut_off(opened, tmp_path):
    opened.publish()
    os.write(opened.fd, b"1111222233")  # frames of 4 bytes each, the third is torn
    assert opened.keep_whole([4, 8, 12]) == 2
    assert (opened.size, opened.frames, opened.torn) == (12, 2, False)
    assert next(tmp_path.iterdir()).read_bytes() == b"head11112222"


def test_a_tail_that_cannot_be_cut_off_makes_the_segment_torn(opened, monkeypatch):
    def fail(*_):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(segment.os, "ftruncate", fail)
    os.write(opened.fd, b"11112")
    assert opened.keep_whole([4, 8]) == 1
    assert opened.torn


@pytest.mark.parametrize("iov_max", [3, 1024])
def test_short_writes_are_gone_on_with(tmp_path, monkeypatch, iov_max):
    real = os.writev

    def short(fd, buffers):
        joined = b"".join(buffers)
        return real(fd, [joined[: max(1, len(joined) // 3)]])

    monkeypatch.setattr(segment.os, "writev", short)
    monkeypatch.setattr(segment.os, "write", lambda fd, data: real(fd, [bytes(data[:2])]))
    monkeypatch.setattr(segment, "IOV_MAX", iov_max)
    pieces = [b"abc", b"", bytearray(b"defgh"), memoryview(b"ij"), b"klmnop", b"q"]
    with (tmp_path / "f").open("wb") as file:
        assert write_all(file.fileno(), pieces, 17) == 17
    assert (tmp_path / "f").read_bytes() == b"abcdefghijklmnopq"
