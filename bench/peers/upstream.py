"""The provider's stand-in at one port: it takes another script while the peer before it runs on."""

import http.client
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import nginx
from bench.bodies import Script, make_answer
from bench.certificates import Certificates
from bench.machine import find_port
from bench.processes import running
from bench.provider import Counts, Provider, ScriptedProvider, TlsProvider

SMALL_ANSWER = make_answer(922)


class Upstream:
    """Where providers stand, one after the other."""

    certificates: Certificates | None = None
    script = SMALL_ANSWER

    def __init__(self, program: Path, folder: Path) -> None:
        self.port = find_port()
        self._program = program
        self._folder = folder

    def count(self) -> Counts:
        """Nothing: what is played counts for itself."""
        return Counts(0, 0, 0)

    @contextmanager
    def play(self, script: Script = SMALL_ANSWER, *, pace_ms: float = 0) -> Iterator[Provider]:
        """Answer with a script for as long as the ``with`` takes.

        Raises:
            RigError: it did not start.
        """
        (self._folder / "script").write_bytes(script.data)
        counters = self._folder / "counters"
        counters.write_bytes(bytes(32))
        command = [str(self._program), str(self.port), str(counters), str(self._folder / "script")]
        command += [str(round(pace_ms * 1000)), *map(str, script.ends)]
        with running(command, log=self._folder / "provider.log", port=self.port):
            with counters.open("r+b") as file:
                mapping = mmap.mmap(file.fileno(), 32)
            yield ScriptedProvider(self.port, script, mapping)


@contextmanager
def serve_secured(folder: Path, certificates: Certificates) -> Iterator[Provider]:
    """The same over TLS 1.3, at every path: some peers ask whether it is healthy."""
    port, status_port = find_port(), find_port()
    text = nginx.write_provider(folder, port, status_port, certificates, "/", body=SMALL_ANSWER.body, target=None)
    with nginx.serve(folder, text, port):
        provider = TlsProvider(port, status_port, SMALL_ANSWER, certificates, None)
        provider.count()
        yield provider


def ask(port: int, path: str, body: bytes, headers: dict[str, str], *, seconds: float = 60) -> tuple[int, bytes]:
    """One call: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
