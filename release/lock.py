"""``requirements/lock.txt``, read: each package's version and the hashes of its files."""

import re
from functools import cache
from pathlib import Path
from typing import Final

LOCK: Final = Path(__file__).parents[1] / "requirements" / "lock.txt"
_ROW: Final = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)[^\n]*\n(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64}[ \\]*\n)+)",
    re.MULTILINE,
)


def canonical(name: str) -> str:
    """A package's name as all tools compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def read_lock() -> dict[tuple[str, str], tuple[str, ...]]:
    """Canonical name and version to the files' SHA-256 in hex; a name may have a version each for several Pythons."""
    return {
        (canonical(row["name"]), row["version"]): tuple(re.findall(r"sha256:([0-9a-f]+)", row["hashes"]))
        for row in _ROW.finditer(LOCK.read_text())
    }


def names_in_lock() -> frozenset[str]:
    """The canonical names of all packages in the lock file."""
    return frozenset(name for name, _ in read_lock())
