import errno
import os
from pathlib import Path

import pytest

from open_llm_proxy.recorder.sinks import SinkError, folder
from open_llm_proxy.recorder.sinks.folder import FolderSink


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "chunk"
    path.write_bytes(b'{"a":1}\n' * 1000)
    return path


def test_the_folder_gets_the_buckets_layout(tmp_path, file):
    sink = FolderSink(tmp_path / "logs" / "deep")
    sink.put("2026-11-25/x.jsonl", file)
    sink.put("2026-11-25/x.jsonl", file)  # after a try whose end nobody saw
    assert [path.name for path in (tmp_path / "logs" / "deep" / "2026-11-25").iterdir()] == ["x.jsonl"]
    assert (tmp_path / "logs/deep/2026-11-25/x.jsonl").read_bytes() == file.read_bytes()


def test_a_half_written_copy_is_not_seen(tmp_path, file, monkeypatch):
    def fail(fd):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder.os, "fsync", fail)
    with pytest.raises(SinkError, match="No space left on device") as caught:
        FolderSink(tmp_path / "logs").put("2026-11-25/x.jsonl", file)
    assert caught.value.fault == "full"
    assert list((tmp_path / "logs").rglob("*.jsonl")) == []


def test_a_folder_that_cannot_be_made(tmp_path, file):
    with pytest.raises(SinkError, match="cannot be written: Not a directory") as caught:
        FolderSink(file).put("2026-11-25/x.jsonl", file)
    assert caught.value.fault == "other"


def test_the_file_and_its_name_are_synced(tmp_path, file, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (synced.append(Path(f"/proc/self/fd/{fd}").readlink().name), real(fd))[1]
    )
    FolderSink(tmp_path).put("2026-11-25/x.jsonl", file)
    assert synced == [".x.jsonl.unfinished", "2026-11-25"]
