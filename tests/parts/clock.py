"""A wall clock that a test sets. What only runs forward (monotonic) stays as it is.

Python's clock is set by a ``sitecustomize`` module, which each of the proxy's processes imports at its start: libfaketime
breaks ``time.sleep`` and locks as soon as the clock is moved under a program. ``skewed`` is libfaketime all the same:
for the store's client, which is not Python.
"""

import os
import time
from pathlib import Path
from typing import Final

from tests.parts.requirement import require

DAY_S: Final = 86_400

SITE: Final = """\
import mmap
import os
import struct
import time

_true_ns = time.time_ns
with open(os.path.join(os.path.dirname(__file__), "shift"), "rb") as _file:
    _memory = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)


def _shifted_ns():
    return _true_ns() + struct.unpack("<q", _memory[:8])[0]


time.time_ns = _shifted_ns
time.time = lambda: _shifted_ns() / 1e9
"""


class Clock:
    """The clock of a program that is started with ``environment``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "clock"
        self._folder.mkdir()
        (self._folder / "sitecustomize.py").write_text(SITE)
        (self._folder / "shift").write_bytes(bytes(8))

    def environment(self) -> dict[str, str]:
        paths = [str(self._folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {"PYTHONPATH": os.pathsep.join(paths)}

    def shift(self, seconds: int) -> None:
        """Set it so far from the true time, now."""
        with (self._folder / "shift").open("r+b") as file:
            file.write((seconds * 10**9).to_bytes(8, "little", signed=True))

    def shift_to_midnight(self, seconds_before: int) -> None:
        """Set it shortly before the next UTC day."""
        self.shift(DAY_S - int(time.time()) % DAY_S - seconds_before)


def skewed(seconds: int) -> dict[str, str]:
    """The environment of a program whose clock is so far from the true time, from its start to its end."""
    require("faketime")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return {"LD_PRELOAD": str(library), "FAKETIME": f"{seconds:+d}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
