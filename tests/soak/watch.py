"""What the processes of a ``serve`` hold, second by second, and whether it grows with the calls that they answer."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.parts.processes import Program

STEP_S: Final = 1.0
MB: Final = 1 << 20
CHILD: Final = "open_llm_proxy.serve."
WARM_UP: Final = 0.3
"""The part of a process's life in which memory may grow: caches fill, the allocator learns the traffic's peaks."""
WINDOW: Final = 1 / 3
"""Of what is left, the first part is held against the last one."""
FEWEST: Final = 20
GROWTH_BYTES_A_CALL: Final = 512
"""What a call may leave behind, by a measurement's error. A header of a request alone would be more."""
NOISE_BYTES: Final = 2 * MB
"""Growth below this is no growth: it is what an allocator's arena or two make."""


class Sample(NamedTuple):
    """What one process held at a moment, and how many calls the whole ``serve`` had answered by then."""

    at_s: float
    calls: int
    memory_bytes: int
    descriptors: int
    threads: int


class Growth(NamedTuple):
    """The medians of an early and of a late window, and the calls between their middles."""

    early_bytes: float
    late_bytes: float
    calls: int

    @property
    def bytes_a_call(self) -> float:
        return (self.late_bytes - self.early_bytes) / max(1, self.calls)

    @property
    def is_leak(self) -> bool:
        grown = self.late_bytes - self.early_bytes
        return grown > NOISE_BYTES and grown > GROWTH_BYTES_A_CALL * self.calls


def growth_of(samples: Sequence[Sample]) -> Growth:
    """Judge the memory of one process. Raises ``ValueError`` where it lived too short a life for that."""
    warm = samples[int(len(samples) * WARM_UP) :]
    if len(warm) < FEWEST:
        raise ValueError(f"{len(samples)} samples say nothing")
    size = int(len(warm) * WINDOW)
    early, late = warm[:size], warm[-size:]
    return Growth(
        statistics.median(sample.memory_bytes for sample in early),
        statistics.median(sample.memory_bytes for sample in late),
        int(statistics.median(sample.calls for sample in late) - statistics.median(sample.calls for sample in early)),
    )


class Process(NamedTuple):
    """One of a ``serve``: ``supervisor``, ``recorder``, ``worker 1``."""

    name: str
    pid: int


def processes_of(program: Program) -> list[Process]:
    """Those that run now."""
    return sorted(Process(name, pid) for pid in program.running() if (name := _name_of(program, pid)))


def _name_of(program: Program, pid: int) -> str | None:
    if pid == program.process.pid:
        return "supervisor"
    words = read(pid, "cmdline").decode().split("\0")
    role = next((word.removeprefix(CHILD) for word in words if word.startswith(CHILD)), None)
    return f"worker {words[words.index('--slot') + 1]}" if role == "worker" else role


def read(pid: int, name: str) -> bytes:
    """A file of ``/proc``; empty where the process has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def descriptors_of(pid: int) -> Counter[str]:
    """How many of each kind: ``socket``, ``pipe``, ``anon_inode``, or a file's path."""
    kinds: Counter[str] = Counter()
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                target = str(entry.readlink())
                kinds[target if target.startswith("/") else target.partition(":")[0]] += 1
    return kinds


def unreaped(pid: int) -> list[int]:
    """Children that have ended and that nobody has waited for."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            if state == "Z" and int(parent) == pid:
                found.append(int(status.parent.name))
    return found


def sample(pid: int, calls: int) -> Sample | None:
    """What a process holds now; None: it has ended. Memory is what is its own alone, no mapped files."""
    fields = dict(line.split(":", 1) for line in read(pid, "status").decode().splitlines() if ":" in line)
    if "RssAnon" not in fields:
        return None
    memory_bytes = int(fields["RssAnon"].split()[0]) * 1024
    return Sample(time.monotonic(), calls, memory_bytes, descriptors_of(pid).total(), int(fields["Threads"]))


class Watch:
    """Looks at all processes once a second, in a thread. ``calls`` tells how many were answered so far."""

    def __init__(self, program: Program, calls: Callable[[], int]) -> None:
        self.series: dict[Process, list[Sample]] = {}
        self._program = program
        self._calls = calls
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @contextmanager
    def watching(self) -> Iterator["Watch"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.wait(STEP_S):
            calls = self._calls()
            for process in processes_of(self._program):
                if (taken := sample(process.pid, calls)) is not None:
                    self.series.setdefault(process, []).append(taken)

    def long_lived(self) -> dict[str, list[Sample]]:
        """By name, the series of the process that lived longest."""
        found: dict[str, list[Sample]] = {}
        for process, samples in self.series.items():
            if len(samples) > len(found.get(process.name, ())):
                found[process.name] = samples
        return found
