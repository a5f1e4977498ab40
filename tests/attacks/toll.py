"""What an attack costs the worker, and that it is all given back: memory, descriptors, sockets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from tests.parts.http_client import ask, call
from tests.parts.processes import wait_until
from tests.parts.proxy import Proxy

PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
MB: Final = 1 << 20
BACK_S: Final = 30.0
_LISTENS: Final = "0A"


class Toll(NamedTuple):
    """What the worker holds now."""

    memory_bytes: int
    descriptors: int
    sockets: int


def worker_of(proxy: Proxy) -> int:
    """The process id of its one worker."""
    pids = [pid for pid in proxy.program.running() if b"open_llm_proxy.serve.worker" in _read(pid, "cmdline")]
    assert len(pids) == 1, pids
    return pids[0]


def _read(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


def _links(pid: int) -> list[str]:
    links: list[str] = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            links.append(str(entry.readlink()))
    return links


def toll(pid: int) -> Toll:
    links = _links(pid)
    memory_bytes = int(_read(pid, "statm").split()[1]) * PAGE_BYTES
    return Toll(memory_bytes, len(links), sum(link.startswith("socket:") for link in links))


def tell(figure: str) -> None:
    """Print a figure (``pytest -s``, ``-rP``)."""
    print(figure)  # noqa: T201 - it is measured for who runs this


@contextmanager
def given_back(proxy: Proxy, memory_mb: float = 16) -> Iterator[int]:
    """The worker's id; after the block the same worker serves, and holds what it held, give or take ``memory_mb``.

    The allocator keeps some of what was freed: what must not be is memory that grows with the crowd.
    """
    assert call(proxy, ask("before")).status == 200
    pid = worker_of(proxy)
    settle(proxy)
    before = toll(pid)
    yield pid
    answer = call(proxy, ask("after"))
    assert answer.status == 200, answer.body
    assert worker_of(proxy) == pid, "it was not killed and started again"
    settle(proxy)
    wait_until(lambda: toll(pid).descriptors <= before.descriptors, f"descriptors back at {before}", BACK_S)
    after = toll(pid)
    assert after.sockets <= before.sockets
    assert after.memory_bytes - before.memory_bytes < memory_mb * MB, (before, after)
    assert proxy.health()["logging"]["swallowed_exceptions"] == 0


def settle(proxy: Proxy) -> None:
    """Wait until the worker has no connection, of a client or to a provider."""
    pid = worker_of(proxy)
    wait_until(lambda: not connections(pid), "a worker without connections", BACK_S)


def connections(pid: int) -> list[list[str]]:
    """The rows of proc_pid_net_tcp(5) that are a process's own, without the socket that it listens on."""
    mine = {link[8:-1] for link in _links(pid) if link.startswith("socket:[")}
    rows = [line.split() for line in _read(pid, "net/tcp").decode().splitlines()[1:]]
    return [row for row in rows if row[9] in mine and row[3] != _LISTENS]
