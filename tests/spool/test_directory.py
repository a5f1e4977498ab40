import contextlib
import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.spool.directory import (
    DeadDirectory,
    SpoolLock,
    WriterDirectory,
    frames_root,
    list_directories,
    make_folder,
    measure,
    outbox_root,
    parts_root,
    remove_if_read,
    remove_unfinished,
    sync_folder,
)


def test_a_directory_is_private_has_a_random_name_and_is_taken_only_once_its_writer_is_gone(tmp_path):
    first, second = WriterDirectory(tmp_path), WriterDirectory(tmp_path)
    assert first.name != second.name
    assert first.path.stat().st_mode & 0o777 == 0o700
    assert (first.path / "lock").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in list_directories(tmp_path)} == {first.name, second.name}
    (first.path / "00000001.2026-11-25.open").write_bytes(b"x")
    assert DeadDirectory.take(first.path) is None
    first.release()
    heir = DeadDirectory.take(first.path)
    assert heir is not None
    assert DeadDirectory.take(first.path) is None  # the heir has it now
    heir.release()
    second.release()


def test_a_directory_without_segments_goes_with_its_writer(tmp_path):
    WriterDirectory(tmp_path).release()
    assert list_directories(tmp_path) == []
    assert DeadDirectory.take(frames_root(tmp_path) / "0123456789abcdef") is None


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    code = (
        "import sys, time, pathlib; from open_llm_proxy.spool.directory import WriterDirectory\n"
        "d = WriterDirectory(pathlib.Path(sys.argv[1])); (d.path / '00000001.2026-11-25.open').touch()\n"
        "print(flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    with child:
        child.stdout.readline()
        (path,) = list_directories(tmp_path)
        assert DeadDirectory.take(path) is None
        child.kill()
        child.wait()
        heir = DeadDirectory.take(path)
        assert heir is not None
        heir.release()


def test_directories_come_oldest_first(tmp_path):
    made = [WriterDirectory(tmp_path) for _ in range(5)]
    for age, directory in enumerate(made):
        os.utime(directory.path / "lock", (1000 - age, 1000 - age))
    assert [path.name for path in list_directories(tmp_path)] == [directory.name for directory in reversed(made)]
    for directory in made:
        directory.release()


def test_what_a_writer_left_before_it_had_a_name_is_removed_when_old(tmp_path):
    begun = frames_root(tmp_path) / "new-0123456789abcdef"
    make_folder(begun)
    (begun / "lock").touch()
    assert list_directories(tmp_path) == []
    remove_unfinished(tmp_path)
    assert begun.exists()
    os.utime(begun, (1, 1))
    remove_unfinished(tmp_path)
    assert not begun.exists()


def test_a_directory_with_segments_is_not_removed(tmp_path):
    directory = WriterDirectory(tmp_path)
    (directory.path / "00000001.2026-11-25.open").write_bytes(b"1234")
    assert not remove_if_read(directory.path)
    assert measure(tmp_path) == {directory.name: 4}
    directory.release()
    assert directory.path.exists()


def test_one_serve_a_spool(tmp_path):
    spool = tmp_path / "deep" / "spool"
    lock = SpoolLock.acquire(spool, wait_s=0)
    assert spool.stat().st_mode & 0o777 == 0o700
    with pytest.raises(UserError, match=rf"in use by another.*pid {os.getpid()}.*SPOOL_DIR"):
        SpoolLock.acquire(spool, wait_s=0)
    SpoolLock.acquire(spool, wait_s=0, name="other.lock").release()
    lock.release()
    SpoolLock.acquire(spool, wait_s=0).release()


def test_a_second_serve_waits_for_the_first_to_end(tmp_path, monkeypatch):
    lock = SpoolLock.acquire(tmp_path, wait_s=0)
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            lock.release()

    monkeypatch.setattr(time, "sleep", nap)
    SpoolLock.acquire(tmp_path, wait_s=30).release()
    assert len(naps) == 3


def test_a_spool_that_cannot_be_made_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot be written.*Set SPOOL_DIR"):
        SpoolLock.acquire(tmp_path / "file" / "spool")


def test_a_segment_that_goes_while_the_spool_is_measured_hides_no_other(tmp_path, monkeypatch):
    directory = WriterDirectory(tmp_path)
    for number in (1, 2, 3):
        (directory.path / f"0000000{number}.2026-11-25.open").write_bytes(bytes(100))
    real = os.scandir

    def scan_late(path):
        entries = list(real(path))
        for entry in entries:
            if entry.name.startswith("00000002"):
                Path(entry.path).unlink()  # between the list and the look at it
        return contextlib.nullcontext(entries)

    monkeypatch.setattr(os, "scandir", lambda path: scan_late(path) if path == directory.path else real(path))
    assert measure(tmp_path) == {directory.name: 200}
    monkeypatch.undo()
    directory.release()


def test_a_directory_that_goes_while_the_spool_is_measured_counts_nothing(tmp_path, monkeypatch):
    directory = WriterDirectory(tmp_path)
    directory.release()
    monkeypatch.setattr("open_llm_proxy.spool.directory.list_directories", lambda _: [directory.path])
    assert measure(tmp_path) == {directory.name: 0}


def test_a_directory_that_cannot_be_named_leaves_no_lock_behind(tmp_path, monkeypatch):
    def fail(path, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(tmp_path), "rename", fail)
    held = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="No space left"):
        WriterDirectory(tmp_path)
    monkeypatch.undo()
    assert len(list(Path("/proc/self/fd").iterdir())) == held
    assert list_directories(tmp_path) == []
    (begun,) = frames_root(tmp_path).iterdir()
    os.utime(begun, (1, 1))
    remove_unfinished(tmp_path)
    assert not begun.exists()


def test_a_directory_without_its_lock_is_the_oldest_and_can_be_taken(tmp_path):
    directory = WriterDirectory(tmp_path)
    bare = frames_root(tmp_path) / ("f" * 16)
    bare.mkdir()
    assert [path.name for path in list_directories(tmp_path)] == [bare.name, directory.name]
    heir = DeadDirectory.take(bare)
    assert heir is not None
    heir.release()
    directory.release()


def test_frames_that_are_no_folder_are_no_directories(tmp_path):
    frames_root(tmp_path).touch()
    assert list_directories(tmp_path) == []
    assert measure(tmp_path) == {}


def test_a_directory_that_is_filled_while_it_is_removed_stays(tmp_path, monkeypatch):
    path = tmp_path / ("0" * 16)
    path.mkdir()
    (path / "late").touch()
    monkeypatch.setattr(os, "listdir", lambda _: [])
    assert not remove_if_read(path)
    assert (path / "late").exists()
    monkeypatch.undo()
    assert remove_if_read(tmp_path / "none")


def test_what_is_a_writers_stands_apart_from_what_is_the_recorders(tmp_path):
    assert len({frames_root(tmp_path), parts_root(tmp_path), outbox_root(tmp_path)}) == 3


def test_a_folder_is_synced_and_closed(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append((fd, str(Path(f"/proc/self/fd/{fd}").readlink()))))
    sync_folder(tmp_path)
    ((fd, path),) = synced
    assert path == str(tmp_path)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")
