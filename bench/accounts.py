"""The operating system's accounts: CPU time and memory of a process, and the page cache's dirt."""

import os
from dataclasses import dataclass
from pathlib import Path


def parse_schedstat(text: str) -> int:
    """Nanoseconds on a CPU: the first field of ``/proc/<pid>/task/<tid>/schedstat``."""
    return int(text.split(maxsplit=1)[0])


def parse_parent(stat: str) -> int:
    """The parent's pid in ``/proc/<pid>/stat``, whose second field, the name, may hold spaces and parentheses."""
    return int(stat.rpartition(")")[2].split()[1])


def parse_kilobytes(text: str, name: str) -> int:
    """Bytes of one ``Name:  123 kB`` line of ``/proc/meminfo`` or ``/proc/<pid>/status``."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    raise KeyError(name)


def read_cpu_ns(pid: int) -> int:
    """User and system CPU time that a process's living threads have had, in nanoseconds."""
    return sum(parse_schedstat((task / "schedstat").read_text()) for task in Path(f"/proc/{pid}/task").iterdir())


def parse_busy_ns(stat: str, cores: frozenset[int]) -> int:
    """Nanoseconds that these cores have spent on anything, from ``/proc/stat``; it counts in ticks of 10 ms."""
    tick_ns = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    names = {f"cpu{core}" for core in cores}
    lines = (line.split() for line in stat.splitlines())
    # user nice system idle iowait irq softirq steal; what guests had is in user already
    return sum(sum(map(int, (*line[1:4], *line[6:9]))) * tick_ns for line in lines if line and line[0] in names)


def read_busy_ns(cores: frozenset[int]) -> int:
    """Time that these cores have spent on anything."""
    return parse_busy_ns(Path("/proc/stat").read_text(), cores)


def read_rss_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return parse_kilobytes(Path(f"/proc/{pid}/status").read_text(), "VmRSS")


def read_peak_rss_bytes(pid: int) -> int:
    """The most resident memory that a process has had."""
    return parse_kilobytes(Path(f"/proc/{pid}/status").read_text(), "VmHWM")


def read_command(pid: int) -> str:
    """A process's command line, its arguments parted by spaces."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")


def list_descendants(pid: int) -> list[int]:
    """Every living process that descends from this one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(parse_parent((entry / "stat").read_text()), []).append(int(entry.name))
            except OSError:
                continue  # it ended meanwhile
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def pin(pid: int, cores: set[int]) -> None:
    """Keep all threads of a process, and those that they start, on these cores."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


def make_idle(pid: int) -> None:
    """Let a process have only the time that nobody else on its cores wants."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setscheduler(int(task.name), os.SCHED_IDLE, os.sched_param(0))


@dataclass(frozen=True, slots=True)
class Dirt:
    """Bytes in the page cache that are not on the disk."""

    dirty_bytes: int
    writeback_bytes: int

    @classmethod
    def read(cls) -> "Dirt":
        """As it is now."""
        text = Path("/proc/meminfo").read_text()
        return cls(parse_kilobytes(text, "Dirty"), parse_kilobytes(text, "Writeback"))
