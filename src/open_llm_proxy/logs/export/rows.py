"""A query's rows as CSV, JSON, lines of JSON, Parquet or Markdown. They go out as they come; none waits for all."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, TextIO

import duckdb

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.statements import quote

FORMS: Final = ("table", "csv", "json", "jsonl", "parquet", "markdown")
_SUFFIXES: Final = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".md": "markdown",
    ".txt": "table",
}
_OPTIONS: Final = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json, ARRAY",
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}
_BATCH: Final = 1000
_PIECE_BYTES: Final = 1 << 16


def form_of(form: str | None, output: str | None) -> str:
    """The form that is asked for; else what the file's ending says, else a table.

    Raises:
        UserError: It is none, or one that needs a file.
    """
    chosen = form or _SUFFIXES.get(Path(output or "").suffix.lower(), "table")
    if chosen not in FORMS:
        raise UserError(f"--format takes {', '.join(FORMS)}, not {chosen!r}")
    if chosen == "parquet" and output is None:
        raise UserError("Parquet goes to a file, not to a terminal or pipe", "Name it: -o FILE.parquet")
    return chosen


def copy_to_file(rows: duckdb.DuckDBPyRelation, form: str, path: Path) -> None:
    """Write all rows in a form of DuckDB's; the file appears, or is replaced, when it is whole.

    Raises:
        UserError: The file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.touch()
        _copy(rows, form, str(part))
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "Give -o another file") from error
    finally:
        part.unlink(missing_ok=True)


def copy_to_stream(rows: duckdb.DuckDBPyRelation, form: str, stream: BinaryIO) -> None:
    """Write all rows in a form of DuckDB's to a stream, through a pipe: DuckDB would begin a file anew.

    Raises:
        BrokenPipeError: Nobody reads the stream any more.
    """
    reading, writing = os.pipe()
    pump = _Pump(reading, stream)
    pump.start()
    try:
        _copy(rows, form, f"/dev/fd/{writing}")
    except duckdb.Error:
        if pump.error is None:  # else DuckDB's is only that the pipe was closed
            raise
    finally:
        os.close(writing)
        pump.join()
    if pump.error is not None:
        raise pump.error


class _Pump(threading.Thread):
    """Carries what comes through a pipe to a stream."""

    def __init__(self, reading: int, stream: BinaryIO) -> None:
        super().__init__(daemon=True)
        self.error: OSError | None = None
        self._reading = reading
        self._stream = stream

    def run(self) -> None:
        with os.fdopen(self._reading, "rb", buffering=0) as source:
            try:
                while piece := source.read(_PIECE_BYTES):
                    self._stream.write(piece)
                self._stream.flush()
            except OSError as error:
                self.error = error


def _copy(rows: duckdb.DuckDBPyRelation, form: str, path: str) -> None:
    chosen = rows.project(", ".join(_finite(rows))) if form in {"json", "jsonl"} else rows
    chosen.query("_answer", f"COPY (FROM _answer) TO {quote(path)} ({_OPTIONS[form]}, USE_TMP_FILE false)")


def _finite(rows: duckdb.DuckDBPyRelation) -> Iterator[str]:
    """The columns; a number that JSON has no word for is null."""
    for number, (name, kind) in enumerate(zip(rows.columns, rows.types, strict=True), start=1):
        quoted = '"' + name.replace('"', '""') + '"'
        value = (
            f"CASE WHEN isfinite(#{number}) THEN #{number} END" if str(kind) in {"DOUBLE", "FLOAT"} else f"#{number}"
        )
        yield f"{value} AS {quoted}"


def read_texts(rows: duckdb.DuckDBPyRelation) -> Iterator[tuple[str | None, ...]]:
    """All rows, each value as DuckDB writes it; None for NULL."""
    texts = rows.project(", ".join(f"CAST(#{number + 1} AS VARCHAR)" for number in range(len(rows.columns))))
    while batch := texts.fetchmany(_BATCH):
        yield from batch


def write_markdown(rows: duckdb.DuckDBPyRelation, stream: TextIO) -> None:
    """A table in Markdown; a line break in a value is ``<br>``."""
    stream.write(f"| {' | '.join(map(_cell, rows.columns))} |\n")
    numbers = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
    stream.write(
        f"|{'|'.join(' ---: ' if any(one in str(kind) for one in numbers) else ' --- ' for kind in rows.types)}|\n"
    )
    stream.writelines(f"| {' | '.join(_cell(value or '') for value in row)} |\n" for row in read_texts(rows))


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\r", "").replace("\n", "<br>")
