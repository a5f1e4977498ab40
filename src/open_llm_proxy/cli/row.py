"""What the list of commands knows of each."""

from typing import NamedTuple


class Row(NamedTuple):
    """A command: what it does, and the extra that has to be installed for it.

    Its module, named as the command, holds a function of that name; a group of commands is a package that holds
    ``COMMANDS``, rows of its own. One whose ``arguments_as_typed`` is true reads its options itself, ``--help`` among
    them: its function takes the list of what was typed.
    """

    help: str
    extra: str = ""
    arguments_as_typed: bool = False
