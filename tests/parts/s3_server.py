"""A light S3 server: moto's, from the lock file. It takes any credentials, so it is no part for tests of those."""

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.parts.bucket import NAME, Bucket
from tests.parts.ports import free_port, is_open
from tests.parts.processes import plain_environment, run_program

COMMAND: Final = Path(sys.executable).with_name("moto_server")


class S3Server:
    """A running one, of the process ``pid``; ``bucket`` makes a fresh bucket."""

    def __init__(self, endpoint: str, pid: int) -> None:
        self.endpoint = endpoint
        self.pid = pid
        self._numbers = itertools.count(1)

    def bucket(self) -> Bucket:
        return Bucket(self.endpoint, key="any", secret="any", name=f"{NAME}-{next(self._numbers)}").create()


@contextmanager
def run_s3_server(folder: Path) -> Iterator[S3Server]:
    """An S3 server for as long as the block takes; it keeps everything in memory."""
    port = free_port()
    command = [COMMAND, "--host", "127.0.0.1", "--port", str(port)]
    with run_program(command, env=plain_environment(folder), folder=folder) as program:
        program.wait_until(lambda: is_open(port), "an S3 server that listens")
        yield S3Server(f"http://127.0.0.1:{port}", program.process.pid)
