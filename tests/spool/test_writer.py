import errno
import os
import time
from types import SimpleNamespace

import pytest

from open_llm_proxy.spool import segment, writer
from open_llm_proxy.spool.directory import DeadDirectory, list_directories
from open_llm_proxy.spool.reader import SegmentReader
from open_llm_proxy.telemetry.scoreboard import (
    ACCEPTED,
    BODIES_DROPPED,
    LOST,
    SPOOL_BYTES,
    SPOOL_ERRORS,
    SPOOL_WRITES,
    SPOOLED,
)


def counted(rig):
    return rig.counters[ACCEPTED], rig.counters[SPOOLED], rig.counters[LOST]


@pytest.fixture
def clock(monkeypatch):
    """Monotonic time that only the test moves."""

    class Clock:
        now = 1000.0

    faked = SimpleNamespace(monotonic=lambda: Clock.now, perf_counter_ns=time.perf_counter_ns)
    monkeypatch.setattr(writer, "time", faked)
    return Clock


@pytest.fixture
def failing(monkeypatch):
    """``failing.next(n, error)``: the next write takes ``n`` bytes, then every one fails, until ``mend``."""

    class Failing:
        room = None
        error = errno.ENOSPC

        def next(self, room, error=errno.ENOSPC):
            self.room, self.error = room, error

        def mend(self):
            self.room = None

    control = Failing()
    writev = os.writev

    def bounded(fd, data):
        if control.room is None:
            return writev(fd, [data])
        if not control.room:
            raise OSError(control.error, os.strerror(control.error))
        taken, control.room = data[: control.room], 0
        return writev(fd, [taken])

    monkeypatch.setattr(segment.os, "writev", lambda fd, buffers: bounded(fd, b"".join(buffers)))
    monkeypatch.setattr(segment.os, "write", lambda fd, data: bounded(fd, bytes(data)))
    return control


# --- what is written -------------------------------------------------------------------------------------------------


def test_frames_are_in_the_file_on_return_from_commit(rig, kit):
    rig.writer.append(kit.request(1), (b"ab", bytearray(b"cd"), memoryview(b"ef")), 6)
    rig.writer.append(kit.response(1), (), 0)
    assert rig.frames() == []
    rig.writer.commit()
    assert rig.frames() == [(f"{1:032x}", b"abcdef"), (f"{1:032x}", b"")]
    assert counted(rig) == (2, 2, 0)
    assert rig.counters[SPOOL_WRITES] == 1
    assert rig.counters[SPOOL_BYTES] == rig.segments()[0].stat().st_size


def test_the_header_says_who_wrote_it(rig, kit):
    rig.open_calls = [kit.request(5)]
    rig.write((kit.request(1), b""))
    (path,) = rig.segments()
    reader = SegmentReader(path)
    reader.read(final=False)
    header = reader.header
    reader.close()
    assert (header.host, header.pid, header.worker, header.version) == ("host-a", os.getpid(), 1, "9")
    assert (header.started_ns, header.opened_ns, header.number) == (kit.NOON_NS, kit.NOON_NS, 1)
    assert header.directory == path.parent.name
    assert header.open_calls == [kit.request(5)]


def test_more_pieces_than_one_call_takes(rig, kit):
    pieces = [bytes([number % 256]) for number in range(3000)]
    rig.writer.append(kit.response(1), pieces, 3000)
    rig.writer.commit()
    assert rig.frames() == [(f"{1:032x}", b"".join(pieces))]


def test_an_idle_writer_writes_nothing(rig, tmp_path):
    for _ in range(3):
        rig.writer.tick()
    rig.writer.commit()
    assert not rig.spool.exists()
    rig.writer.close()
    assert not rig.spool.exists()


def test_a_header_that_cannot_be_encoded_is_written_with_its_texts_mended(rig, kit):
    rig.write((kit.request(1, origin="a\ud800b"), b"body"), (kit.request(2, origin="x" * (2 << 20)), b""))
    headers = [item.frame.header for path in rig.segments() for item in kit.wholes(path)]
    assert [header.origin[:3] for header in headers] == ["a?b", "xxx"]
    assert counted(rig) == (2, 2, 0)


def test_a_header_that_is_none_is_counted_lost_and_said(rig, kit):
    rig.write((kit.request(1, total_bytes=object()), b""), (kit.request(2), b""))
    assert [request_id for request_id, _ in rig.frames()] == [f"{2:032x}"]
    assert counted(rig) == (2, 1, 1)
    assert "cannot be written" in rig.problems[0]


def test_open_calls_that_cannot_be_encoded_or_listed_do_not_stop_it(rig, kit):
    rig.open_calls = [kit.request(7, client="\ud800")]
    rig.write((kit.request(1), b""))
    (path,) = rig.segments()
    reader = SegmentReader(path)
    reader.read(final=False)
    assert reader.header.open_calls[0].client == "?"
    reader.close()
    rig.writer.close()
    rig.open_calls = None  # not iterable
    rig.make_writer()
    rig.write((kit.request(2), b""))
    assert len(rig.frames()) == 2


# --- when segments end -----------------------------------------------------------------------------------------------


def test_a_segment_is_closed_at_the_flush_interval_after_its_first_frame(rig, kit, clock):
    rig.make_writer(flush_interval_s=10)
    rig.write((kit.request(1), b""))
    clock.now += 9
    rig.writer.tick()
    assert rig.names() == ["00000001.2026-11-25.open"]
    clock.now += 1
    rig.now_ns += 10 * 10**9
    rig.writer.tick()
    assert rig.names() == ["00000001.2026-11-25.12-00-10.closed"]
    rig.write((kit.request(2), b""))
    assert rig.names()[1] == "00000002.2026-11-25.open"


def test_a_segment_is_closed_at_its_size_within_the_turn(rig, kit):
    rig.make_writer(segment_bytes=500)
    rig.write((kit.request(1), b"x" * 600))
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed"]


def test_each_frame_goes_into_a_segment_of_its_own_day(rig, kit):
    midnight = kit.NOON_NS + kit.DAY_NS // 2
    rig.write(
        (kit.request(1, midnight - 1), b"a"),
        (kit.request(2, midnight), b"b"),
        (kit.response(1, midnight + 1), b"c"),
        (kit.request(3, midnight - 2), b"d"),  # it took long to arrive
        (kit.response(2, midnight + 2), b"e"),
    )
    days = [(path.name.split(".")[1], [item.frame.body for item in kit.wholes(path)]) for path in rig.segments()]
    assert days == [
        ("2026-11-25", [b"a"]),
        ("2026-11-26", [b"b", b"c"]),
        ("2026-11-25", [b"d"]),
        ("2026-11-26", [b"e"]),
    ]


def test_a_segment_is_closed_when_its_day_is_over_though_nothing_comes(rig, kit):
    rig.write((kit.request(1), b""))
    rig.now_ns += kit.DAY_NS
    rig.writer.tick()
    assert rig.names() == ["00000001.2026-11-25.23-59-59.closed"]


def test_the_clock_set_back_a_day(rig, kit):
    rig.write((kit.request(1), b""))
    rig.now_ns -= kit.DAY_NS
    rig.writer.tick()
    rig.write((kit.request(2, rig.now_ns), b""))
    assert rig.names() == ["00000001.2026-11-25.00-00-00.closed", "00000002.2026-11-24.open"]


# --- calls that are open ---------------------------------------------------------------------------------------------


def test_open_calls_stand_in_the_next_segment_before_the_former_is_closed(rig, kit, clock, monkeypatch):
    rig.make_writer(flush_interval_s=10)
    rig.open_calls = [kit.request(1)]
    rig.write((kit.request(1), b""))
    states = []
    real = segment.OpenSegment.end
    monkeypatch.setattr(
        segment.OpenSegment, "end", lambda self, at_ns: (states.append(rig.names()), real(self, at_ns))[1]
    )
    clock.now += 10
    rig.writer.tick()
    assert states == [["00000001.2026-11-25.open", "00000002.2026-11-25.open"]]
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed", "00000002.2026-11-25.open"]
    clock.now += 100
    rig.writer.tick()
    assert len(rig.names()) == 2  # a segment without frames is not closed into existence
    rig.write((kit.response(1), b"done"))
    assert [request_id for request_id, _ in rig.frames()] == [f"{1:032x}"] * 2


def test_a_segment_that_only_stood_for_open_calls_goes_with_them(rig, kit, clock):
    rig.make_writer(flush_interval_s=10)
    rig.open_calls = [kit.request(1)]
    rig.write((kit.request(1), b""))
    clock.now += 10
    rig.writer.tick()
    rig.open_calls = []
    rig.writer.tick()
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed"]


def test_a_segment_that_only_stood_for_open_calls_is_replaced_on_the_next_day(rig, kit, clock):
    rig.make_writer(flush_interval_s=10)
    rig.open_calls = [kit.request(1)]
    rig.write((kit.request(1), b""))
    clock.now += 10
    rig.writer.tick()
    rig.write((kit.request(2, kit.NOON_NS + kit.DAY_NS), b""))
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed", "00000003.2026-11-26.open"]


def test_no_segment_is_seen_before_its_first_frames_are_in_it(rig, kit, monkeypatch):
    seen = []
    real = segment.OpenSegment.publish
    monkeypatch.setattr(segment.OpenSegment, "publish", lambda self: (seen.append(self), real(self))[1])
    published_size = []
    rename = type(rig.spool).rename

    def spy(path, target):
        if path.suffix == ".new":
            published_size.append(path.stat().st_size)
        return rename(path, target)

    monkeypatch.setattr(type(rig.spool), "rename", spy)
    rig.write((kit.request(1), b"x" * 1000))
    assert seen
    assert published_size[0] > 1000


# --- the end ---------------------------------------------------------------------------------------------------------


def test_close_writes_closes_and_leaves_the_directory_to_the_recorder(rig, kit):
    rig.writer.append(kit.request(1), (b"x",), 1)
    rig.writer.close()
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed"]
    (directory,) = list_directories(rig.spool)
    heir = DeadDirectory.take(directory)
    assert heir is not None
    heir.release()


def test_close_leaves_no_empty_directory(rig, kit):
    rig.write((kit.request(1), b""))
    (path,) = rig.segments()
    path.unlink()  # the recorder, say; the writer's rename then fails
    rig.writer.close()
    assert list_directories(rig.spool) == []


def test_close_with_calls_open_and_no_frame_since_leaves_their_segment(rig, kit, clock):
    rig.make_writer(flush_interval_s=1)
    rig.open_calls = [kit.request(1)]
    rig.write((kit.request(1), b""))
    clock.now += 1
    rig.writer.tick()
    rig.writer.close()
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed", "00000002.2026-11-25.open"]


# --- when the disk fails ---------------------------------------------------------------------------------------------


def test_after_an_error_whole_frames_stay_the_torn_one_goes_and_a_new_segment_begins(rig, kit, failing):
    rig.write((kit.request(1), b"one"))
    size = rig.segments()[0].stat().st_size
    head = len(kit_frame(kit.request(2)))
    failing.next(head + 3 + 10)  # the second frame whole, ten bytes of the third
    rig.write((kit.request(2), b"two"), (kit.request(3), b"three"), (kit.request(4), b"four"))
    failing.mend()
    assert counted(rig) == (4, 2, 2)
    assert rig.segments()[0].stat().st_size == size + head + 3
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed"]
    rig.write((kit.request(5), b"five"))
    assert [body for _, body in rig.frames()] == [b"one", b"two", b"five"]
    assert [kit.damages(path) for path in rig.segments()] == [[], []]
    assert "No space left on device; 2 lost so far; calls are served on" in rig.problems[0]


def kit_frame(header):
    from open_llm_proxy.spool.frame import encode_head

    return encode_head(header, 3)


def test_a_disk_that_stays_full_is_not_asked_at_each_turn(rig, kit, failing, clock):
    rig.write((kit.request(0), b""))
    failing.next(0)
    for number in range(1, 50):
        rig.write((kit.request(number), b""))
    assert counted(rig) == (50, 1, 49)
    assert rig.counters[SPOOL_ERRORS] <= 4
    assert len(rig.problems) <= 3
    failing.mend()
    clock.now += 2
    rig.write((kit.request(60), b""))
    assert counted(rig) == (51, 2, 49)


def test_with_calls_open_and_no_room_for_a_next_segment_this_one_goes_on(rig, kit, failing, clock):
    rig.make_writer(segment_bytes=300)
    rig.open_calls = [kit.request(1)]
    rig.write((kit.request(1), b""))
    failing.next(50)
    rig.write((kit.request(2), b"x" * 100))
    failing.mend()
    clock.now += 2
    rig.write((kit.request(3), b"y"))
    assert [body for _, body in rig.frames()] == [b"", b"y"]
    assert counted(rig)[1:] == (2, 1)


def test_a_read_only_spool_is_counted_said_and_survived(rig, kit, monkeypatch):
    real = os.open

    def refuse(path, flags, *rest):
        if flags & os.O_WRONLY:
            raise OSError(errno.EROFS, "Read-only file system")
        return real(path, flags, *rest)

    monkeypatch.setattr(segment.os, "open", refuse)
    for number in range(20):
        rig.write((kit.request(number), b""))
        rig.writer.tick()
    assert counted(rig) == (20, 0, 20)
    assert len(rig.problems) == 1
    assert "Read-only file system" in rig.problems[0]
    monkeypatch.undo()


def test_a_spool_folder_that_cannot_be_made_is_survived(rig, kit, tmp_path):
    rig.spool.write_text("a file in its place")
    rig.write((kit.request(1), b""))
    rig.writer.tick()
    rig.writer.close()
    assert counted(rig) == (1, 0, 1)


def test_a_rename_that_fails_is_tried_again(rig, kit, clock, monkeypatch):
    rig.make_writer(flush_interval_s=1)
    rig.write((kit.request(1), b""))
    real = type(rig.spool).rename

    def fail(path, target):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(type(rig.spool), "rename", fail)
    clock.now += 1
    rig.writer.tick()
    assert rig.names() == ["00000001.2026-11-25.open"]
    monkeypatch.setattr(type(rig.spool), "rename", real)
    rig.writer.tick()
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed"]


def test_over_the_limit_bodies_go_first_then_frames_and_old_data_never(rig, kit):
    rig.make_writer(spool_bytes=20_000, segment_bytes=4_000)
    for number in range(200):
        rig.write((kit.request(number, total_bytes=900), b"x" * 900))
    frames = rig.frames()
    assert [int(request_id, 16) for request_id, _ in frames] == list(range(len(frames)))
    with_body = [bool(body) for _, body in frames]
    assert with_body == sorted(with_body, reverse=True)
    assert rig.counters[BODIES_DROPPED] == with_body.count(False) > 3
    assert counted(rig) == (200, len(frames), 200 - len(frames))
    assert 19_000 <= sum(path.stat().st_size for path in rig.segments()) <= 21_500
    assert len(rig.problems) == 2
    headers = [item.frame.header for item in kit.wholes(rig.segments()[-1])]
    assert all(header.total_bytes == 900 for header in headers)
    for path in rig.segments()[:-1]:
        path.unlink()
    rig.writer.tick()
    rig.write((kit.request(300), b"again"))
    assert rig.frames()[-1][1] == b"again"


def test_commit_survives_a_body_that_is_no_buffer(rig, kit):
    rig.write((kit.request(1), b"x"))
    rig.writer.append(kit.request(2), ["text"], 4)
    rig.writer.commit()
    rig.write((kit.request(3), b"y"))
    assert [body for _, body in rig.frames()] == [b"x", b"y"]
    assert counted(rig) == (3, 2, 1)


def test_a_real_full_disk(rig, kit, tmp_path):
    """/dev/full is a disk without room: every write to it fails."""
    rig.write((kit.request(1), b"kept"))
    rig.writer._segment.leave()
    rig.writer._segment.fd = os.open("/dev/full", os.O_WRONLY)
    rig.write((kit.request(2), b"lost"))
    assert counted(rig) == (2, 1, 1)
    rig.write((kit.request(3), b"kept"))
    assert [body for _, body in rig.frames()] == [b"kept", b"kept"]


def test_a_new_segment_whose_first_frames_cannot_be_written_is_taken_away(rig, kit, failing):
    failing.next(1 << 20)  # the segment's header, whole; then nothing
    rig.write((kit.request(1), b"one"), (kit.request(2), b"two"))
    failing.mend()
    assert counted(rig) == (2, 0, 2)
    (directory,) = list_directories(rig.spool)
    assert [path.name for path in directory.iterdir()] == ["lock"]
    rig.write((kit.request(3), b"three"))
    assert rig.names() == ["00000002.2026-11-25.open"]
    assert [body for _, body in rig.frames()] == [b"three"]


def test_a_next_segment_that_gets_no_name_is_taken_away_and_tried_again_later(rig, kit, clock, monkeypatch):
    rig.make_writer(segment_bytes=300)
    rig.open_calls = [kit.request(1)]
    rig.write((kit.request(1), b""))
    tries = []

    def fail(self):
        tries.append(self.name.number)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(segment.OpenSegment, "publish", fail)
        for number in range(2, 6):
            rig.write((kit.request(number), b"x" * 300))
        assert tries == [2]  # the disk is not asked at each turn
        assert [path.name for path in next(iter(list_directories(rig.spool))).glob("*.new")] == []
        assert rig.names() == ["00000001.2026-11-25.open"]
        clock.now += 2
        rig.write((kit.request(6), b"y"))
        assert tries == [2, 3]
    clock.now += 2
    rig.writer.tick()
    assert rig.names() == ["00000001.2026-11-25.12-00-00.closed", "00000004.2026-11-25.open"]
    assert counted(rig) == (6, 6, 0)
    assert rig.counters[SPOOL_ERRORS] == 2
    assert "no spool segment can be begun: [Errno 5] Input/output error" in rig.problems[0]


def test_a_writer_that_never_had_room_finds_it_when_there_is_some(rig, kit):
    other = rig.make_writer()
    rig.write((kit.request(1), b"x" * 20_000))
    mine = rig.make_writer(spool_bytes=10_000)
    rig.write((kit.request(2), b"x"))
    mine.tick()
    assert counted(rig) == (2, 1, 1)
    assert "far over its limit" in rig.problems[-1]
    (path,) = rig.segments()
    path.unlink()
    mine.tick()
    assert "has room again" in rig.problems[-1]
    rig.write((kit.request(3), b"y"))
    assert [body for _, body in rig.frames()] == [b"y"]
    assert other is not mine
