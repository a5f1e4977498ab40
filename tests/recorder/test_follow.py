import errno
import os

import pytest

from open_llm_proxy.recorder.follow import Follower
from open_llm_proxy.spool.directory import list_directories
from open_llm_proxy.spool.frame import encode
from open_llm_proxy.spool.reader import Damage, Whole
from open_llm_proxy.spool.segment import PREFIX


class Watch:
    """A follower of the spool's only directory, with what it gave."""

    def __init__(self, kit, covered=None):
        (path,) = list_directories(kit.spool)
        self.covered = covered or {}
        self.said = []
        self.follower = Follower(path, lambda _, name: self.covered.get(name.number, 0), self.said.append)
        self.ended, self.bereaved, self.open_calls = [], [], {}

    def poll(self):
        """Ids of the frames that are new."""
        found = []
        for reading, items in self.follower.poll():
            found += [item.frame.header.request_id for item in items if isinstance(item, Whole)]
            found += [item for item in items if isinstance(item, Damage)]
            for item in items:
                if isinstance(item, Whole):
                    reading.track(item.frame)
            if reading.ended:
                self.ended.append(reading.name.number)
                self.open_calls[reading.name.number] = sorted(reading.open_calls)
                if reading.bereaved:
                    self.bereaved.append(reading.name.number)
        return found


@pytest.fixture
def watch(kit):
    made = []

    def make(covered=None):
        made.append(Watch(kit, covered))
        return made[-1]

    yield make
    for one in made:
        one.follower.release()


def test_frames_come_as_they_are_written_and_the_end_when_it_is_closed(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    assert view.poll() == ["1"]
    assert view.poll() == []
    kit.write(writer, kit.response(1), kit.request(2))
    assert view.poll() == ["1", "2"]
    assert view.follower.waiting_bytes() == 0
    kit.write(writer, kit.request(3))
    assert view.follower.waiting_bytes() > 100
    writer.close()
    assert view.poll() == ["3"]
    assert view.ended == [1]
    assert view.follower.dead


def test_no_segment_is_begun_before_the_one_ahead_has_ended(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    (path,) = view.follower.path.glob("*.open")
    second = path.with_name("00000002.2026-11-25.open")
    second.write_bytes(path.read_bytes())
    assert view.poll() == ["1"]
    second.unlink()


def test_a_dead_writers_segment_is_closed_at_its_last_write_and_its_tail_is_torn(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    os.write(writer._segment.fd, b"".join(encode(kit.request(2), (b"body",)))[:-2])
    view = watch()
    assert view.poll() == ["1"]
    kit.die(writer)
    (path,) = view.follower.path.glob("*.open")
    os.utime(path, ns=(kit.NOON_NS, kit.NOON_NS + 61 * 10**9))
    (damage,) = view.poll()
    assert damage.torn
    assert [path.name for path in view.follower.path.glob("0*")] == ["00000001.2026-11-25.12-01-01.closed"]
    assert view.bereaved == [1]


def test_the_calls_that_were_open_at_the_end(kit, watch):
    kit.open_calls = [kit.request("earlier"), kit.request("answered")]
    writer = kit.writer()
    kit.write(writer, kit.request(1), kit.request(2), kit.response(1), kit.response("answered"))
    kit.die(writer)
    view = watch()
    view.poll()
    assert view.open_calls == {1: ["2", "earlier"]}


def test_only_the_last_segment_of_a_dead_writer_is_bereaved(kit, watch):
    writer = kit.writer(segment_bytes=1)
    kit.open_calls = [kit.request(1)]
    kit.write(writer, kit.request(1))
    kit.write(writer, kit.request(2))
    view = watch()
    assert view.poll() == ["1", "2"]
    assert view.bereaved == []
    kit.die(writer)
    assert view.poll() == []
    assert (view.ended, view.bereaved, view.open_calls[3]) == ([1, 2, 3], [3], ["1"])


def test_what_the_outbox_covers_is_deleted_or_begun_further_on(kit, watch):
    writer = kit.writer(segment_bytes=1)
    for number in (1, 2, 3):
        kit.write(writer, kit.request(number))
    writer.close()
    place = 400
    view = watch(covered={1: None, 2: place})
    places = {reading.name.number: reading.place for reading, _ in view.follower.poll()}
    assert places == {2: place, 3: 0}
    assert {path.name[:8] for path in view.follower.path.glob("0*")} == {"00000002", "00000003"}


def test_a_directory_that_is_read_and_emptied_is_removed(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    view.poll()
    (view.follower.path / "00000002.2026-11-25.new").write_bytes(b"begun")
    kit.die(writer)
    view.poll()
    assert not view.follower.gone
    for path in view.follower.path.glob("0*.closed"):
        path.unlink()
    view.poll()
    assert view.follower.gone
    assert list_directories(kit.spool) == []


def test_a_live_writers_directory_stays_though_it_is_empty(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    writer._roll(writer._segment)
    view = watch()
    view.poll()
    for path in view.follower.path.glob("0*"):
        path.unlink()
    view.poll()
    assert not view.follower.gone
    kit.write(writer, kit.request(2))
    assert view.poll() == ["2"]


def test_restart_reads_again_what_is_there(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    assert view.poll() == ["1"]
    view.follower.restart()
    assert view.poll() == ["1"]


def test_a_later_formats_segment_is_left_and_said_once(kit, watch):
    writer = kit.writer(segment_bytes=1)
    kit.write(writer, kit.request(1))
    kit.write(writer, kit.request(2))
    writer.close()
    view = watch()
    first = min(view.follower.path.glob("0*"))
    data = first.read_bytes()
    first.write_bytes(PREFIX.pack(b"OLPS", 9, *PREFIX.unpack_from(data)[2:]) + data[PREFIX.size :])
    assert view.poll() == ["2"]
    view.poll()
    assert len(view.said) == 1
    assert "format 9" in view.said[0]
    assert first.exists()


def test_a_directory_that_vanishes_is_gone(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    view.poll()
    for path in list(view.follower.path.iterdir()):
        path.unlink()
    view.follower.path.rmdir()
    assert view.poll() == []
    assert view.follower.gone


def test_a_segment_that_is_closed_after_it_was_listed_is_found_the_next_time(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    closed = []

    def close_late(_, name):
        if not closed:
            closed.append(name)
            writer._roll(writer._segment)
        return 0

    view.follower._covered = close_late
    assert view.poll() == []
    assert closed[0].closed is None
    assert view.poll() == ["1"]
    assert view.ended == [1]


def test_a_dead_writers_segment_that_cannot_be_renamed_is_read_all_the_same(kit, watch, monkeypatch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    kit.die(writer)
    view = watch()

    def fail(path, target):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(type(kit.spool), "rename", fail)
        assert view.poll() == ["1"]
    assert (view.ended, view.bereaved) == ([1], [1])
    assert len(list(view.follower.path.glob("*.open"))) == 1


def test_a_dead_writers_directory_that_holds_something_else_stays(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    kit.die(writer)
    view.poll()
    for path in view.follower.path.glob("0*.closed"):
        path.unlink()
    (view.follower.path / "notes.txt").touch()
    view.poll()
    assert not view.follower.gone
    assert view.follower.dead  # and is not given away, lest another takes it for unread
    (view.follower.path / "notes.txt").unlink()
    view.poll()
    assert view.follower.gone


def test_what_waits_in_a_segment_that_was_taken_away_is_nothing(kit, watch):
    writer = kit.writer()
    kit.write(writer, kit.request(1))
    view = watch()
    view.poll()
    kit.write(writer, kit.request(2))
    (reading,) = view.follower._readings.values()
    assert reading.waiting_bytes > 0
    reading.path.unlink()
    assert reading.waiting_bytes == 0
    assert view.follower.waiting_bytes() == 0
