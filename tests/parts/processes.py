"""Programs that a test starts: each is stopped with the test, and a test that leaves one running fails."""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DEADLINE_S: Final = 20.0
STEP_S: Final = 0.02
LEAVE_S: Final = 5.0
MARK: Final = "OPEN_LLM_PROXY_TEST"


def wait_until(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll until the condition holds; an ``AssertionError`` names what did not come true."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s:g} s: {what}"
        time.sleep(STEP_S)


def plain_environment(home: Path) -> dict[str, str]:
    """What a fresh shell has, and no keys, stores or proxies of whoever runs the tests."""
    kept = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "PYTHONPATH", "COVERAGE_PROCESS_START")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"HOME": str(home), "TZ": "UTC"}


class Program:
    """A running program and the files that its output goes to."""

    def __init__(self, command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path, cwd: Path) -> None:
        self.mark = uuid.uuid4().hex
        self.stdout_path = folder / "stdout"
        self.stderr_path = folder / "stderr"
        with self.stdout_path.open("wb") as out, self.stderr_path.open("wb") as err:
            self.process = subprocess.Popen(
                list(map(str, command)),
                env={**env, MARK: self.mark},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def stdout(self) -> str:
        return self.stdout_path.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        return self.stderr_path.read_text(errors="replace")

    def wait_until(self, condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
        """As the function, but a program that ended meanwhile fails at once, with what it said."""

        def holds() -> bool:
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {self.stderr}{self.stdout}"
            return bool(condition())

        wait_until(holds, what, deadline_s)

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """Ask it to end and wait; returns its exit status. Killed, and an error, when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise AssertionError(f"did not end within {DEADLINE_S:g} s: {self.stderr}") from None

    def running(self) -> list[int]:
        """Every process that this program has left, itself included: they all inherit the mark.

        Where there is no ``/proc`` (macOS), only the program itself is known.
        """
        if not Path("/proc/self/environ").exists():
            return [self.process.pid] if self.process.poll() is None else []
        needle = f"{MARK}={self.mark}".encode()
        return [pid for pid in _process_ids() if needle in _environment_of(pid)]

    def kill_all(self) -> None:
        for pid in self.running():
            _kill(pid)
        self.process.wait(DEADLINE_S)


def _process_ids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment_of(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or it is not ours
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def run_program(
    command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path, cwd: Path | None = None
) -> Iterator[Program]:
    """Run a program for as long as the block takes; what it leaves running is killed and fails the test."""
    program = Program(command, env=env, folder=folder, cwd=cwd or folder)
    try:
        yield program
        program.stop()
        wait_until(lambda: not program.running(), f"left running after {command[0]} ended: {program.stderr}", LEAVE_S)
    finally:
        program.kill_all()
