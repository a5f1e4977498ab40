"""The fuzz targets: on what the corpus holds, and, marked, on what a coverage-guided search finds."""

import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

import pytest

from fuzz import corpus
from fuzz.__main__ import keep_new
from fuzz.targets import NAMES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", NAMES)
def test_all_that_was_found_so_far_holds(name):
    check = import_module(f"fuzz.targets.{name}").check
    inputs = corpus.load(name)
    assert len(inputs) >= 10
    for one in inputs:
        try:
            check(one)
        except BaseException as error:
            error.add_note(f"on {one!r}")
            raise


def test_the_corpus_comes_back_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    corpus.store("x", [b"b", b"", b"aa", b"b"])
    assert corpus.load("x") == [b"", b"b", b"aa"]
    (tmp_path / "out").mkdir()
    corpus.unpack("x", tmp_path / "out")
    assert sorted(path.read_bytes() for path in (tmp_path / "out").iterdir()) == [b"", b"aa", b"b"]


def fuzz(name: str, seconds: int, folder: Path) -> None:
    if util.find_spec("atheris") is None:
        pytest.skip("atheris has no wheel for this machine")
    command = [sys.executable, "-m", "fuzz", name, "--seconds", str(seconds), "--findings", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 100, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert "Done " in done.stderr
    assert not list(folder.glob("crash-*"))


@pytest.mark.slow
def test_of_what_was_found_only_what_reaches_further_is_kept(tmp_path, monkeypatch):
    if util.find_spec("atheris") is None:
        pytest.skip("atheris has no wheel for this machine")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(corpus, "FOLDER", tmp_path)
    corpus.store("scrubbing", [b"plain words"])
    found = tmp_path / "found"
    found.mkdir()
    for number, one in enumerate([b"other words", b"sk-abcdef0123456789"]):
        (found / str(number)).write_bytes(one)
    keep_new("scrubbing", found)
    assert corpus.load("scrubbing") == [b"plain words", b"sk-abcdef0123456789"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ten_seconds_find_nothing(name, tmp_path):
    fuzz(name, 10, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_ten_minutes_find_nothing(name, tmp_path):
    fuzz(name, 600, tmp_path)
