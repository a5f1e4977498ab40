"""From the command line's flags to a running supervisor: configuration, port, folders, children; in this order."""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from open_llm_proxy import __version__
from open_llm_proxy.config.load import Flags, Loaded
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.errors import UserError
from open_llm_proxy.serve.core_files import forbid_core_files
from open_llm_proxy.serve.metrics import Stoppable, start_metrics
from open_llm_proxy.serve.process import Role, Spec, command_of
from open_llm_proxy.serve.reload import ConfigSource
from open_llm_proxy.serve.sockets import (
    bind_demo_socket,
    bind_worker_sockets,
    listen,
    port_of,
    raise_open_file_limit,
)
from open_llm_proxy.serve.supervisor import Supervisor
from open_llm_proxy.spool.directory import SpoolLock
from open_llm_proxy.telemetry import diagnostics
from open_llm_proxy.telemetry.scoreboard import RECORDER_SLOT, Facts, Scoreboard

Announce = Callable[[Loaded, int], None]
SILENT_S: Final = 1.0
"""Waiting longer than this for a spool is said."""


def run(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    cwd: Path,
    stdout_is_terminal: bool,
    announce: Announce,
    commands: Callable[[Role], tuple[str, ...]] = command_of,
) -> int:
    """Serve; the exit status.

    Args:
        flags: The command line.
        environ: The process's environment.
        cwd: What relative paths start at.
        stdout_is_terminal: Whether records on stdout are read by a person.
        announce: Told the configuration and the port once calls are answered.
        commands: How each kind of child starts.

    Raises:
        UserError: What a person can mend: configuration, port, folders.
    """
    forbid_core_files()
    with contextlib.ExitStack() as stack:
        demo = stack.enter_context(bind_demo_socket()) if flags.demo else None
        endpoint = None if demo is None else f"http://127.0.0.1:{port_of(demo)}/v1/chat/completions"
        source = ConfigSource(flags, environ, cwd=cwd, stdout_is_terminal=stdout_is_terminal, demo_endpoint=endpoint)
        for warning in source.loaded.warnings:
            diagnostics.say("warning", warning)
        place = source.snapshot.config.listen
        listeners = bind_worker_sockets(place.host, place.port, source.snapshot.config.workers)
        for listener in listeners:
            stack.enter_context(listener)
        port = port_of(listeners[0])
        check_log_folder(source.snapshot)
        stack.callback(lock_spool(Path(source.snapshot.spool_dir)).release)
        listen(listeners, place.host)
        check_open_files(raise_open_file_limit(), source.snapshot.config.limits.connections)
        scoreboard, scoreboard_fd = Scoreboard.create(len(listeners) + 2)
        stack.callback(serve_metrics(source, scoreboard).stop)
        specs = list_children(listeners, demo, scoreboard_fd, commands)
        return Supervisor(source, specs, scoreboard, on_serving=lambda: announce(source.loaded, port)).run()


def serve_metrics(source: ConfigSource, scoreboard: Scoreboard) -> Stoppable:
    """Start ``/metrics`` where the proxy listens, on the configured port."""

    def facts() -> Facts:
        limits = source.snapshot.config.limits
        return Facts(__version__, limits.spool_bytes, limits.outbox_bytes)

    config = source.snapshot.config
    return start_metrics(config.listen.host, config.metrics.port, scoreboard, facts)


def list_children(
    listeners: Sequence[socket.socket],
    demo: socket.socket | None,
    scoreboard_fd: int,
    commands: Callable[[Role], tuple[str, ...]] = command_of,
) -> list[Spec]:
    """The children in the order they are started: workers from slot 1, the demo upstream behind them, the recorder."""
    specs = [
        Spec("worker", slot, commands("worker"), scoreboard_fd, listener)
        for slot, listener in enumerate(listeners, start=RECORDER_SLOT + 1)
    ]
    if demo is not None:
        specs.append(Spec("demo", len(listeners) + 1, commands("demo"), scoreboard_fd, demo))
    return [*specs, Spec("recorder", RECORDER_SLOT, commands("recorder"), scoreboard_fd)]


def lock_spool(spool: Path) -> SpoolLock:
    """Take the spool for this ``serve``; one that has to wait for its predecessor says so.

    Raises:
        UserError: It cannot be written, or another ``serve`` keeps it.
    """
    message = f"waiting for the spool folder {spool}, which another `open-llm-proxy serve` uses"
    patience = threading.Timer(SILENT_S, diagnostics.say, ("info", message))
    patience.start()
    try:
        return SpoolLock.acquire(spool)
    finally:
        patience.cancel()
        patience.join()


def check_open_files(most: int, connections: int) -> None:
    """Say it when a worker may not open as many files as it may have clients: beyond, clients get 503."""
    if most < connections:
        diagnostics.say(
            "warning",
            f"{most} open files are allowed (ulimit -n) and limits.connections is {connections}: clients that "
            "would need more than the former get 503",
        )


def check_log_folder(snapshot: Snapshot) -> None:
    """Make ``LOG_DIR`` and write there, so that a mistake is said now and not with the first record.

    Raises:
        UserError: It cannot be written.
    """
    if snapshot.store.folder is None:
        return
    probe = Path(snapshot.store.folder, ".open-llm-proxy-probe")
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"the log folder {probe.parent} cannot be written: {error.strerror}", "Set LOG_DIR to a folder that can be"
        ) from error
