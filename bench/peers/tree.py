"""A process with all that descends from it: its CPU time, its memory, its end."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from bench import accounts
from bench.processes import wait_until

_CPUCLOCK_SCHED = 2  # of the kernel's clock numbers: a process's run time, of its ended threads, too


def list_tree(root: int) -> list[int]:
    """The process and its living descendants."""
    return [root, *accounts.list_descendants(root)]


def read_cpu_ns(pid: int) -> int:
    """Nanoseconds on a CPU that all threads of a process have had, those that ended included; 0 if it is gone."""
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError:
        return 0


def sum_cpu_ns(pids: Iterable[int]) -> int:
    """The same of several processes."""
    return sum(map(read_cpu_ns, pids))


def sum_memory_bytes(root: int) -> int:
    """Resident memory of the tree; a page that processes share counts once (PSS)."""
    total = 0
    for pid in list_tree(root):
        try:
            total += accounts.parse_kilobytes(Path(f"/proc/{pid}/smaps_rollup").read_text(), "Pss")
        except (OSError, KeyError):
            continue  # it ended meanwhile
    return total


def kill_tree(root: int) -> None:
    """SIGKILL to every process of the tree, the root first, so that nothing starts anew."""
    for pid in list_tree(root):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait_for_quiet(pids: Iterable[int], *, seconds: float = 30) -> None:
    """Return once the processes did next to nothing for a third of a second: what they put off is done."""
    watched = list(pids)

    def is_quiet() -> bool:
        before = sum_cpu_ns(watched)
        time.sleep(0.3)
        return sum_cpu_ns(watched) - before < 6_000_000

    wait_until(is_quiet, "a peer at rest", seconds=seconds)
