"""Stand-ins for a provider: cheap, so that what is measured stays the bottleneck; and they count."""

import http.client
import mmap
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import nginx
from bench.bodies import PATH, Script
from bench.certificates import Certificates
from bench.machine import find_port
from bench.processes import RigError, running, wait_until


@dataclass(frozen=True, slots=True)
class Counts:
    """What a provider has seen since its start."""

    connections: int
    answers: int
    chunks: int

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(self.connections - other.connections, self.answers - other.answers, self.chunks - other.chunks)


class Provider(Protocol):
    """Something that answers."""

    port: int
    script: Script
    certificates: Certificates | None

    def count(self) -> Counts:
        """What it has seen since its start."""
        ...


def build_provider(folder: Path) -> Path:
    """Compile ``provider.c``.

    Raises:
        RigError: there is no compiler, or it failed.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RigError("no C compiler for bench/provider.c: install gcc")
    program = folder / "provider"
    source = Path(__file__).with_name("provider.c")
    done = subprocess.run(
        [compiler, "-O2", "-o", str(program), str(source)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RigError(f"{source.name} does not compile:\n{done.stderr}")
    return program


class ScriptedProvider:
    """``provider.c`` behind a mapped file of counters."""

    certificates: Certificates | None = None

    def __init__(self, port: int, script: Script, counters: mmap.mmap) -> None:
        self.port = port
        self.script = script
        self._counters = memoryview(counters).cast("Q")

    def count(self) -> Counts:
        """See the base."""
        accepted, _, answers, chunks = self._counters[:4]
        return Counts(accepted, answers, chunks)


@contextmanager
def serve_script(program: Path, folder: Path, script: Script, *, pace_ms: float = 0) -> Iterator[ScriptedProvider]:
    """Run the scripted provider; a stream's chunks go every ``pace_ms``, or as fast as they can (0)."""
    port = find_port()
    (folder / "script").write_bytes(script.data)
    counters = folder / "counters"
    counters.write_bytes(bytes(32))
    command = [str(program), str(port), str(counters), str(folder / "script"), str(round(pace_ms * 1000))]
    with running([*command, *map(str, script.ends)], log=folder / "provider.log", port=port):
        with counters.open("r+b") as file:
            mapping = mmap.mmap(file.fileno(), 32)
        provider = ScriptedProvider(port, script, mapping)
        wait_until(lambda: provider.count().connections == 1, "the probe's connection", seconds=5)
        yield provider


class TlsProvider:
    """An nginx with TLS 1.3: answers by itself, or stands before a scripted provider, whose chunks it passes on."""

    def __init__(
        self, port: int, status_port: int, script: Script, certificates: Certificates, behind: Provider | None
    ) -> None:
        self.port = port
        self.script = script
        self.certificates: Certificates | None = certificates
        self._behind = behind
        self._status = http.client.HTTPConnection("127.0.0.1", status_port)
        self._asked = 0

    def count(self) -> Counts:
        """See the base. Our own questions, one connection and one request each time, are taken out."""
        self._status.request("GET", "/")
        text = self._status.getresponse().read().decode()
        self._asked += 1
        accepts, _, requests = map(int, re.findall(r"^ (\d+) (\d+) (\d+)", text, re.MULTILINE)[0])
        own = Counts(accepts - 1, requests - self._asked, 0)
        behind = self._behind.count() if self._behind else own
        return Counts(own.connections, behind.answers, behind.chunks)


@contextmanager
def serve_tls(
    folder: Path, script: Script, certificates: Certificates, behind: Provider | None = None
) -> Iterator[TlsProvider]:
    """Run nginx with TLS: ``script``'s body as a canned answer, or what the provider behind it answers."""
    port, status_port = find_port(), find_port()
    target = f"http://127.0.0.1:{behind.port}" if behind else None
    text = nginx.write_provider(folder, port, status_port, certificates, PATH, body=script.body, target=target)
    with nginx.serve(folder, text, port):
        yield TlsProvider(port, status_port, script, certificates, behind)
