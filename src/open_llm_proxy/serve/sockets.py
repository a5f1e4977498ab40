"""The listening sockets, which the supervisor binds, keeps open and hands down.

A killed worker's waiting connections wait in its socket for its successor, since the supervisor's descriptor keeps the
socket alive.
"""

import errno
import ipaddress
import resource
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final

from open_llm_proxy.errors import UserError

BACKLOG: Final = 4096
METRICS_BACKLOG: Final = 16
SHARES_PORTS: Final = sys.platform == "linux"
"""Elsewhere SO_REUSEPORT does not spread connections, so all workers accept from one socket."""
_LOOPBACK: Final = "127.0.0.1"


def bind_worker_sockets(host: str, port: int, workers: int) -> list[socket.socket]:
    """One bound socket a worker, not listening yet, all on one port (``port`` 0: one that is free).

    Raises:
        UserError: The address cannot be bound: in use, not of this machine, not allowed.
    """
    family, address = _resolve(host, port)
    try:
        first = _bind(family, address, shared=False)
        sockets = [first]
        if SHARES_PORTS and workers > 1:
            # Only now: another `serve`, which binds without it as well, is refused instead of sharing the port.
            first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sockets += [_bind(family, first.getsockname(), shared=True) for _ in range(workers - 1)]
    except OSError as error:
        raise _bind_error(host, port, error) from error
    return sockets if SHARES_PORTS else sockets * workers


def bind_demo_socket() -> socket.socket:
    """A bound socket on a free loopback port, listening."""
    listener = _bind(socket.AF_INET, (_LOOPBACK, 0), shared=False)
    listener.listen(BACKLOG)
    return listener


def bind_metrics_socket(host: str, port: int) -> socket.socket:
    """A bound socket for ``/metrics``, listening.

    Raises:
        UserError: The address cannot be bound.
    """
    family, address = _resolve(host, port)
    try:
        listener = _bind(family, address, shared=False)
        listener.listen(METRICS_BACKLOG)
    except OSError as error:
        raise UserError(
            f"can't listen on {host} port {port}: {error.strerror}",
            "Choose another with METRICS_PORT or metrics.port; 0 is off",
        ) from error
    return listener


def listen(sockets: Sequence[socket.socket], host: str) -> None:
    """Let clients connect: from now on they wait for a worker.

    Raises:
        UserError: Somebody else began to listen on the port since it was bound.
    """
    for listener in sockets:
        try:
            listener.listen(BACKLOG)
        except OSError as error:
            raise _bind_error(host, port_of(listener), error) from error


def port_of(listener: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(listener.getsockname()[1])


def url_of(host: str, port: int) -> str:
    """The URL at which this machine reaches what is bound to ``host``: loopback where that is any address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        return f"http://{_LOOPBACK}:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"


def raise_open_file_limit() -> int:
    """Raise the soft limit on open files to the hard one, since a connection is a file; the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_OPEN_FILES)
    if wanted <= soft:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS: more than kern.maxfilesperproc
        return soft
    return wanted


_MOST_OPEN_FILES: Final = 1 << 16 if sys.platform == "linux" else 10240  # macOS: OPEN_MAX


def _resolve(host: str, port: int) -> tuple[int, Any]:
    """Family and address; of a name's addresses an IPv4 one, if there is one, since most clients try it."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UserError(
            f"no address is known for the host {host!r}", "Give an address of this machine with --host or listen.host"
        ) from error
    family, _, _, _, address = min(found, key=lambda row: row[0] != socket.AF_INET)
    return family, address


def _bind(family: int, address: Any, *, shared: bool) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of an earlier `serve` in TIME_WAIT are no reason to refuse; one that listens still is.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6 and address[0] == "::":
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # "any" means IPv4 as well
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _bind_error(host: str, port: int, error: OSError) -> UserError:
    match error.errno:
        case errno.EADDRINUSE:
            return UserError(f"port {port} on {host} is in use", "Stop what listens there, or choose another: --port N")
        case errno.EACCES | errno.EPERM:
            return UserError(f"this user may not listen on port {port}", "Choose one above 1023: --port N")
        case errno.EADDRNOTAVAIL:
            return UserError(f"{host} is no address of this machine", "Choose one of its own: --host ADDR")
        case _:
            return UserError(f"can't listen on {host} port {port}: {error.strerror}", "Choose others: --host, --port")
