"""The sessions of a window, newest first, as rows of the view ``sessions``."""

import contextlib
from collections.abc import Generator, Sequence
from typing import Any, Final

import duckdb

from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.query import answering
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.views import create_views
from open_llm_proxy.logs.window import Window

Row = dict[str, Any]

LIMIT: Final = 50


@contextlib.contextmanager
def select_sessions(
    sources: Sequence[Source],
    window: Window,
    *,
    origin: str | None = None,
    model: str | None = None,
    errors: bool = False,
    limit: int = LIMIT,
) -> Generator[duckdb.DuckDBPyRelation]:
    """Rows by the roll-up's columns (LOGGING.md), to be taken within the block.

    Times are texts, ISO 8601 in UTC.

    Args:
        sources: Where the records are.
        window: Which sessions: those that it touches.
        origin: Only of apps whose origin holds this, in any case.
        model: Only those in which a model took part whose name holds this.
        errors: Only those with a turn that failed, or whose last turn has no good answer.
        limit: No more than so many.

    Raises:
        UserError: A source cannot be read.
    """
    connection = connect(sources)
    create_views(connection, sources, window, ["sessions"] if model is None else ["sessions", "turns"])
    values = {"origin": origin, "errors": errors, "limit": limit} | ({} if model is None else {"model": model})
    chosen = "sessions" if model is None else statement("sessions_with_model")
    with contextlib.closing(connection), answering(connection):
        yield connection.sql(statement("session_list", sessions=chosen), params=values)


def list_sessions(sources: Sequence[Source], window: Window, **wanted: Any) -> list[Row]:
    """The rows of ``select_sessions``, a dict each."""
    with select_sessions(sources, window, **wanted) as rows:
        return rows_of(rows)


def rows_of(rows: duckdb.DuckDBPyRelation) -> list[Row]:
    """All rows, by their columns' names."""
    names = rows.columns
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]
