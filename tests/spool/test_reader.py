import os
import zlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from open_llm_proxy.spool import reader as reader_module
from open_llm_proxy.spool.frame import PREFIX, FrameError, encode
from open_llm_proxy.spool.reader import Damage, SegmentReader, Whole
from open_llm_proxy.spool.segment import SegmentHeader, UnknownFormatError, encode_segment_header

HEADER = SegmentHeader("host", 7, 1, "9", 5, 6, "0" * 16, 1)
HEAD = encode_segment_header(HEADER)
NAME = "00000001.2026-11-25.open"


def frame(kit, number, body=b""):
    make = kit.request if number % 2 else kit.response
    return b"".join(encode(make(number, total_bytes=len(body)), (body,)))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reader") / ("0" * 16)
    folder.mkdir()
    return folder / NAME


def whole(items):
    return [item.frame for item in items if isinstance(item, Whole)]


def numbers(items):
    return [int(found.header.request_id, 16) for found in whole(items)]


def test_frames_come_out_in_order_with_their_places(kit, path):
    bodies = [b"", b"x" * 10, b"y" * 5000]
    frames = [frame(kit, number, body) for number, body in enumerate(bodies)]
    path.write_bytes(HEAD + b"".join(frames))
    items = kit.items(path, block_bytes=64)
    assert [item.frame.body for item in items] == bodies
    assert [item.offset for item in items] == [len(HEAD), len(HEAD) + len(frames[0]), items[1].end]
    assert items[-1].end == path.stat().st_size


def test_reading_begins_where_it_is_told(kit, path):
    frames = [frame(kit, number) for number in range(3)]
    path.write_bytes(HEAD + b"".join(frames))
    reader = SegmentReader(path, len(HEAD) + len(frames[0]))
    assert numbers(reader.read(final=True)) == [1, 2]
    assert reader.header == HEADER
    reader.close()


def test_another_file_is_refused(path):
    other = path.with_name("lock")
    other.touch()
    with pytest.raises(FrameError):
        SegmentReader(other)


def test_a_later_format_is_refused(path):
    path.write_bytes(HEAD[:4] + b"\x09" + HEAD[5:])
    reader = SegmentReader(path)
    with pytest.raises(UnknownFormatError):
        reader.read(final=True)
    reader.close()


def test_an_open_segment_is_followed_byte_by_byte(kit, path):
    data = HEAD + frame(kit, 1, b"abc") + frame(kit, 2, b"") + frame(kit, 3, b"defg")
    path.write_bytes(b"")
    reader = SegmentReader(path)
    seen = []
    with path.open("ab", buffering=0) as file:
        for at in range(len(data)):
            seen += reader.read(final=False)
            assert all(isinstance(item, Whole) for item in seen)
            assert not reader.ended
            file.write(data[at : at + 1])
    seen += reader.read(final=False)
    assert numbers(seen) == [1, 2, 3]
    assert reader.read(final=True) == []
    assert reader.ended
    reader.close()


def test_cut_anywhere_the_whole_frames_come_out_and_the_rest_is_torn(kit, path):
    frames = [frame(kit, number, b"z" * (number * 7)) for number in range(4)]
    data = HEAD + b"".join(frames)
    ends = [len(HEAD) + sum(map(len, frames[: count + 1])) for count in range(4)]
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        items = kit.items(path)
        assert numbers(items) == list(range(sum(end <= cut for end in ends)))
        damaged = [item for item in items if isinstance(item, Damage)]
        assert len(damaged) == (cut not in (0, len(HEAD), *ends))
        assert all(item.torn and item.end == cut for item in damaged)


def test_a_body_that_holds_a_forged_frame_yields_none_when_it_is_torn(kit, path):
    forged = frame(kit, 99, b"forged")
    data = HEAD + frame(kit, 1) + frame(kit, 2, forged + b"the rest of the body")
    path.write_bytes(data[:-5])
    assert numbers(kit.items(path)) == [1]


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_a_flipped_bit_costs_at_most_its_own_frame(kit, path, data):
    bodies = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
    frames = [frame(kit, number, body) for number, body in enumerate(bodies)]
    spoilt = data.draw(st.integers(0, len(frames) - 1))
    bit = data.draw(st.integers(0, len(frames[spoilt]) * 8 - 1))
    original = list(frames)
    changed = bytearray(frames[spoilt])
    changed[bit // 8] ^= 1 << bit % 8
    frames[spoilt] = bytes(changed)
    path.write_bytes(HEAD + b"".join(frames))
    items = kit.items(path, block_bytes=data.draw(st.sampled_from([32, 100, 1 << 20])))
    found = numbers(items)
    others = [number for number in range(len(frames)) if number != spoilt]
    assert [number for number in found if number != spoilt] == others
    in_body = bit // 8 >= len(original[spoilt]) - len(bodies[spoilt])
    assert (spoilt in found) == in_body  # bodies carry no checksum
    damaged = [item for item in items if isinstance(item, Damage)]
    begin = len(HEAD) + sum(map(len, frames[:spoilt]))
    assert [(item.offset, item.end) for item in damaged] == ([] if in_body else [(begin, begin + len(changed))])


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_garbage_between_frames_is_damage_and_nothing_else_is_lost(kit, path, data):
    garbage = st.binary(min_size=1, max_size=200) | st.just(b"OLPF" * 9)
    parts = data.draw(st.lists(st.none() | garbage, max_size=8))
    content, expected, broken = b"", 0, 0
    for part in parts:
        content += frame(kit, expected, b"body") if part is None else part
        expected += part is None
        broken += 0 if part is None else len(part)
    path.write_bytes(HEAD + content)
    items = kit.items(path, block_bytes=data.draw(st.sampled_from([32, 100, 1 << 20])))
    assert numbers(items) == list(range(expected))
    assert sum(item.end - item.offset for item in items if isinstance(item, Damage)) == broken


@given(st.binary(max_size=400), st.booleans())
@settings(deadline=None, max_examples=150)
def test_any_bytes_are_read_to_their_end(kit, path, garbage, with_head):
    path.write_bytes((HEAD if with_head else b"") + garbage)
    reader = SegmentReader(path)
    items = []
    while not reader.ended:
        before = reader.offset
        items += reader.read(final=True)
        assert reader.offset > before or reader.ended
    reader.close()
    assert all(isinstance(item, Damage) for item in items)


def test_a_damaged_segment_header_costs_no_frame(kit, path):
    data = bytearray(HEAD + frame(kit, 1, b"a") + frame(kit, 2, b"b"))
    data[20] ^= 255
    path.write_bytes(data)
    reader = SegmentReader(path)
    items = reader.read(final=True)
    assert isinstance(items[0], Damage)
    assert (items[0].offset, items[0].end, items[0].torn) == (0, len(HEAD), False)
    assert numbers(items + reader.read(final=True)) == [1, 2]
    assert (reader.header.directory, reader.header.number, reader.header.host) == ("0" * 16, 1, "")
    reader.close()


@pytest.mark.parametrize("data", [b"no segment at all", b"x", bytes(4096), HEAD[:20] + b"\xff" * 500])
def test_a_file_that_holds_something_else_is_spoilt_and_not_torn(kit, path, data):
    path.write_bytes(data)
    (item,) = kit.items(path)
    assert (item.offset, item.end, item.torn) == (0, len(data), False)


def later_frame(body):
    """A frame whose checksum is right and whose header is of a kind that this version does not know."""
    packed = msgspec.msgpack.encode(["z", 1])
    return PREFIX.pack(b"OLPF", len(packed), len(body), zlib.crc32(packed, len(body))) + packed + body


def test_a_frame_of_a_later_version_is_passed_over_whole(kit, path):
    strange = later_frame(frame(kit, 99))  # its body must not be found by a search
    path.write_bytes(HEAD + frame(kit, 1) + strange + frame(kit, 2))
    for block_bytes in (1 << 20, 64):
        items = kit.items(path, block_bytes=block_bytes)
        assert numbers(items) == [1, 2]
        assert [item.end - item.offset for item in items if isinstance(item, Damage)] == [len(strange)]


def test_a_body_full_of_false_beginnings_does_not_cost_hours(kit, path, monkeypatch):
    monkeypatch.setattr(reader_module, "SEARCH_BYTES", 1 << 20)
    false = PREFIX.pack(b"OLPF", 1 << 19, 0, 0)
    path.write_bytes(HEAD + b"spoilt" + false * 40_000)
    items = kit.items(path)
    assert [(item.offset, item.torn) for item in items] == [(len(HEAD), False)]


def test_damaged_bytes_can_be_looked_at(kit, path):
    path.write_bytes(HEAD + b"not a frame at all" + frame(kit, 1))
    reader = SegmentReader(path)
    (damage,) = reader.read(final=True)[:1]
    assert reader.bytes_of(damage, 5) == b"not a"
    assert reader.modified_ns() == path.stat().st_mtime_ns
    reader.close()


def test_the_search_ends_at_a_frame_of_a_later_version_too(kit, path):
    strange = later_frame(frame(kit, 99))
    path.write_bytes(HEAD + b"spoilt" + strange + frame(kit, 2))
    items = kit.items(path)
    assert numbers(items) == [2]
    sizes = [item.end - item.offset for item in items if isinstance(item, Damage)]
    assert sizes == [len(b"spoilt"), len(strange)]


def test_a_frame_is_found_wherever_its_beginning_falls_in_the_blocks_that_are_searched(kit, path, monkeypatch):
    monkeypatch.setattr(reader_module, "BLOCK_BYTES", 64)
    for length in range(1, 200):
        path.write_bytes(HEAD + b"x" * length + frame(kit, 1, b"body"))
        damage, found = kit.items(path)
        assert (damage.end - damage.offset, found.frame.body) == (length, b"body")


def test_a_long_body_that_the_kernel_gives_in_pieces_is_whole(kit, path, monkeypatch):
    body = os.urandom(3 << 20)
    path.write_bytes(HEAD + frame(kit, 1, body))
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, size, offset: real(fd, min(size, 1 << 20), offset))
    (found,) = kit.items(path)
    assert found.frame.body == body
