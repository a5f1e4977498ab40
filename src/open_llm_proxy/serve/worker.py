"""A worker: the hot half of one process, wired. It answers calls and notes them in its spool; it knows no records."""

import asyncio
import gc
import signal
import socket
import sys
from pathlib import Path
from typing import Final

import uvloop

from open_llm_proxy import __version__
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.http1.tls import make_client_context
from open_llm_proxy.proxy.application import SWEEP_S, ProxyApplication
from open_llm_proxy.proxy.setup import Setup
from open_llm_proxy.serve.control import Ready
from open_llm_proxy.serve.inheritance import Inheritance, run_child
from open_llm_proxy.spool.frame import RequestHeader
from open_llm_proxy.spool.writer import SpoolWriter
from open_llm_proxy.telemetry import diagnostics

BACKLOG: Final = 4096
ACCEPT_GRACE_S: Final = 0.1
"""On drain, connections that wait in the listening socket are still taken for this long."""
_GC_THRESHOLDS: Final = (20_000, 50, 100)
"""A call leaves no reference cycles, so collections find nothing and may be rare."""


class Worker:
    """One event loop with a listening socket, a spool writer and the application between them."""

    def __init__(self, inheritance: Inheritance, snapshot: Snapshot) -> None:
        self._inheritance = inheritance
        self._loop = uvloop.new_event_loop()
        self._tls = make_client_context(snapshot.config.ca_file)
        self._ca_file = snapshot.config.ca_file
        board = inheritance.scoreboard
        counters = board.slot(inheritance.slot)
        limits = snapshot.config.limits
        self._writer = SpoolWriter(
            Path(snapshot.spool_dir),
            worker=inheritance.slot,
            host=socket.gethostname(),
            version=__version__,
            segment_bytes=limits.segment_bytes,
            spool_bytes=limits.spool_bytes,
            flush_interval_s=snapshot.log.flush_interval_s,
            counters=counters,
            open_calls=self._open_calls,
            on_problem=self._report,
        )
        turn = Turn(self._loop, self._writer.commit, self._on_error)
        self._app = ProxyApplication(
            self._loop,
            Setup(snapshot, self._tls),
            append=self._writer.append,
            turn=turn,
            counters=counters,
            board=board,
            report=self._report,
        )
        self._server: asyncio.AbstractServer | None = None
        self._draining = False

    def _report(self, message: str) -> None:
        diagnostics.say("warning", f"worker {self._inheritance.slot}: {message}")

    def _open_calls(self) -> list[RequestHeader]:
        return self._app.open_calls()

    def _on_error(self, error: BaseException) -> None:
        self._app.on_error(error)

    def run(self) -> None:
        """Serve until drained or stopped."""
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._inheritance.control.watch(self._loop, self)
        self._loop.call_later(SWEEP_S, self._sweep)
        self._loop.call_later(1.0, self._tick)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        self._inheritance.control.send(Ready())
        self._loop.run_forever()
        self._finish()

    async def _listen(self) -> None:
        self._server = await self._loop.create_server(
            lambda: Downstream(self._app), sock=self._inheritance.listener, backlog=BACKLOG
        )

    def _sweep(self) -> None:
        self._app.sweep()
        if self._draining and not self._app.connections and not self._app.calls and self._server is None:
            self._loop.stop()
        else:
            self._loop.call_later(SWEEP_S, self._sweep)

    def _tick(self) -> None:
        self._writer.tick()
        self._loop.call_later(1.0, self._tick)

    # --- serve.control's handlers --------------------------------------------------------------------------------

    def on_reload(self, snapshot: Snapshot) -> None:
        """Calls from now on see the new configuration."""
        if snapshot.config.ca_file != self._ca_file:
            self._ca_file = snapshot.config.ca_file
            self._tls = make_client_context(self._ca_file)
        self._app.reload(Setup(snapshot, self._tls))

    def on_drain(self, deadline_s: float) -> None:
        """Stop accepting, serve what is in flight, end."""
        if self._draining:
            return
        self._draining = True
        self._app.drain()
        self._loop.call_later(ACCEPT_GRACE_S, self._close_listener)
        self._loop.call_later(deadline_s, self._end_drain)

    def _close_listener(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._app.drain()

    def _end_drain(self) -> None:
        self._app.end_drain()
        self._loop.call_later(1.0, self._loop.stop)

    def on_stop(self) -> None:
        """End at once, cleanly."""
        self._loop.stop()

    def on_parent_gone(self) -> None:
        """The supervisor is dead: hold no port, leave a closed spool behind."""
        self._loop.stop()

    def _finish(self) -> None:
        if self._server is not None:
            self._server.close()
        self._app.close()
        self._loop.run_until_complete(asyncio.sleep(0))  # connections that are broken off have their last words
        self._writer.close()


def serve(inheritance: Inheritance) -> None:
    """The body of a worker process."""
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    Worker(inheritance, inheritance.control.receive_snapshot()).run()


def main() -> int:
    """``python -m open_llm_proxy.serve.worker`` (the supervisor types it)."""
    return run_child(serve, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
