"""Starting what a round needs, and ending exactly that."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench import accounts


class RigError(Exception):
    """The rig cannot measure: a part is missing, did not start, or did not do what it was asked."""


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float, every_s: float = 0.02) -> None:
    """Poll a condition.

    Raises:
        RigError: it did not hold in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RigError(f"{what} not within {seconds:g} s")
        time.sleep(every_s)


def is_listening(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(
    command: Sequence[str], *, log: Path, port: int, env: Mapping[str, str] | None = None, stdout: Path | None = None
) -> Iterator[int]:
    """Run a command while its port is wanted; give its pid; kill it and its descendants at the end.

    Raises:
        RigError: it ended, or did not listen within ten seconds; with the end of its log.
    """
    with log.open("wb") as errors, (stdout or Path(os.devnull)).open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=env)
    try:
        wait_until(lambda: process.poll() is not None or is_listening(port), f"{command[0]} listening", seconds=10)
        if process.poll() is not None:
            raise RigError(f"{command[0]} ended with {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}")
        yield process.pid
    finally:
        kill_family(process)


def start_quiet(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Start a command that has nothing to say, where ``-m bench…`` finds the rig."""
    quiet = subprocess.DEVNULL
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, cwd=root)


def kill_family(process: "subprocess.Popen[bytes]") -> None:
    """End a process that we started, with all that descends from it; nothing of it is worth a graceful end."""
    family = [process.pid, *accounts.list_descendants(process.pid)]
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    wait_until(lambda: not any(_is_alive(pid) for pid in family[1:]), f"end of {family}", seconds=10)


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Hold a process for a while (SIGSTOP)."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
