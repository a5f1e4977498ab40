"""What the edits of one call want, before the splice."""

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


class Changes:
    """``sets``: key to JSON bytes; ``drops``: keys to take out; ``names``: the edits that did something, in order."""

    __slots__ = ("drops", "names", "sets")

    def __init__(self) -> None:
        self.sets: dict[str, bytes] = {}
        self.drops: set[str] = set()
        self.names: list[str] = []

    def set(self, key: str, value: Any) -> None:
        """Give ``key`` the JSON of ``value``."""
        self.sets[key] = _encode(value)
        self.drops.discard(key)

    def drop(self, key: str) -> None:
        """Take ``key`` out."""
        self.drops.add(key)
        self.sets.pop(key, None)
