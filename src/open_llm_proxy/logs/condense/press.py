"""Makes Parquet files, and says what they and their sources hold: one DuckDB connection, memory bounded."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb

from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.condense.figures import CondenseError, Figures
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.statements import quote, quote_all, statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.store.schema import CONSOLIDATED

MEMORY_BYTES: Final = 1 << 30
THREADS: Final = 4
"""At most: each has buffers of its own, which the limit does not see."""
OBJECT_BYTES: Final = (16 << 20, 64 << 20)
"""How long a line may be; the second is tried when the first is too little, and costs memory."""
DAILY_LEVEL: Final = 1
MONTHLY_LEVEL: Final = 3
ROWS: Final = 16_384
GROUP_BYTES: Final = 64 << 20
NOTE: Final = "condensed_from"
COLUMNS: Final = ", ".join(column.name for column in CONSOLIDATED)
IS_RECORD: Final = "(ts IS NOT NULL OR type IS NOT NULL OR request_id IS NOT NULL)"
_FETCHED: Final = 1000
_GONE: Final = ("FileNotFoundError", "No files found", "No such file")


class Press:
    """One job's connection.

    Args:
        source: Where stored files are.
        folder: For what does not fit in memory.
        level: zstd's: 1 takes half of 3's time and a third more room, which a day may have until its month is over.
        memory_bytes: What DuckDB may take.
        threads: None: as many as there are cores, up to ``THREADS``.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        *,
        level: int = DAILY_LEVEL,
        memory_bytes: int = MEMORY_BYTES,
        threads: int | None = None,
    ) -> None:
        allowed = threads or min(THREADS, os.cpu_count() or 1)
        self._source = source
        self._compression = f"zstd, COMPRESSION_LEVEL {level}"
        self._connection = connect([source], memory_bytes=memory_bytes, threads=allowed, spill=folder / "spill")
        # The cache knows a file by its time, in seconds: what was put just now would be read as it was before.
        self._connection.execute("SET enable_external_file_cache = false; SET preserve_insertion_order = false")
        self._connection.execute(f"SET VARIABLE object_bytes = {OBJECT_BYTES[0]}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def run(self, command: str, **values: Any) -> list[tuple[Any, ...]]:
        """Execute, and fetch what there is; a second time, with larger buffers, where a line is too long.

        Raises:
            CondenseError: DuckDB refused, with its message.
            FileNotFoundError: A file has gone.
        """
        try:
            return self._run(command, values)
        except duckdb.Error as error:
            if "maximum_object_size" not in str(error):
                raise _ours(error) from error
        self._connection.execute(f"SET VARIABLE object_bytes = {OBJECT_BYTES[1]}")
        try:
            return self._run(command, values)
        except duckdb.Error as error:
            raise _ours(error) from error

    def _run(self, command: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        if isinstance(self._source, Bucket):
            self._source.expire()  # other runs may have written there since the last statement
        try:
            return self._connection.execute(command, values or None).fetchall()
        except RuntimeError as error:  # what DuckDB makes of Ctrl-C
            if "interrupted" in str(error):
                raise KeyboardInterrupt from error
            raise

    def stream(self, command: str) -> Iterator[tuple[Any, ...]]:
        """Execute, and give row for row; nothing else may be run before the last.

        Raises:
            CondenseError: DuckDB refused, with its message.
            FileNotFoundError: A file has gone.
        """
        try:
            found = self._connection.execute(command)
            while rows := found.fetchmany(_FETCHED):
                yield from rows
        except duckdb.Error as error:
            raise _ours(error) from error

    # --- files ---------------------------------------------------------------------------------------------------

    def copy(self, select: str, path: Path, *, note: str | None = None, compression: str = "") -> None:
        """Write a statement's rows to a local Parquet file; ``note`` goes in its footer."""
        footer = "" if note is None else f", KV_METADATA {{{NOTE}: {quote(note)}}}"
        self.run(
            f"COPY ({select}) TO {quote(str(path))} (FORMAT parquet, COMPRESSION {compression or self._compression}, "
            f"ROW_GROUP_SIZE {ROWS}, "
            f"ROW_GROUP_SIZE_BYTES {GROUP_BYTES}{footer})"
        )

    def copy_all(
        self,
        selects: Sequence[Callable[[], str]],
        target: Path,
        *,
        note: str | None = None,
        after: Callable[[Path], None] = lambda _: None,
    ) -> None:
        """Write several statements' rows to one file, one statement after the other.

        Args:
            selects: What gives each; it is asked when the one before is written.
            target: A local Parquet file.
            note: Goes in its footer.
            after: Told of the file that holds one statement's rows, unless it is the only one.
        """
        if len(selects) == 1:
            self.copy(selects[0](), target, note=note)
            return
        parts: list[Path] = []
        for number, select in enumerate(selects):
            parts.append(target.with_suffix(f".{number}"))
            self.copy(select(), parts[-1], compression="uncompressed")
            after(parts[-1])
        self.copy(f"FROM {parquet(parts)}", target, note=note)
        for part in parts:
            part.unlink()

    def note_of(self, key: str) -> str | None:
        """What ``copy`` noted in a stored file."""
        rows = self.run(f"SELECT value FROM parquet_kv_metadata({quote(self.path(key))}) WHERE key = '{NOTE}'")
        return rows[0][0].decode() if rows else None

    # --- relations -----------------------------------------------------------------------------------------------

    def path(self, key: str) -> str:
        """What DuckDB is given for a stored file."""
        return self._source.path(key)

    def stored(self, key: str) -> str:
        """A stored Parquet file as a relation."""
        return parquet([self.path(key)])

    def raw_records(self, keys: Iterable[str]) -> str:
        """A statement for the consolidated rows of raw chunk files; torn lines are left out."""
        return f"FROM ({self.raw_rows(keys)}) WHERE {IS_RECORD}"

    def raw_rows(self, keys: Iterable[str]) -> str:
        """The same, with a row of a torn line, too."""
        lines = statement("condense/lines", files=quote_all(map(self.path, keys)))
        # Without the condition: DuckDB would push it down and parse each line twice, a fifth of the whole work.
        return statement("records_from_raw", lines=f"({lines})").rpartition("\nWHERE ")[0]

    def stored_records(self, keys: Iterable[str]) -> str:
        """A statement for the consolidated rows of stored Parquet files, in today's columns whoever wrote them."""
        return " UNION ALL ".join(f"({self._records_of(self.path(key))})" for key in keys)

    def columns(self, path: str) -> set[str]:
        """The columns of a Parquet file, and its root's name."""
        return {name for (name,) in self.run(f"SELECT name FROM parquet_schema({quote(path)})")}

    def is_current(self, key: str) -> bool:
        """Whether a stored table of records has today's columns."""
        return {column.name for column in CONSOLIDATED} <= self.columns(self.path(key))

    def _records_of(self, path: str) -> str:
        if {column.name for column in CONSOLIDATED} <= self.columns(path):
            return f"SELECT {COLUMNS} FROM {parquet([path])}"
        return statement("records_from_raw", lines=f"(SELECT entry::JSON AS json FROM {parquet([path])})")

    # --- figures -------------------------------------------------------------------------------------------------

    def figures(self, relation: str) -> Figures:
        """Of consolidated rows."""
        keys = statement("condense/keys", records=relation, more="")
        return Figures(*self.run(statement("condense/figures", keys=keys))[0])

    def raw_figures(self, keys: Sequence[str]) -> tuple[Figures, bool]:
        """Of raw chunk files, read in another way than ``raw_records`` does; and whether lines may be torn."""
        paths = quote_all(map(self.path, keys))
        *named, unnamed = self.run(statement("condense/raw_figures", files=paths))[0]
        if not unnamed:
            return Figures(*named), False
        return self.figures(f"({self.raw_records(keys)})"), True

    def count(self, relation: str, where: str = "true") -> int:
        """Rows of a relation."""
        return self.run(f"SELECT count(*) FROM {relation} WHERE {where}")[0][0]

    def uncompressed_bytes(self, paths: Iterable[str | Path]) -> int:
        """About how large the rows of Parquet files are."""
        listed = quote_all(map(str, paths))
        return self.run(f"SELECT coalesce(sum(total_uncompressed_size), 0)::BIGINT FROM parquet_metadata({listed})")[0][
            0
        ]


def _ours(error: duckdb.Error) -> Exception:
    text = str(error).strip()
    first = text.partition("\n")[0]
    return FileNotFoundError(first) if any(sign in text for sign in _GONE) else CondenseError(first)


def parquet(paths: Iterable[str | Path], *, options: str = "") -> str:
    """Parquet files of one schema as a relation."""
    return f"read_parquet({quote_all(map(str, paths))}{options})"
