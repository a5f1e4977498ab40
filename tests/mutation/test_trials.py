"""Real trials: they run the tests of this repository on mutants of it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.parts.requirement import require

ROOT = Path(__file__).parents[2]


def mutate(*arguments: str) -> subprocess.CompletedProcess[str]:
    require("mutmut")
    command = [sys.executable, "-m", "mutation", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_wrong_route_goes_unnoticed():
    done = mutate("routing")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 of them unexplained" in done.stdout
    assert " 0 killed," not in done.stdout


@pytest.mark.long
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("target", ["edits", "scrub", "http1"])
def test_every_survivor_is_explained(target):
    done = mutate(target)
    assert done.returncode == 0, done.stdout + done.stderr
