"""DuckDB connections that reach the sources: nothing is downloaded, times are UTC, what does not fit spills to disk."""

import atexit
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb

from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source


def connect(
    sources: Iterable[Source],
    *,
    memory_bytes: int | None = None,
    threads: int | None = None,
    spill: Path | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection in memory whose session zone is UTC; ``Source.path`` of each source can be read in it.

    Args:
        sources: The folders and buckets; of two buckets with one name and scheme the last is reached.
        memory_bytes: What DuckDB may take; None: four fifths of the machine's.
        threads: How many threads it may use; None: one a core.
        spill: The folder for what does not fit; None: one of this process's own, gone at its end.
    """
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(spill or _own_folder()),
            **({} if memory_bytes is None else {"memory_limit": f"{memory_bytes}B"}),
            **({} if threads is None else {"threads": str(threads)}),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(statement("token_counts"))
    schemes: dict[str, list[Bucket]] = defaultdict(list)
    for source in sources:
        if isinstance(source, Bucket):
            schemes[source.scheme].append(source)
    for scheme, buckets in schemes.items():
        from open_llm_proxy.logs.bucket_files import BucketFiles  # noqa: PLC0415 - fsspec takes 0.1 s to load

        connection.register_filesystem(BucketFiles(scheme, buckets))
    return connection


def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="open-llm-proxy-logs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
