"""What records arrive by: a feed gives what is there already, newest first, and then whatever is new."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from open_llm_proxy.answers.answer import Object, as_object
from open_llm_proxy.answers.jsontext import parse


class Batch(NamedTuple):
    """Records that stand together. ``time`` is about when they were written, ``YYYY-MM-DD/HH-MM-SS``.

    ``load`` gives none where they have moved on meanwhile.
    """

    time: str
    load: Callable[[], list[Object]]


class Feed(Protocol):
    """A place where records arrive."""

    def history(self) -> Iterator[Batch]:
        """What is there, newest first; ``poll`` gives none of it again."""
        ...

    def poll(self) -> Iterable[Object]:
        """Records that have come since the last time."""
        ...


def silent(_: str) -> None:
    """Say nothing."""


def read_lines(data: bytes) -> list[Object]:
    """The records in a chunk file; a torn line is left out."""
    return [record for line in data.splitlines() if line.strip() and (record := _read_line(line))]


def _read_line(line: bytes) -> Object:
    try:
        return as_object(parse(line))
    except ValueError:
        return {}
