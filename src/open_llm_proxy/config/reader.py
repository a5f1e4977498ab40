"""Reads variables: empty counts as unset, ``<name>_FILE`` names a file with the value, mistakes are gathered."""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from open_llm_proxy.config.environment import BY_NAME, Variable
from open_llm_proxy.config.problems import Problem, quoted

SECRET_BYTES: Final = 65536
_UNSAFE: Final = re.compile(r"[^ -~]")


class Reader:
    """The process's environment over that of an ``.env`` file, with what was wrong and where each value came from.

    Attributes:
        problems: Gathered while reading.
        sources: Variable to the words for where its value came from (``environment PROXY_KEY_FILE``).
        watched: Each file that was read, with the SHA-256 (hex) of what it held.
    """

    def __init__(self, environ: Mapping[str, str], *, cwd: Path, below: Mapping[str, str], below_path: str) -> None:
        self._cwd = cwd
        self.problems: list[Problem] = []
        self.sources: dict[str, str] = {}
        self.watched: dict[Path, str] = {}
        self._read: dict[str, str | None] = {}
        self._values = {name: text for name, text in environ.items() if text.strip()}
        self._below_path = below_path
        # A key set by the shell as PROXY_KEY beats a PROXY_KEY_FILE of the .env file, and the other way round.
        self._below = {
            name: text for name, text in below.items() if text.strip() and self._values.keys().isdisjoint(_pair(name))
        }

    def value(self, name: str) -> Any:
        """A variable's parsed value (a row of ``VARIABLES``); None where it is unset or wrong, which is noted."""
        variable = BY_NAME[name]
        given = self.secret(name) if variable.secret else self._plain(name)
        return None if given is None else self._parsed(variable, given)

    def secret(self, name: str) -> str | None:
        """The text of ``name`` or of the file that ``<name>_FILE`` names; None: unset, empty or unreadable."""
        if name not in self._read:
            self._read[name] = self._secret(name)
        return self._read[name]

    def key(self, name: str) -> str | None:
        """As ``secret``, fit for a header's value."""
        return self._fit(name, unfit)

    def salt(self, name: str) -> str | None:
        """As ``secret``, fit for JSON."""
        return self._fit(name, lambda given: None if given.isprintable() else "holds a control character or no UTF-8")

    def _fit(self, name: str, judge: Callable[[str], str | None]) -> str | None:
        given = self.secret(name)
        wrong = None if given is None else judge(given)
        if wrong is not None:
            self.problems.append(Problem(name, wrong))
        return given if wrong is None else None

    def folder(self, name: str) -> str | None:
        """A folder's absolute path."""
        given = self.value(name)
        return None if given is None else str(self._cwd / Path(given).expanduser())

    def standard(self, name: str) -> str | None:
        """A variable of the system's, such as ``HOME``; None where it is unset or empty."""
        return self._values.get(name)

    def _plain(self, name: str) -> str | None:
        if name in self._values:
            self.sources[name] = f"environment {name}"
            return self._values[name].strip()
        if name in self._below:
            self.sources[name] = f"environment {name} (from {self._below_path})"
            return self._below[name].strip()
        return None

    def _parsed(self, variable: Variable, given: str) -> Any:
        try:
            return variable.parse(given)
        except ValueError as error:
            shown = "" if variable.secret else f", got {quoted(given)}"
            self.problems.append(Problem(variable.name, f"expected {error}{shown}"))
            return None

    def _secret(self, name: str) -> str | None:
        given, path = self._plain(name), self._plain(f"{name}_FILE")
        if given is not None and path is not None:
            self.problems.append(Problem(name, f"set twice: {name} and {name}_FILE; keep one"))
            return None
        if path is None:
            return given
        self.sources[name] = f"{self.sources.pop(f'{name}_FILE')} ({path})"
        return self._held(f"{name}_FILE", self._cwd / path)

    def _held(self, name: str, path: Path) -> str | None:
        """What a secret's file holds, without line breaks at the ends; an empty one counts as unset."""
        try:
            with path.open("rb") as file:
                data = file.read(SECRET_BYTES + 1)
            text = data.decode()
        except OSError as error:
            self.problems.append(Problem(name, f"can't read {path}: {error.strerror}"))
            return None
        except UnicodeDecodeError:
            self.problems.append(Problem(name, f"{path} holds no text in UTF-8"))
            return None
        if len(data) > SECRET_BYTES:
            self.problems.append(Problem(name, f"{path} is longer than any key ({SECRET_BYTES} bytes)"))
            return None
        self.watched[path] = hashlib.sha256(data).hexdigest()
        return text.strip() or None


def unfit(key: str) -> str | None:
    """Why ``key`` can't go into a header's value; None: it can. Never shows the key."""
    match = _UNSAFE.search(key)
    if match is None:
        return None
    character = match.group()
    what = (
        "a line break" if character in "\r\n" else "a control character" if character < "\x80" else "what is not ASCII"
    )
    return f"holds {what} (character {match.start() + 1}); keys are printable ASCII"


def _pair(name: str) -> tuple[str, str]:
    return (name, name.removesuffix("_FILE") if name.endswith("_FILE") else f"{name}_FILE")
