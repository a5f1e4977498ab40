"""The licence of each package, as its own metadata tells it, in SPDX's words where it can be told.

``python -m release.licences`` writes docs/licences.md anew.
"""

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from release.lock import canonical, names_in_lock

PAGE: Final = Path(__file__).parents[1] / "docs" / "licences.md"
KNOWN: Final = frozenset(
    (
        "0BSD",
        "Apache-2.0",
        "BSD",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Zlib",
    )
)
"""What may be depended on. ``BSD``: which of its forms, the metadata does not say."""
_WORDS: Final = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD",
    "bsd 2-clause license": "BSD-2-Clause",
    "bsd license": "BSD",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
}
"""How older metadata says it, in lower case."""
_READ: Final = {"atheris": "Apache-2.0"}
"""Its metadata says nothing; read in the file LICENSE of its source."""
_HEAD: Final = """# Licences

Of every package in `requirements/lock.txt` that is installed on Linux, as its metadata says; `BSD`: it does not say
which. None is copied into this repository or into the wheel. `make licences` writes this page and stops, as a test
does, at a licence that nobody has looked at yet (`KNOWN` in `release/licences.py`).

| package | licence |
|---|---|
"""


class UnknownLicenceError(Exception):
    """A package has a licence that nobody has said yes to, or tells none."""


def licence_of(package: Distribution) -> str:
    """An SPDX expression, or ``BSD``.

    Raises:
        UnknownLicenceError: It tells none, or one that is not in ``KNOWN``.
    """
    told = _told(package)
    names = re.split(r"\s+(?:AND|OR|WITH)\s+|[()]", told)
    unknown = [name for name in names if name.strip() and name.strip() not in KNOWN]
    if unknown or not told:
        raise UnknownLicenceError(f"{package.name}: {told or 'no licence is told'}")
    return told


def _told(package: Distribution) -> str:
    """Its expression; else its older field, if that is a name; else its classifiers, any of which may be chosen."""
    if expression := _field(package, "License-Expression"):
        return expression
    name = _field(package, "License").partition("\n")[0].strip()
    if found := _spdx(name):
        return found
    classifiers = package.metadata.get_all("Classifier") or []
    labels = [one.rpartition("::")[2].strip() for one in classifiers if one.startswith("License ::")]
    known = dict.fromkeys(_spdx(label) or label for label in labels if label not in {"OSI Approved", "DFSG approved"})
    return " OR ".join(known) or _READ.get(canonical(package.name), name)


def _field(package: Distribution, name: str) -> str:
    return str((package.metadata.get_all(name) or [""])[0]).strip()


def _spdx(text: str) -> str | None:
    names = [_WORDS.get(part.lower(), part) for part in re.split(r" (?:OR|AND) ", text)]
    if all(name in KNOWN for name in names):
        return text if len(names) > 1 else names[0]
    return None


def table(packages: Iterable[Distribution]) -> dict[str, str]:
    """Canonical name to licence, of the packages that the lock file holds, sorted.

    Raises:
        UnknownLicenceError: As ``licence_of``.
    """
    locked = names_in_lock()
    found = {canonical(one.name): licence_of(one) for one in packages if canonical(one.name) in locked}
    return dict(sorted(found.items()))


def main() -> None:
    rows = "".join(f"| {name} | {licence} |\n" for name, licence in table(distributions()).items())
    PAGE.write_text(_HEAD + rows)


if __name__ == "__main__":
    main()
