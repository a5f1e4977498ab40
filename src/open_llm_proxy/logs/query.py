"""Questions in SQL over the views, and what is said of one that DuckDB does not understand."""

import contextlib
import difflib
import re
import time
from collections.abc import Generator, Sequence
from typing import Final

import duckdb

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.views import VIEWS, create_views
from open_llm_proxy.logs.window import Window

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNKNOWN: Final = re.compile(
    r'(?:[Cc]olumn "([^"]+)" not found|column named "([^"]+)"|[Tt]able with name "?([^"\s]+?)"? does not exist)'
)
_GONE: Final = re.compile(r"No files found|FileNotFoundError|No such file")
_LIKE: Final = 0.5


FRESH_S: Final = 5.0
"""So long the list of files counts, where one question follows another: condense takes files away and puts others."""


class LiveViews:
    """A connection whose views follow what the sources hold, for as long as questions are asked."""

    def __init__(self, sources: Sequence[Source], window: Window) -> None:
        self._sources = sources
        self._window = window
        self.connection = connect(sources)
        self._coverage = create_views(self.connection, sources, window)
        self._listed_at = time.monotonic()

    def follow(self) -> None:
        """Look again, before a question: what was written or replaced meanwhile is read, what went is not.

        Raises:
            UserError: A source cannot be listed.
        """
        for source in self._sources:
            if isinstance(source, Bucket):
                source.expire()
        if time.monotonic() - self._listed_at >= FRESH_S:
            self._coverage = create_views(self.connection, self._sources, self._window, known=self._coverage)
            self._listed_at = time.monotonic()


def open_views(sources: Sequence[Source], window: Window, sql: str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection with the views; of those that ``sql`` does not name the files are not even listed."""
    connection = connect(sources)
    create_views(connection, sources, window, VIEWS if sql is None else views_in(sql))
    return connection


def views_in(sql: str) -> tuple[str, ...]:
    """The views whose names stand in a text; all of them where there is none, as in ``SHOW TABLES``."""
    words = {word.lower() for word in _WORD.findall(sql)}
    return tuple(view for view in VIEWS if view in words) or VIEWS


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyRelation | None:
    """What a statement gives (of several the last one); None: it gives no rows. Most of it runs when rows are taken.

    Raises:
        UserError: DuckDB's own message and, for an unknown column or view, the nearest name.
    """
    if not sql.strip(" \t\n;"):
        raise UserError("There is no SQL in the query", "Try: SELECT * FROM sessions LIMIT 10")
    with answering(connection):
        return connection.sql(sql)


@contextlib.contextmanager
def answering(connection: duckdb.DuckDBPyConnection) -> Generator[None]:
    """What DuckDB refuses in the block is a ``UserError``; Ctrl-C is ``KeyboardInterrupt``, as elsewhere."""
    try:
        yield
    except duckdb.Error as error:
        raise refused(connection, error) from error
    except RuntimeError as error:  # what DuckDB makes of Ctrl-C
        if "interrupted" in str(error):
            connection.interrupt()  # what streams runs on otherwise, and the next question waits for it
            raise KeyboardInterrupt from error
        raise


def refused(connection: duckdb.DuckDBPyConnection, error: Exception) -> UserError:
    """What a person is told of an error of DuckDB's."""
    text = "\n".join(line for line in str(error).splitlines() if line.strip())
    if _GONE.search(text):
        return UserError(text.splitlines()[0], "A file went away meanwhile (condense puts them together): ask again")
    match = _UNKNOWN.search(text)
    names = nearest(connection, next(filter(None, match.groups()))) if match else []
    return UserError(f"{text}\nThe nearest: {', '.join(names)}" if names else text)


def nearest(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """The views and their columns (``turns.request_id``) whose names are most like one that there is not."""
    known = columns_of(connection)
    names = {*VIEWS, *(column for _, column in known)}
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=_LIKE)
    columns = [f"{view}.{column}" for view, column in known if column in found]
    return [one for one in found if one in VIEWS] + columns


def columns_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """The views' columns, as ``(view, column)``."""
    return connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND NOT starts_with(table_name, '_') "
        "ORDER BY table_name, column_index"
    ).fetchall()
