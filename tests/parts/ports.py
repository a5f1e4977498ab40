"""A free port for programs that cannot choose one themselves."""

import socket


def free_port() -> int:
    """A port of loopback that nothing listens on. Another test may take it first: then the program says so."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether something accepts there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
