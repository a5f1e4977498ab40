"""The machine: which core is measured on, and what to print about it."""

import os
import platform
import re
import resource
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """How the cores are shared out."""

    measured: frozenset[int]
    others: frozenset[int]

    @classmethod
    def share_out(cls, usable: set[int]) -> "Cores":
        """The first for the measured process, the rest for load, providers and the recorder.

        Raises:
            ValueError: there is one core only; nothing measured on it would mean much.
        """
        first, *rest = sorted(usable)
        if not rest:
            raise ValueError("needs two cores: one for what is measured, one for the load")
        return cls(frozenset({first}), frozenset(rest))


def prepare(cores: Cores) -> None:
    """Move this process, and so all that it starts, off the measured core; allow thousands of connections."""
    os.sched_setaffinity(0, cores.others)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def find_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _ask_version(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return "absent"
    lines = (done.stdout + done.stderr).strip().splitlines() or [""]
    found = re.search(r"\d+(\.\d+)+", lines[0])
    return found[0] if found else lines[0]


def describe() -> dict[str, str]:
    """What a figure depends on, beside the code: shown under the table."""
    cpu = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release().split("-")[0],
        "python": sys.version.split()[0],
        "nginx": _ask_version("nginx", "-v"),
        "wrk": _ask_version("wrk", "-v"),
        "commit": _ask_commit(),
    }


def _ask_commit() -> str:
    root = Path(__file__).resolve().parent.parent
    command = ("git", "-C", str(root), "describe", "--always", "--dirty")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
