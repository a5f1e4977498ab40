"""The fuzz targets: on what the corpus holds, and, marked, on what a coverage-guided search finds."""

import hashlib
import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

import pytest

from fuzz.targets import NAMES

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "fuzz" / "corpus"


@pytest.mark.parametrize("name", NAMES)
def test_all_that_was_found_so_far_holds(name):
    check = import_module(f"fuzz.targets.{name}").check
    inputs = sorted((CORPUS / name).iterdir())
    assert len(inputs) >= 5
    for path in inputs:
        try:
            check(path.read_bytes())
        except BaseException as error:
            error.add_note(f"on {path.relative_to(ROOT)}")
            raise


@pytest.mark.parametrize("name", NAMES)
def test_no_input_is_kept_twice(name):
    inputs = [path.read_bytes() for path in (CORPUS / name).iterdir()]
    assert len({hashlib.sha256(one).digest() for one in inputs}) == len(inputs)


def fuzz(name: str, seconds: int, folder: Path) -> None:
    if util.find_spec("atheris") is None:
        pytest.skip("atheris has no wheel for this machine")
    command = [sys.executable, "-m", "fuzz", name, "--seconds", str(seconds), "--findings", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 100, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert "Done " in done.stderr
    assert not list(folder.glob("crash-*"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ten_seconds_find_nothing(name, tmp_path):
    fuzz(name, 10, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_ten_minutes_find_nothing(name, tmp_path):
    fuzz(name, 600, tmp_path)
