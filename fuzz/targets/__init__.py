"""One module a target, each with ``check(data)``: raises where a property does not hold."""

from typing import Final

NAMES: Final = ("requests", "answers", "bodies", "events", "frames", "scrubbing")
