"""The SQL of this package: ``sql/*.sql``, templates with ``{places}`` that take relations."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from open_llm_proxy.store.schema import Column

_FOLDER: Final = files("open_llm_proxy.logs") / "sql"


def statement(name: str, **relations: str) -> str:
    """The statement ``name`` of ``sql/``, its places filled.

    Args:
        name: The file's name without ``.sql``; ``condense/keys`` is one of a folder.
        relations: What stands for each place: a table's or view's name, or a subquery in parentheses.
    """
    return _template(name).format_map(relations)


@cache
def _template(name: str) -> str:
    return _FOLDER.joinpath(f"{name}.sql").read_text(encoding="utf-8").strip()


def quote(text: str) -> str:
    """A string for SQL."""
    return "'" + text.replace("'", "''") + "'"


def quote_all(texts: Iterable[str]) -> str:
    """A list of strings for SQL."""
    return f"[{', '.join(map(quote, texts))}]"


def no_rows(columns: Iterable[Column]) -> str:
    """A relation with these columns and no row."""
    return f"(SELECT {', '.join(f'NULL::{kind} AS {name}' for name, kind in columns)} WHERE false)"
