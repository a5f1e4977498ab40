"""Notices that files changed, by what they hold: a ConfigMap changes by a symlink swap, an editor by a rename.

The caller owns the clock: it asks about every two seconds.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_GONE: Final = ""
_EMPTY: Final = hashlib.sha256().hexdigest()


class Watch:
    """Files and what they held when last looked at.

    A file that is missing or empty is probably being written just now: that counts as a change only when it is so at
    two looks in a row.

    Args:
        files: Paths; with a mapping (``Loaded.watched``) the SHA-256 (hex) of what was read from each, so that a change
            between reading and watching is noticed, too.
    """

    def __init__(self, files: Mapping[Path, str] | Iterable[Path]) -> None:
        self._known: dict[Path, str] = (
            {**files} if isinstance(files, Mapping) else {path: _digest(path) for path in files}
        )
        self._blank: set[Path] = set()

    def changed(self) -> bool:
        """Whether any file holds something else than at the last look; each change is reported once."""
        looks = [self._look(path) for path in self._known]  # at every file, whatever the first ones say
        return any(looks)

    def _look(self, path: Path) -> bool:
        digest = _digest(path)
        if digest == self._known[path]:
            self._blank.discard(path)
            return False
        if digest in (_GONE, _EMPTY) and path not in self._blank:
            self._blank.add(path)
            return False
        self._blank.discard(path)
        self._known[path] = digest
        return True


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return _GONE
