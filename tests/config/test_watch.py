import os

import pytest

from open_llm_proxy.config.load import Flags, load
from open_llm_proxy.config.watch import Watch


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("one")
    return path


def test_nothing_changed(file):
    watch = Watch([file])
    assert not watch.changed()
    os.utime(file, (1, 1))
    assert not watch.changed()
    file.write_text("one")
    assert not watch.changed()


def test_a_change_is_reported_once(file):
    watch = Watch([file])
    file.write_text("two")
    assert watch.changed()
    assert not watch.changed()


def test_a_change_of_the_same_size_and_time_is_noticed(file):
    before = file.stat()
    watch = Watch([file])
    file.write_text("eno")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watch.changed()


def test_an_editor_that_renames(file):
    watch = Watch([file])
    new = file.with_suffix(".new")
    new.write_text("two")
    new.replace(file)
    assert watch.changed()
    assert not watch.changed()


def test_a_mounted_configmap_that_swaps_a_symlink(tmp_path):
    for version in ("1", "2"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "config.json").write_text(version)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "config.json").symlink_to("..data/config.json")
    watch = Watch([tmp_path / "config.json"])
    (tmp_path / "..tmp").symlink_to("..2")
    (tmp_path / "..tmp").replace(tmp_path / "..data")
    assert watch.changed()
    assert not watch.changed()


@pytest.mark.parametrize("blank", ["missing", "empty"])
def test_a_file_that_is_blank_for_a_moment_is_no_change(file, blank):
    watch = Watch([file])
    file.unlink() if blank == "missing" else file.write_text("")
    assert not watch.changed()
    file.write_text("one")
    assert not watch.changed()
    file.unlink() if blank == "missing" else file.write_text("")
    assert not watch.changed()
    file.write_text("two")
    assert watch.changed()


def test_a_file_that_stays_away_is_a_change_and_so_is_its_return(file):
    watch = Watch([file])
    file.unlink()
    assert [watch.changed() for _ in range(4)] == [False, True, False, False]
    file.write_text("one")
    assert watch.changed()


def test_every_file_is_looked_at(tmp_path):
    files = [tmp_path / name for name in "ab"]
    for path in files:
        path.write_text("one")
    watch = Watch(files)
    for path in files:
        path.write_text("two")
    assert [watch.changed(), watch.changed()] == [True, False]


def test_a_change_between_reading_and_watching_is_noticed(tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"providers": {"a": {"endpoint": "https://x.example/v1/chat/completions"}}}')
    loaded = load(Flags(), {"HOME": "/h"}, cwd=tmp_path)
    assert not Watch(loaded.watched).changed()
    path.write_text(path.read_text() + "\n")
    assert Watch(loaded.watched).changed()


def test_a_rotated_secret_is_noticed(tmp_path):
    (tmp_path / "config.json").write_text('{"providers": {"a": {"endpoint": "https://x.example/v1/chat/completions"}}}')
    (tmp_path / "key").write_text("old")
    loaded = load(Flags(), {"HOME": "/h", "PROXY_KEY_FILE": "key"}, cwd=tmp_path)
    watch = Watch(loaded.watched)
    (tmp_path / "key").write_text("new")
    assert watch.changed()
    again = load(Flags(), {"HOME": "/h", "PROXY_KEY_FILE": "key"}, cwd=tmp_path)
    assert again.snapshot.client_keys[0].key == "new"
