"""A profile of the worker while it is measured: by py-spy, else by perf. It makes the figures worse."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import RigError


def choose_profiler(pid: int, seconds: float, folder: Path) -> list[str]:
    """The command that profiles a process for so long into a file of the folder.

    Raises:
        RigError: neither profiler is installed.
    """
    number = len(list(folder.iterdir()))
    if py_spy := shutil.which("py-spy"):
        file = str(folder / f"{number:03}.speedscope.json")
        options = ["--native", "--format", "speedscope", "--duration", str(max(1, int(seconds)))]
        return [py_spy, "record", "--pid", str(pid), "--output", file, *options]
    if perf := shutil.which("perf"):
        file = str(folder / f"{number:03}.perf")
        return [perf, "record", "-q", "-g", "-F", "999", "-p", str(pid), "-o", file, "--", "sleep", f"{seconds:.1f}"]
    raise RigError("neither py-spy nor perf is installed")


@contextmanager
def profiling(pid: int, seconds: float, folder: Path | None) -> Iterator[None]:
    """Profile a process during the ``with``; without a folder, do nothing."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    profiler = subprocess.Popen(choose_profiler(pid, seconds, folder), stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        profiler.wait(timeout=seconds + 60)
