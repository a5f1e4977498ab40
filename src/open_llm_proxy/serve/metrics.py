"""``GET /metrics`` on a port of its own, in a thread of the supervisor: prometheus-client over the scoreboard.

The port of the proxy is public as a whole where an ingress leads to it; this one need not be.
"""

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from open_llm_proxy.errors import UserError
from open_llm_proxy.serve.sockets import bind_metrics_socket
from open_llm_proxy.telemetry import diagnostics
from open_llm_proxy.telemetry.scoreboard import Facts, Scoreboard

if TYPE_CHECKING:
    from http.server import ThreadingHTTPServer

PATH: Final = "/metrics"
REQUEST_S: Final = 10.0
"""Who asks has so long to do so."""


class Stoppable(Protocol):
    """What ``start_metrics`` gives."""

    def stop(self) -> None:
        """Let go of the port."""


class _Nothing:
    """No metrics are served."""

    def stop(self) -> None:
        pass


class MetricsServer:
    """Serves from ``listener``, which is bound and listens already: who asks early waits."""

    def __init__(self, listener: socket.socket, scoreboard: Scoreboard, facts: Callable[[], Facts]) -> None:
        self._listener = listener
        self._scoreboard = scoreboard
        self._facts = facts
        self._server: ThreadingHTTPServer | None = None
        self._made = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        """Importing prometheus-client takes 0.1 s, which must not hold up the start of the children."""
        try:
            self._server = _make_server(self._listener, self._scoreboard, self._facts)
        finally:
            self._made.set()
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Let go of the port."""
        self._made.wait()
        if self._server is not None:
            self._server.shutdown()
        self._thread.join()
        self._listener.close()


def start_metrics(host: str, port: int, scoreboard: Scoreboard, facts: Callable[[], Facts]) -> Stoppable:
    """Serve metrics; a port that cannot be had is said and stops nothing. ``port`` 0: none are served."""
    if not port:
        return _Nothing()
    try:
        listener = bind_metrics_socket(host, port)
    except UserError as error:
        diagnostics.say("warning", f"no metrics are served: {error}")
        return _Nothing()
    return MetricsServer(listener, scoreboard, facts)


def _make_server(listener: socket.socket, scoreboard: Scoreboard, facts: Callable[[], Facts]) -> "ThreadingHTTPServer":
    from http.server import ThreadingHTTPServer  # noqa: PLC0415 - as the next

    from prometheus_client import MetricsHandler  # noqa: PLC0415 - see ``_run``

    from open_llm_proxy.telemetry.exposition import make_registry  # noqa: PLC0415 - it imports the same

    class Handler(MetricsHandler):
        """Answers at one path."""

        registry = make_registry(scoreboard, facts)
        timeout = REQUEST_S

        def version_string(self) -> str:
            """What the ``server`` header says."""
            return "open-llm-proxy"

        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            """The metrics, or 404."""
            if self.path.partition("?")[0] == PATH:
                super().do_GET()
            else:
                self.send_error(404, explain=f"GET {PATH} is all there is here")

    server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.daemon_threads = True
    return server
