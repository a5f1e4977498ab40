"""SQL as HTML with its words, strings, numbers and comments marked. Enough to read by; it does not parse."""

import re
from html import escape
from typing import Final

_WORDS: Final = (
    "select from where group by order having limit offset join left right full inner outer cross on using as and or "
    "not in is null like ilike between case when then else end union all distinct with recursive create table view "
    "copy insert into values update set delete over partition window qualify exists any asc desc describe summarize "
    "explain cast try_cast interval true false filter lateral unnest pivot unpivot exclude replace install load attach "
    "secret read_parquet read_csv read_ndjson format to"
)
_TOKENS: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<string>'(?:[^']|'')*'?)"
    r'|(?P<name>"(?:[^"]|"")*"?)'
    rf"|(?P<word>\b(?:{'|'.join(_WORDS.split())})\b)"
    r"|(?P<number>\b\d+(?:\.\d+)?\b)",
    re.IGNORECASE | re.DOTALL,
)


def mark_sql(sql: str) -> str:
    """The text escaped, its tokens in ``<span class="sql-…">``."""
    pieces: list[str] = []
    place = 0
    for match in _TOKENS.finditer(sql):
        pieces.append(escape(sql[place : match.start()]))
        pieces.append(f'<span class="sql-{match.lastgroup}">{escape(match[0])}</span>')
        place = match.end()
    return "".join(pieces) + escape(sql[place:])
