from types import SimpleNamespace

import pytest

from open_llm_proxy.spool import room
from open_llm_proxy.spool.directory import WriterDirectory
from open_llm_proxy.spool.room import Room, Step


@pytest.fixture
def folder(tmp_path):
    directory = WriterDirectory(tmp_path)
    yield directory.path
    directory.release()


def fill(folder, size):
    (folder / "00000001.2026-11-25.open").write_bytes(bytes(size))


def test_nothing_is_left_out_while_there_is_room(folder, tmp_path):
    said = []
    space = Room(tmp_path, 10_000, said.append)
    assert [space.take(100, 10) for _ in range(5)] == [Step.NOTHING] * 5
    assert said == []


def test_first_bodies_then_frames_each_said_once_and_back_again(folder, tmp_path):
    said = []
    space = Room(tmp_path, 16_000, said.append)
    fill(folder, 15_950)
    assert space.take(100, 10) is Step.BODIES
    taken = 0
    while space.take(100, 10) is Step.BODIES:
        taken += 1
    assert 80 <= taken <= 110  # a sixteenth, 1000 bytes, in heads of 10
    assert space.take(100, 10) is Step.FRAMES
    fill(folder, 16_900)
    space.look()
    assert space.take(100, 10) is Step.FRAMES
    fill(folder, 15_500)  # below the limit, not by enough
    space.look()
    assert space.take(100, 10) is Step.BODIES
    fill(folder, 0)
    space.look()
    assert space.take(100, 10) is Step.NOTHING
    assert [text.split(" (")[0].split(str(tmp_path))[1] for text in said] == [
        " is over its limit: bodies are left out of records",
        " is far over its limit: records are left out",
        " is over its limit: bodies are left out of records",
        " has room again",
    ]
    assert said[0].endswith("(15950 of the 16000 bytes of spool_bytes)")


def test_a_nearly_full_disk_is_a_limit_too(folder, tmp_path, monkeypatch):
    disk = SimpleNamespace(f_bavail=1000, f_frsize=1024, f_blocks=3000)  # 1000 KiB free, 750 reserved
    monkeypatch.setattr(room.os, "statvfs", lambda _: disk)
    said = []
    space = Room(tmp_path, 1 << 40, said.append)
    assert space.take(100 << 10, 10) is Step.NOTHING
    assert space.take(400 << 10, 10) is Step.BODIES
    assert "(0 of the 256000 bytes that its disk has room for)" in said[0]
    disk.f_bavail = 100
    assert Room(tmp_path, 1 << 40, [].append).take(10, 10) is Step.FRAMES


def test_segments_are_small_where_the_disk_is(folder, tmp_path, monkeypatch):
    disk = SimpleNamespace(f_bavail=3000, f_frsize=1024, f_blocks=3200)
    monkeypatch.setattr(room.os, "statvfs", lambda _: disk)
    space = Room(tmp_path, 1 << 40, [].append, segment_bytes=64 << 20)
    assert space.segment_bytes == 64 << 20
    space.take(10, 10)
    assert space.segment_bytes == 200 << 10
    disk.f_bavail = disk.f_blocks = 1 << 30
    space.look()
    assert space.segment_bytes == 64 << 20


def test_a_disk_is_short_when_half_of_the_reserve_is_gone(tmp_path, monkeypatch):
    disk = SimpleNamespace(f_bavail=401, f_frsize=1024, f_blocks=3200)
    monkeypatch.setattr(room.os, "statvfs", lambda _: disk)
    assert not room.is_disk_short(tmp_path)
    disk.f_bavail = 399
    assert room.is_disk_short(tmp_path)
    monkeypatch.undo()
    assert not room.is_disk_short(tmp_path / "none")


def test_a_spool_that_is_not_there_yet_has_room(tmp_path):
    assert Room(tmp_path / "none", 1000, [].append).take(10, 10) is Step.NOTHING


def test_other_writers_bytes_are_seen_in_time(folder, tmp_path):
    space = Room(tmp_path, 10_000, [].append)
    assert space.take(10, 10) is Step.NOTHING
    used = 9_000  # others'
    steps = []
    for _ in range(100):
        fill(folder, used)
        steps.append(space.take(100, 10))
        used += 100 if steps[-1] is Step.NOTHING else 10
    assert steps[-1] is not Step.NOTHING
    assert steps.count(Step.NOTHING) * 100 <= 6_000  # what it had been granted, then it looked again


def test_while_bodies_are_left_out_what_is_left_for_frames_is_measured_anew_and_said_once(folder, tmp_path):
    said = []
    space = Room(tmp_path, 16_000, said.append)
    fill(folder, 16_000)
    assert space.take(100, 10) is Step.BODIES
    assert space.left == 1000 - 10
    fill(folder, 16_700)  # other writers' frames
    space.look()
    assert (space.step, space.left) == (Step.BODIES, 300)
    assert len(said) == 1
