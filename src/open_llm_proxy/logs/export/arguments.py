"""A tool call's arguments, one by one: SQL apart, so that it can be shown as SQL."""

import json
import re
from typing import Any, Final, Literal, NamedTuple, cast

from open_llm_proxy.answers.jsontext import parse

Language = Literal["sql", "json", "text"]

_SQL: Final = re.compile(
    r"(?:\s|--[^\n]*\n|\()*(?:SELECT|WITH|FROM|COPY|CREATE|INSERT|UPDATE|DELETE|DESCRIBE|SUMMARIZE|PRAGMA|EXPLAIN|ATTACH|"
    r"INSTALL|LOAD|SET|SHOW|DROP|ALTER|VALUES|PIVOT)\s",
    re.IGNORECASE,
)
_SQL_NAME: Final = re.compile(r"(^|_)(sql|query)($|_)", re.IGNORECASE)


class Argument(NamedTuple):
    """One argument; ``name`` is empty where the arguments are no JSON object."""

    name: str
    text: str
    language: Language


def read_arguments(arguments: str) -> list[Argument]:
    """The arguments in the string that a model wrote, JSON or not."""
    try:
        value = parse(arguments)
    except ValueError:
        return [Argument("", arguments, "text")]
    if not isinstance(value, dict):
        return [Argument("", _pretty(value), "json")]
    return [_argument(name, one) for name, one in cast("dict[str, Any]", value).items()]


def _argument(name: str, value: Any) -> Argument:
    if not isinstance(value, str):
        return Argument(name, _pretty(value), "json")
    sql = _SQL.match(value) and (_SQL_NAME.search(name) or ("\n" in value or len(value.split()) > 3))
    return Argument(name, value, "sql" if sql else "text")


def _pretty(value: Any) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    return flat if len(flat) <= 80 else json.dumps(value, ensure_ascii=False, indent=2)
