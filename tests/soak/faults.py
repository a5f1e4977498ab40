"""What happens to a ``serve`` in a soak: its processes are killed, its configuration changes, its store stands still.

At first anything is killed. Later one worker, the recorder and the supervisor are spared: only a long life shows a leak.
"""

import json
import logging
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.parts.proxy import Proxy
from tests.soak.watch import processes_of

LOG = logging.getLogger(__name__)  # pytest shows it where a test fails
SPARED: Final = "worker 1"
VICTIM: Final = "worker 2"
STALL_S: Final = 3.0
BACK_S: Final = 30.0


class Settings:
    """The configuration, and the ways in which it changes. Each file that is written is another one."""

    def __init__(self, endpoint: str, unreachable: str) -> None:
        self._up = {"endpoint": endpoint}
        self._gone = {"endpoint": unreachable, "models": ["gone"], "model_prefixes": []}
        self._second = {"endpoint": endpoint.replace("127.0.0.1", "localhost"), "model_prefixes": ["second/"]}
        self._count = 0

    def next(self) -> dict[str, Any]:
        """The next one: every other has a second provider, at an origin of its own, and other headers."""
        self._count += 1
        more = {"second": self._second} if self._count % 2 else {}
        up = self._up | {"extra_headers": {"x-count": str(self._count % 3)}}
        return {
            "providers": {"gone": self._gone, **more, "up": up},
            "default_provider": "up",
            "workers": 2,
            "timeouts": {"between_bytes_s": 6, "upstream_idle_s": 1, "connect_s": 5},
            "_count": self._count,
        }


class Faults:
    """Does one thing after the other, in a thread. ``done`` counts them.

    Args:
        proxy: What they happen to.
        settings: What its file says next.
        store: The process id of its store.
        rng: Chooses.
    """

    def __init__(self, proxy: Proxy, settings: Settings, store: int, rng: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self.failure: BaseException | None = None
        self._proxy, self._settings, self._store, self._rng = proxy, settings, store, rng
        self._stop = threading.Event()
        self._early: list[Callable[[], None]] = [
            lambda: self._kill(SPARED),
            lambda: self._kill("recorder"),
            lambda: self._kill(VICTIM, SPARED),
            lambda: self._kill("recorder", VICTIM),
        ]
        self._always: list[Callable[[], None]] = [
            lambda: self._kill(VICTIM),
            self._change_file,
            self._hang_up,
            lambda: self._kill(VICTIM),
            self._break_file,
            self._stall_store,
        ]

    @contextmanager
    def happening(self, early_s: float, every_s: float) -> Iterator["Faults"]:
        """One every ``every_s`` seconds; in the first ``early_s`` seconds twice as often, and to anything."""
        thread = threading.Thread(target=self._run, args=(early_s, every_s), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(2 * BACK_S)
        if self.failure is not None:
            raise self.failure

    @property
    def kills(self) -> int:
        return sum(count for what, count in self.done.items() if what.startswith("kill "))

    @property
    def reloads(self) -> int:
        return self.done["changed file"] + self.done["SIGHUP"]

    def _run(self, early_s: float, every_s: float) -> None:
        try:
            early = int(early_s / every_s * 2)
            for number in range(early):
                if self._stop.wait(every_s / 2):
                    return
                kinds = self._early if number % 2 == 0 else self._always
                kinds[number // 2 % len(kinds)]()
            while True:
                for act in self._rng.sample(self._always, len(self._always)):
                    if self._stop.wait(every_s * self._rng.uniform(0.5, 1.5)):
                        return
                    act()
        except BaseException as error:  # it is raised where the block ends
            self.failure = error

    def _note(self, what: str) -> None:
        LOG.warning("%s", what)
        self.done[what] += 1

    # --- what happens --------------------------------------------------------------------------------------------

    def _kill(self, *names: str) -> None:
        """SIGKILL at once to all of them; on with the next thing when their successors are there."""
        program = self._proxy.program
        running = {process.name: process.pid for process in processes_of(program)}
        victims = [name for name in names if name in running]
        for name in victims:
            os.kill(running[name], signal.SIGKILL)
            self._note(f"kill {name}")

        def are_back() -> bool:
            now = {process.name: process.pid for process in processes_of(program)}
            return all(now.get(name, running[name]) != running[name] for name in victims)

        program.wait_until(are_back, f"{victims} started again", BACK_S)

    def _change_file(self) -> None:
        self._write(json.dumps(self._settings.next()).encode())
        self._note("changed file")

    def _hang_up(self) -> None:
        """Changed and told at once: read once for the signal, and found as known by the next look."""
        self._write(json.dumps(self._settings.next()).encode())
        os.kill(self._proxy.program.process.pid, signal.SIGHUP)
        self._note("SIGHUP")

    def _break_file(self) -> None:
        """A file with a mistake in it: the one before stays in force."""
        self._write(json.dumps({"providers": {}, "wokers": 2, "_count": self._rng.getrandbits(32)}).encode())
        self._note("wrong file")

    def _write(self, data: bytes) -> None:
        """Put a whole file in the place of the old one, as a ConfigMap's update does."""
        path: Path = self._proxy.config_path
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(path)

    def _stall_store(self) -> None:
        os.kill(self._store, signal.SIGSTOP)
        try:
            self._stop.wait(STALL_S)
        finally:
            os.kill(self._store, signal.SIGCONT)
        self._note("stalled store")
