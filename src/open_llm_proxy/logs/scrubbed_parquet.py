"""A stored Parquet file with the secrets taken out of its texts: columns, types, row order and row groups stay."""

import contextlib
import re
import sys
from collections.abc import Callable, Generator, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.redaction import FIXED, Redaction

if TYPE_CHECKING:
    from types import ModuleType

    import duckdb

_STATEMENT: Final = (files("open_llm_proxy.logs") / "sql" / "scrub_parquet.sql").read_text()
_DESCRIBE: Final = "DESCRIBE FROM read_parquet($source)"
_GROUPS: Final = "SELECT max(row_group_num_rows) FROM parquet_metadata($source)"
_METADATA: Final = "SELECT decode(key), decode(value) FROM parquet_kv_metadata($source)"
MEMORY_BYTES: Final = 2 << 30
_TEXT: Final = re.compile(r"\bVARCHAR\b|\bJSON\b")
_SMALLEST_GROUP_ROWS: Final = 2048  # DuckDB's vector


class Column(NamedTuple):
    """Its name, and its type as DuckDB writes it."""

    name: str
    type: str


def scrub_parquet(source: Path, target: Path, redaction: Redaction) -> int:
    """Write ``source`` to ``target`` scrubbed; how many of its rows were changed.

    Raises:
        duckdb.Error: The file is no Parquet, or is damaged.
    """
    rows: set[int] = set()

    def scrubbed(row: int, column: str, text: str) -> str:
        before = redaction.count
        cleaned = redaction.record(text, column) if column == "entry" else redaction.text(text, column)
        if redaction.count != before:
            rows.add(row)
        return cleaned

    with connect((), memory_bytes=MEMORY_BYTES, threads=1, spill=target.parent / "spill") as connection:
        named = connection.create_function  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - numpy
        register = cast("Callable[..., object]", named)
        register("scrubbed", scrubbed, ["BIGINT", "VARCHAR", "VARCHAR"], "VARCHAR", side_effects=True)
        statement = _statement(connection, str(source))
        with _no_search_for_pandas():
            connection.execute(statement, {"source": str(source), "target": str(target)})
    return len(rows)


@contextlib.contextmanager
def _no_search_for_pandas() -> Generator[None]:
    """DuckDB asks for pandas twice a value that a function gives; where there is none that takes 20 times its time."""
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = cast("ModuleType", None)  # Python's own way to say that a module is not there
    try:
        yield
    finally:
        del sys.modules["pandas"]


def _statement(connection: "duckdb.DuckDBPyConnection", source: str) -> str:
    given = {"source": source}
    columns = [Column(*row[:2]) for row in connection.execute(_DESCRIBE, given).fetchall()]
    (largest,) = connection.execute(_GROUPS, given).fetchone() or (None,)
    metadata = dict(connection.execute(_METADATA, given).fetchall())
    return _STATEMENT.format(
        columns=", ".join(map(_expression, columns)),
        row_group_rows=max(_SMALLEST_GROUP_ROWS, largest or 0),
        metadata=f", KV_METADATA {{{', '.join(_pairs(metadata))}}}" if metadata else "",
    )


def _expression(column: Column) -> str:
    name = _quote(column.name, '"')
    if column.name in FIXED or not _TEXT.search(column.type):
        return name
    if column.type in {"VARCHAR", "JSON"}:
        text = f"scrubbed(file_row_number, {_quote(column.name)}, CAST({name} AS VARCHAR))"
        return f"CAST({text} AS {column.type}) AS {name}"
    text = f"scrubbed(file_row_number, {_quote(column.name)}, CAST(to_json({name}) AS VARCHAR))"
    return f"CASE WHEN {name} IS NOT NULL THEN CAST(CAST({text} AS JSON) AS {column.type}) END AS {name}"


def _pairs(metadata: dict[str, str]) -> Iterator[str]:
    for name, value in metadata.items():
        yield f"{_quote(name)}: {_quote(value)}"


def _quote(text: str, mark: str = "'") -> str:
    return mark + text.replace(mark, mark * 2) + mark
