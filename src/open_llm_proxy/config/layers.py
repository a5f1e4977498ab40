"""A configuration file's values with environment and flags laid over them, and where each value came from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from msgspec import inspect

from open_llm_proxy.config import document
from open_llm_proxy.config.problems import Problem, dotted
from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.validation import INVALID, validate
from open_llm_proxy.config.wording import Type, bare

Values = dict[str, Any]
CONFIG_TYPE: Final = inspect.type_info(Config)


class Layers:
    """Begins with a file's bytes; ``put`` lays one value over it.

    Attributes:
        problems: What is wrong with the file and with what was put.
        sources: Dotted place of each value that is no default to where it came from.
        broken: Nothing at all could be read from the file.
    """

    def __init__(self, data: bytes, path: Path) -> None:
        value, self.problems = document.parse(data)
        self.broken = value is None and bool(self.problems)
        cleaned: Any = INVALID
        if not self.broken:
            cleaned, found = _validated(value)
            self.problems += found
        self._values: Values = {"providers": {}} if cleaned is INVALID else cleaned
        self.broken |= cleaned is INVALID
        self.sources = {dotted(place): f"file {path}" for place, _ in leaves(self._values)}

    def put(self, place: str, value: Any, *, name: str, source: str) -> None:
        """Lay ``value`` over the file's at ``place`` (``listen.port``); ``name`` (``--port``) stands in a problem."""
        steps = place.split(".")
        cleaned, found = validate(value, _type_at(CONFIG_TYPE, steps))
        self.problems += [Problem(name, problem.message) for problem in found]
        if cleaned is INVALID:
            return
        values = self._values
        for step in steps[:-1]:
            values = values.setdefault(step, {})
        values[steps[-1]] = cleaned
        self.sources[place] = source

    def config(self) -> Config:
        """What the layers come to; where there are problems, of the valid parts."""
        return msgspec.convert(self._values, Config)


def leaves(values: Values, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each setting's place and value: ``listen.port``, ``providers.nrp.models``."""
    for key, value in values.items():
        place = (*path, key)
        if isinstance(value, dict) and len(place) < (3 if place[0] == "providers" else 2):
            yield from leaves(cast("Values", value), place)
        else:
            yield place, value


def _validated(value: Any) -> tuple[Any, list[Problem]]:
    try:
        return validate(value, CONFIG_TYPE)
    except RecursionError:  # the parser in C goes deeper than Python code does
        return INVALID, [Problem("", "not read: nested too deeply")]


def _type_at(wanted: Type, steps: list[str]) -> Type:
    for step in steps:
        struct = bare(wanted)
        assert isinstance(struct, inspect.StructType)
        wanted = next(field.type for field in struct.fields if field.encode_name == step)
    return wanted
