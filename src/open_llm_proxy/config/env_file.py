r"""A ``.env`` file: ``NAME=value`` lines, for a laptop.

``export`` before a name is fine; ``#`` at a line's start, or after white space behind a bare value, begins a remark.
A value in single quotes is taken as it is; in double quotes ``\n``, ``\t``, ``\"``, ``\$`` and ``\\`` stand for
what they do in a shell. Nothing is expanded and no value goes over several lines.
"""

import re
from typing import Final

from open_llm_proxy.config.problems import Problem

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)
_REMARK: Final = re.compile(r"\s#.*", re.DOTALL)
_SINGLE: Final = re.compile(r"'([^']*)'")
_DOUBLE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def parse(data: bytes, source: str) -> tuple[dict[str, str], list[Problem]]:
    """The variables of a file's bytes, and the lines that are none (``<source>:3``); the last of a name wins."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        return {}, [Problem(source, "holds no text in UTF-8")]
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _LINE.fullmatch(stripped)
        value = None if match is None else _value(match.group(2))
        if match is None or value is None:
            problems.append(Problem(f"{source}:{number}", "expected NAME=value (quotes closed, a remark after #)"))
        else:
            values[match.group(1)] = value
    return values, problems


def _value(text: str) -> str | None:
    """The value in ``text``; None where a quote is left open or something but a remark follows it."""
    start = text.lstrip()
    quoted = _SINGLE if start.startswith("'") else _DOUBLE if start.startswith('"') else None
    if quoted is None:
        return _REMARK.sub("", text).strip()
    match = quoted.match(start)
    if match is None or _REMARK.sub("", start[match.end() :]).strip():
        return None
    return match.group(1) if quoted is _SINGLE else _ESCAPE.sub(_unescaped, match.group(1))


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match.group(1), match.group())
