"""How sure a share is that was counted on few cases: Wilson's score interval (JASA 22, 1927). Pure."""

import math
from typing import Final, NamedTuple

Z_95: Final = 1.959963984540054


class Share(NamedTuple):
    """``passed`` of ``counted``; ``low`` and ``high`` bound the true share with 95 % confidence. All 0 to 1."""

    passed: int
    counted: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        """The share itself; None where nothing was counted."""
        return self.passed / self.counted if self.counted else None


def share(passed: int, counted: int) -> Share:
    """The share and its interval; of nothing, everything is possible."""
    if not counted:
        return Share(0, 0, 0.0, 1.0)
    rate, square = passed / counted, Z_95**2
    middle = (rate + square / (2 * counted)) / (1 + square / counted)
    half = Z_95 / (1 + square / counted) * math.sqrt(rate * (1 - rate) / counted + square / (4 * counted**2))
    low = 0.0 if passed == 0 else max(0.0, middle - half)
    high = 1.0 if passed == counted else min(1.0, middle + half)
    return Share(passed, counted, low, high)
