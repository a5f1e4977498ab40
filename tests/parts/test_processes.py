"""What a program leaves running is found, ended and told."""

import sys
from pathlib import Path

import pytest
from tests.parts import processes
from tests.parts.processes import plain_environment, run_program

CHILD = "import time; time.sleep(600)"
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {CHILD!r}], start_new_session=True)"


def test_an_orphan_fails_the_test_and_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(processes, "LEAVE_S", 0.1)
    with (
        pytest.raises(AssertionError, match="left running"),
        run_program([sys.executable, "-c", ORPHAN], env=plain_environment(tmp_path), folder=tmp_path) as program,
    ):
        program.process.wait(20)
        assert len(program.running()) == 1
    processes.wait_until(lambda: program.running() == [], "the end of what was left running")


def test_a_program_that_ends_early_says_why(tmp_path: Path):
    failing = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with (
        pytest.raises(AssertionError, match="no such thing"),
        run_program(failing, env=plain_environment(tmp_path), folder=tmp_path) as program,
    ):
        program.wait_until(lambda: False, "never")


def test_the_callers_keys_stay_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-caller")
    assert "AWS_ACCESS_KEY_ID" not in plain_environment(tmp_path)
