"""Waiting for a machine that others use, too: a figure taken beside their work is worth little."""

import time
from collections.abc import Callable

from bench import accounts

QUIET = 0.05  # of a core: less than this is nobody's work
_LOOK_S = 0.5


class Patience:
    """So many seconds for a whole run, spent on waiting for quiet and on measuring again what was disturbed."""

    def __init__(self, seconds: float, cores: frozenset[int], sleep: Callable[[float], None] = time.sleep) -> None:
        self._left_s = seconds
        self._cores = cores
        self._sleep = sleep

    @property
    def is_spent(self) -> bool:
        """Whether no more is to be waited or repeated."""
        return self._left_s <= 0

    def spend(self, seconds: float) -> None:
        """Take from what is left."""
        self._left_s -= seconds

    def wait_for_quiet(self) -> None:
        """Return once all cores were quiet for two looks, or patience is at its end."""
        calm = 0
        while calm < 2 and not self.is_spent:
            before = accounts.read_busy_ns(self._cores)
            self._sleep(_LOOK_S)
            self.spend(_LOOK_S)
            busy = (accounts.read_busy_ns(self._cores) - before) / 1e9 / _LOOK_S
            calm = calm + 1 if busy < QUIET * len(self._cores) else 0
