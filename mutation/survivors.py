"""The survivors that are explained: a reason each, in ``survivors.toml``."""

import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from mutation.mutants import Mutant

FILE: Final = Path(__file__).with_name("survivors.toml")


class Survivor(NamedTuple):
    """``place``, ``was`` and ``becomes`` are those of the mutant; ``why``: no test can or need notice it."""

    place: str
    was: str
    becomes: str
    why: str

    def is_of(self, mutant: Mutant) -> bool:
        """Whether this explains the mutant."""
        return (self.place, self.was, self.becomes) == (mutant.place, mutant.was, mutant.becomes)


def load() -> list[Survivor]:
    """All that are explained.

    Raises:
        TypeError: An entry lacks a key, or has one too many.
    """
    return [Survivor(**entry) for entry in tomllib.loads(FILE.read_text())["survivor"]]


def find_unexplained(survived: Iterable[Mutant], known: Iterable[Survivor]) -> list[Mutant]:
    """The survivors without a reason."""
    reasons = {known_one[:3] for known_one in known}
    return [mutant for mutant in survived if (mutant.place, mutant.was, mutant.becomes) not in reasons]


def write_entry(mutant: Mutant) -> str:
    """What to put into ``survivors.toml``, but for the reason."""
    # A JSON string is a TOML string.
    lines = (f"{key} = {json.dumps(getattr(mutant, key), ensure_ascii=False)}" for key in ("place", "was", "becomes"))
    return "\n".join(["[[survivor]]", *lines, 'why = ""'])
