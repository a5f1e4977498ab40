import os

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.folder import PART, Folder


def test_a_file_that_is_being_written_is_not_listed(tmp_path):
    source = Folder(tmp_path)
    source.write("2026-11-25/a.jsonl", b"1\n")
    (tmp_path / "2026-11-25" / f"b.jsonl.0{PART}").write_bytes(b"half")
    assert [one.key for one in source.list()] == ["2026-11-25/a.jsonl"]


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    source = Folder(tmp_path)
    source.write("x/a", b"old")

    def fail(_):
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match="No space left"):
        source.write("x/a", b"new")
    assert source.read("x/a") == b"old"
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["a"]


def test_a_folder_without_files_goes_with_its_last_one(tmp_path):
    source = Folder(tmp_path)
    source.write("2026-11-25/a.jsonl", b"")
    source.delete(["2026-11-25/a.jsonl"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    source = Folder(tmp_path / "none")
    assert source.list() == []
    assert source.folders() == ()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be used"):
        Folder(tmp_path / "file").write("x/a", b"")


def test_who_may_read_a_file_stays_when_it_is_replaced(tmp_path):
    folder = Folder(tmp_path)
    folder.write("a", b"1")
    (tmp_path / "a").chmod(0o600)
    folder.write("a", b"2")
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "a").stat().st_mode & 0o777) == (b"2", 0o600)
