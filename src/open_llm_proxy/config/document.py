"""The text of ``config.json`` to values, with what a plain JSON parser keeps quiet about: keys given twice, NaN."""

import json
import math
from typing import Any, Final, NoReturn, cast

from open_llm_proxy.config.problems import Path, Problem, dotted

COMMENT_PREFIXES: Final = ("_", "$", "//")
_BOM: Final = b"\xef\xbb\xbf"
_TWICE: Final = "given twice; keep one"


class Object(dict[str, Any]):
    """A JSON object that remembers which of its keys were given more than once."""

    repeated: tuple[str, ...] = ()


def is_comment(key: str) -> bool:
    """Whether a key of ours is a remark (``_why``, ``$schema``, ``//``) and stands for nothing."""
    return key.startswith(COMMENT_PREFIXES)


def parse(data: bytes) -> tuple[Any, list[Problem]]:
    """The value of a file's bytes, and what is wrong with them; value None where nothing could be read."""
    problems: list[Problem] = []
    if data.startswith(_BOM):
        # RFC 8259 §8.1 forbids it in what is sent; other programs that read the file stumble over it.
        problems.append(Problem("", "the file begins with a byte order mark; save it as UTF-8 without one"))
        data = data.removeprefix(_BOM)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return None, [
            *problems,
            Problem("", f"not UTF-8: byte {data[error.start]:#04x} in {_place(data, error.start)}"),
        ]
    if not text.strip():
        return None, [*problems, Problem("", 'the file is empty; it needs at least {"providers": {}}')]
    try:
        return _loads(text), problems
    except json.JSONDecodeError as error:
        place = _behind_comma(error)
        return None, [*problems, Problem("", f"not JSON: line {place.lineno} column {place.colno}: {_reason(place)}")]
    except RecursionError:
        return None, [*problems, Problem("", "not read: nested too deeply")]
    except ValueError as error:
        return None, [*problems, Problem("", f"not JSON: {error}")]


def free_form_problems(value: Any, path: Path) -> list[Problem]:
    """What can be wrong anywhere in ``value``, where keys are not ours and there are no remarks."""
    found: list[Problem] = []
    if isinstance(value, Object):
        found += [Problem(dotted((*path, key)), _TWICE) for key in value.repeated]
        for key, member in value.items():
            found += free_form_problems(key, (*path, key)) + free_form_problems(member, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            found += free_form_problems(item, (*path, index))
    elif isinstance(value, str) and has_surrogate(value):
        found.append(Problem(dotted(path), "holds half a character (a lone \\ud800 to \\udfff)"))
    return found


def has_surrogate(text: str) -> bool:
    """Whether ``text`` holds a lone surrogate, which can be neither stored nor sent."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def repeated_here(value: Any, path: Path) -> list[Problem]:
    """The keys of this one object of ours that were given twice; remarks may be."""
    keys = value.repeated if isinstance(value, Object) else ()
    return [Problem(dotted((*path, key)), _TWICE) for key in keys if not is_comment(key)]


def _loads(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)


def _object(pairs: list[tuple[str, Any]]) -> Object:
    made = Object(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        repeated = {key: None for key, _ in pairs if key in seen or seen.add(key)}
        made.repeated = tuple(repeated)
    return made


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number


def _place(data: bytes, position: int) -> str:
    before = data[:position]
    return f"line {before.count(10) + 1} column {position - before.rfind(10)}"


def _behind_comma(error: json.JSONDecodeError) -> json.JSONDecodeError:
    """The error at what follows a comma too many; from Python 3.13 on the parser points at the comma itself."""
    rest = error.doc[error.pos :]
    behind = rest[1:].lstrip()
    if not rest.startswith(",") or not behind.startswith(("}", "]")):
        return error
    return json.JSONDecodeError(error.msg, error.doc, len(error.doc) - len(behind))


def _reason(error: json.JSONDecodeError) -> str:
    """The parser's words, or better ones for what people do."""
    rest, before = error.doc[error.pos :], error.doc[: error.pos].rstrip()
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments; a key that begins with _, $ or // is one"
    if before.endswith(",") and rest.startswith(("}", "]")):
        return f"a comma before {rest[0]}"
    if rest.startswith("'"):
        return 'strings stand in double quotes (")'
    if not rest:
        return "the text ends too early"
    return error.msg[:1].lower() + error.msg[1:]
