"""How many descriptors are left, told by the newest one: the kernel gives the lowest number that is free (open(2))."""

from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
from typing import Final

RESERVED: Final = 32
"""Kept from clients: the spool's next segment, connections to providers; refusals that are still on their way."""
LAST: Final = 8
"""Of those, kept from refusals, too: with none left, connections end without a word and without being counted."""


def descriptors_left(newest: int) -> int:
    """How many more this process may open after ``newest``, at least."""
    most, _ = getrlimit(RLIMIT_NOFILE)
    return RESERVED if most == RLIM_INFINITY else most - newest - 1
