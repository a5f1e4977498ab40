"""What a peer is: a row of data that says how it is written, started, told to log and counted; and one that runs."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.bodies import CLIENT_KEY, HEADERS, PATH, make_request
from bench.machine import Cores
from bench.peers.sink import Sink
from bench.peers.tree import list_tree, wait_for_quiet
from bench.peers.upstream import ask
from bench.processes import RigError, kill_family
from bench.provider import Provider

KB = 1024
START_S = 240


def find_parts() -> Path:
    """The folder that ``install.sh`` fills: beside the tests' real parts."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("OPEN_LLM_PROXY_PARTS") or Path(cache) / "open-llm-proxy-parts") / "peers"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one start of a peer happens."""

    folder: Path
    port: int
    upstream: Provider
    sink: Sink | None = None

    @property
    def base(self) -> str:
        """The upstream's address, without a path."""
        secured = self.upstream.certificates is not None
        return f"https://localhost:{self.upstream.port}" if secured else f"http://127.0.0.1:{self.upstream.port}"

    @property
    def authority(self) -> Path | None:
        """The certificate authority to verify the upstream by, if it has TLS."""
        return self.upstream.certificates.authority if self.upstream.certificates else None


@dataclass(frozen=True, slots=True)
class Launch:
    """How it is started there."""

    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Running:
    """A peer that serves. ``headers`` are what a call to it needs."""

    place: Place
    root: int
    start_s: float
    headers: Mapping[str, str]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.place.port

    @property
    def stdout(self) -> Path:
        """What it printed."""
        return self.place.folder / "stdout"

    def list_processes(self) -> list[int]:
        """Its whole tree."""
        return list_tree(self.root)


Settle = Callable[[Running], None]


def settle_by_quiet(running: Running) -> None:
    """Wait until the whole tree rests."""
    wait_for_quiet(running.list_processes())


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a peer keeps of a call, and how what it kept is found after a kill."""

    what: str
    bodies: str
    name_call: Callable[[int, bytes], str] | None = None
    """A call's id from its number and its answer's head; none: nothing is kept that could be counted."""
    find_ids: Callable[[Running], set[str]] | None = None
    load_s: tuple[float, float] = (1.0, 3.0)  # the kill comes at random within these seconds
    restarts: bool = False  # whether a new start brings out what the killed one left


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One row."""

    name: str
    language: str
    source: str  # what install.sh asks for
    write: Callable[[Place], Launch]
    find_version: Callable[[], str]
    measure_size: Callable[[], int]
    logging: str
    record: Record
    key_check: str = "yes"
    https: str = ""  # why it cannot be measured with an HTTPS upstream; empty: it can
    settle: Settle = settle_by_quiet
    arrange: Callable[[Running, Cores], None] = lambda _running, _cores: None
    find_recorder: Callable[[Running], int | None] = lambda _running: None
    most_rounds: int = 9  # fewer where a round takes minutes
    note: str = ""  # what a reader of its figures has to know
    absent: str = ""  # why it cannot be run at all


def check(running: Running, request: bytes) -> int:
    """One call's status, 0 while nobody listens."""
    try:
        return ask(running.port, PATH, request, HEADERS | dict(running.headers), seconds=10)[0]
    except OSError:
        return 0


def plain_environment(folder: Path) -> dict[str, str]:
    """A path and a home of its own, and nothing of the shell's."""
    return {"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": str(folder), "LANG": "C.UTF-8"}


@contextmanager
def start(peer: Peer, place: Place, cores: Cores) -> Iterator[Running]:
    """Run a peer on the measured core; given once its first answer is there, ended by SIGKILL.

    Raises:
        RigError: it ended, or gave no good answer in time; with the end of what it printed.
    """
    launch = peer.write(place)
    request = make_request(KB)
    command = ["taskset", "-c", ",".join(map(str, sorted(cores.measured))), *launch.command]
    environment = plain_environment(place.folder) | dict(launch.env)
    began = time.monotonic()
    with (place.folder / "stdout").open("ab") as output, (place.folder / "stderr").open("ab") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment, cwd=place.folder
        )
    try:
        running = Running(place, process.pid, 0, launch.headers)
        while check(running, request) != 200:
            if process.poll() is not None or time.monotonic() - began > START_S:
                raise RigError(f"{peer.name} did not start: {read_end(place.folder)}")
            time.sleep(0.005)
        running = Running(place, process.pid, time.monotonic() - began, launch.headers)
        peer.arrange(running, cores)
        yield running
    finally:
        kill_family(process)


def read_end(folder: Path) -> str:
    """The last that a peer printed."""
    return "\n".join((folder / name).read_text(errors="replace")[-1500:] for name in ("stdout", "stderr"))


def name_by_number(number: int, _head: bytes) -> str:
    """A call's id where a log has nothing but the request's line: the number in its target."""
    return str(number)


AUTHORIZATION = f"Bearer {CLIENT_KEY}"
