"""Trials: a target's tests on one mutant after the other, each in a process of its own, some side by side."""

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final, Literal, NamedTuple

from mutation.mutants import Mutant

Outcome = Literal["killed", "survived", "timeout"]

# Imported once, before the trials part: nothing of ours, which each trial must import anew.
_PRELOADED: Final = (
    "_pytest.assertion.rewrite",
    "hypothesis.strategies",
    "msgspec",
    "pytest",
    "uvloop",
    "httptools",
    "trustme",
)
_EXAMPLES: Final = 30  # of a property; what more of them would find is to be stated by an example
_FORK: Final = multiprocessing.get_context("fork")
_MOST_S: Final = 600  # where nothing else ends a trial: a test that waits is ended by its own time limit
_OUTCOMES: Final[dict[int, Outcome]] = {0: "survived", -signal.SIGXCPU: "timeout", -signal.SIGKILL: "timeout"}
_MOST_MEMORY_BYTES: Final = 4 << 30  # a mutant may fill lists without end
_OPTIONS: Final = (
    *("-x", "-q", "-p", "no:cacheprovider", "-m", "not slow and not long"),
    *("--disable-plugin-autoload", "-p", "pytest_timeout"),  # no random order, and no plugin that is slow to import
)


class Trial(NamedTuple):
    """One mutant, what became of it, and after how long."""

    mutant: Mutant
    outcome: Outcome
    seconds: float


class _Running(NamedTuple):
    mutant: Mutant
    process: BaseProcess
    started_s: float


class _MutantLoader(SourceFileLoader):
    """Loads the mutant's code as if it stood in the file."""

    def __init__(self, name: str, path: str, code: str) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's interface
        return compile(self._code, self.path, "exec", dont_inherit=True)


class _MutantFinder(MetaPathFinder):
    """Finds the mutant where its module is asked for."""

    def __init__(self, mutant: Mutant) -> None:
        parts = mutant.path.with_suffix("").parts[1:]
        self._name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self._code = mutant.code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _MutantLoader(fullname, spec.origin, self._code)
        return spec


def preload() -> None:
    """Import what is the same for all trials."""
    for name in _PRELOADED:
        import_module(name)
    hypothesis = import_module("hypothesis")
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # that it fails is enough: nothing is made smaller
    profile = {"derandomize": True, "deadline": None, "database": None, "phases": phases, "max_examples": _EXAMPLES}
    hypothesis.settings.register_profile("mutation", **profile)
    hypothesis.settings.load_profile("mutation")
    assert not any(name.split(".")[0] == "open_llm_proxy" for name in sys.modules)


def measure(root: Path, tests: Sequence[str], output: Path) -> float:
    """Seconds of the processor that the tests take on the source as it is.

    Raises:
        RuntimeError: They fail: no mutant could be judged by them.
    """
    before_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    process = _start(root, None, tests, None, output)
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"the tests fail without a mutant:\n{output.read_text()[-4000:]}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before_s


def run(root: Path, work: Sequence[tuple[Mutant, Sequence[str]]], limit_s: int, jobs: int) -> Iterator[Trial]:
    """A trial for each mutant with its tests, as they end; ``limit_s`` is of the processor."""
    waiting = iter(work)
    running: list[_Running] = []
    while True:
        while len(running) < jobs and (following := next(waiting, None)):
            mutant, tests = following
            running.append(_Running(mutant, _start(root, mutant, tests, limit_s), time.monotonic()))
        if not running:
            return
        wait([one.process.sentinel for one in running], timeout=1)
        for one in list(running):
            elapsed_s = time.monotonic() - one.started_s
            if elapsed_s > _MOST_S or not one.process.is_alive():
                running.remove(one)
                _end(one.process)
                yield Trial(one.mutant, _OUTCOMES.get(one.process.exitcode or 0, "killed"), elapsed_s)


def _start(
    root: Path, mutant: Mutant | None, tests: Sequence[str], limit_s: int | None, output: Path | None = None
) -> BaseProcess:
    process = _FORK.Process(target=_try, args=(root, mutant, tests, limit_s, output), daemon=True)
    process.start()
    return process


def _end(process: BaseProcess) -> None:
    """With all that the tests have started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.join()


def _try(root: Path, mutant: Mutant | None, tests: Sequence[str], limit_s: int | None, output: Path | None) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if limit_s is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s + 5))
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
    sink = os.open(output or os.devnull, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    os.chdir(root)
    for name in [name for name in sys.modules if name.split(".")[0] == "tests"]:
        del sys.modules[name]  # those of the tree are meant
    sys.path[:0] = [str(root / "src"), str(root)]
    if mutant is not None:
        sys.meta_path.insert(0, _MutantFinder(mutant))
    status = _test(root, tests)
    ours = sys.modules.get("open_llm_proxy")
    if mutant is None and not str(ours and ours.__file__).startswith(str(root)):
        status = 99
    sys.stdout.flush()
    os._exit(status)


class _Order:
    """A plugin for pytest: examples before properties, as they are quicker; or examples alone."""

    def __init__(self, *, properties: bool) -> None:
        self._properties = properties

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        def is_property(item: Any) -> bool:
            return getattr(item.function, "is_hypothesis_test", False)

        items.sort(key=is_property)
        if not self._properties:
            items[:] = [item for item in items if not is_property(item)]


def _test(root: Path, tests: Sequence[str]) -> int:
    """Pytest's exit status; the first file's examples notice most mutants: nothing else is even collected then."""
    pytest = import_module("pytest")
    options = [*_OPTIONS, "--rootdir", str(root), "-c", str(root / "pyproject.toml")]
    status = pytest.main([*options, tests[0]], plugins=[_Order(properties=False)])
    if status in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        status = pytest.main([*options, *tests], plugins=[_Order(properties=True)])
    return int(status)
