"""A wall clock that a test sets, by libfaketime; time that only runs forward (monotonic) stays as it is."""

import time
from pathlib import Path

from tests.parts.requirement import require

DAY_S = 86_400


class Clock:
    """The clock of a program that is started with ``environment``."""

    def __init__(self, folder: Path) -> None:
        require("faketime")
        self._file = folder / "clock"
        self.shift(0)

    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def shift(self, seconds: int) -> None:
        """Set it so far from the true time, now."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{seconds:+d}")
        part.rename(self._file)

    def shift_to_midnight(self, seconds_before: int) -> None:
        """Set it shortly before the next UTC day."""
        self.shift(DAY_S - int(time.time()) % DAY_S - seconds_before)
