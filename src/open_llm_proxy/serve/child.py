"""A child as the supervisor sees it: a slot with one process after the other, and when the next one is due."""

import time
from collections.abc import Callable
from typing import Final

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.serve.control import ToChild
from open_llm_proxy.serve.process import Process, Spec

LIVED_S: Final = 5.0
"""A child that lived this long died of something new: its successor starts at once."""
FIRST_DELAY_S: Final = 0.1
MOST_DELAY_S: Final = 1.0


class Backoff:
    """How long to wait before the next start: not at all, then ever longer while children die at once."""

    def __init__(self) -> None:
        self.deaths = 0

    def next_delay_s(self, lived_s: float) -> float:
        """The delay after a child that lived ``lived_s`` seconds."""
        self.deaths = 1 if lived_s >= LIVED_S else self.deaths + 1
        return 0.0 if self.deaths == 1 else min(MOST_DELAY_S, FIRST_DELAY_S * 2 ** (self.deaths - 2))


class Child:
    """One slot.

    Attributes:
        spec: What is started.
        process: What runs now; None between two.
        start_at: When the next one is due (monotonic seconds); None: not at all.
        ready: Whether the process that runs now said that it works.
        ever_ready: Whether any of them did.
        deaths: How many died at once, in a row.
    """

    def __init__(self, spec: Spec, clock: Callable[[], float] = time.monotonic) -> None:
        self.spec = spec
        self.process: Process | None = None
        self.start_at: float | None = clock()
        self.ready = False
        self.ever_ready = False
        self._backoff = Backoff()
        self._clock = clock

    @property
    def name(self) -> str:
        """The child in our lines on stderr."""
        return self.spec.name

    @property
    def deaths(self) -> int:
        """How many died at once, in a row."""
        return self._backoff.deaths

    def is_due(self) -> bool:
        """Whether it is time to start."""
        return self.process is None and self.start_at is not None and self.start_at <= self._clock()

    def start(self, snapshot: Snapshot) -> Process:
        """Start a process.

        Raises:
            OSError: The machine has no process or descriptor left.
        """
        self.process = Process(self.spec, snapshot)
        self.start_at = None
        return self.process

    def note_ready(self) -> None:
        """The process said that it works."""
        self.ready = self.ever_ready = True

    def note_death(self, *, successor: bool) -> float:
        """The process is gone, or could not be started; the seconds until its ``successor``, if there is to be one."""
        lived_s = 0.0 if self.process is None else self._clock() - self.process.started_at
        self.process = None
        self.ready = False
        delay_s = self._backoff.next_delay_s(lived_s)
        self.start_at = self._clock() + delay_s if successor else None
        return delay_s

    def send(self, message: ToChild) -> None:
        """Send to the process, if one runs."""
        if self.process is not None:
            self.process.send(message)

    def kill(self) -> None:
        """SIGKILL to the process, if one runs."""
        if self.process is not None:
            self.process.kill()
