"""The supervisor: reads the configuration, holds the port, keeps its children running, stops as nginx does."""

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from open_llm_proxy.config.load import Loaded
from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.config.watch import Watch
from open_llm_proxy.errors import EXIT_OK, UserError
from open_llm_proxy.serve.child import Child
from open_llm_proxy.serve.control import Drain, Refused, Reload, Stop
from open_llm_proxy.serve.sockets import raise_file_limit
from open_llm_proxy.spool.directory import SpoolLock
from open_llm_proxy.telemetry import diagnostics
from open_llm_proxy.telemetry.scoreboard import BUFFERED_BYTES, CONNECTIONS, IN_FLIGHT, RECORDER_SLOT, Scoreboard

TICK_S: Final = 0.1
WATCH_S: Final = 2.0
DRAIN_MARGIN_S: Final = 3.0
FLUSH_GRACE_S: Final = 20.0
_GAUGES: Final = (IN_FLIGHT, CONNECTIONS, BUFFERED_BYTES)


class Supervisor:
    """One ``serve``. ``reload`` reads the configuration again; ``on_ready`` is called once all children work."""

    def __init__(
        self,
        loaded: Loaded,
        listeners: Sequence[socket.socket],
        demo_listener: socket.socket | None,
        *,
        reload: Callable[[], Loaded],
        on_ready: Callable[[Loaded], None],
    ) -> None:
        self._loaded = loaded
        self._reload = reload
        self._on_ready = on_ready
        self._listeners = list(listeners)
        self._watch = Watch(loaded.watched)
        self._board, board_fd = Scoreboard.create(len(listeners) + 2)
        self._recorder = Child("recorder", RECORDER_SLOT, board_fd, None)
        self._workers = [Child("worker", slot + 1, board_fd, listener) for slot, listener in enumerate(listeners)]
        self._demo = None
        if demo_listener is not None:
            self._demo = Child("demo", len(listeners) + 1, board_fd, demo_listener)
        self._signals: list[int] = []
        self._selector = selectors.DefaultSelector()
        self._said_ready = False
        self._draining = False

    @property
    def _snapshot(self) -> Snapshot:
        return self._loaded.snapshot

    @property
    def _children(self) -> list[Child]:
        return [self._recorder, *([self._demo] if self._demo else []), *self._workers]

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status.

        Raises:
            UserError: Spool or log folder cannot be used, or a child cannot start.
        """
        raise_file_limit()
        check_folders(self._snapshot)
        lock = SpoolLock.acquire(Path(self._snapshot.spool_dir))
        waker = self._catch_signals()
        try:
            for child in self._children:
                self._start(child)
            return self._loop()
        finally:
            for child in self._children:
                child.kill()
            waker.close()
            lock.release()

    def _catch_signals(self) -> socket.socket:
        """Signals wake the selector: their numbers come as bytes of a socket."""
        reader, writer = socket.socketpair()
        for made in (reader, writer):
            made.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: self._signals.append(number))
        self._selector.register(reader, selectors.EVENT_READ, None)
        self._wakers = (reader, writer)
        return reader

    def _start(self, child: Child) -> None:
        child.start(self._snapshot)
        assert child.channel is not None
        self._selector.register(child.channel, selectors.EVENT_READ, child)

    def _loop(self) -> int:
        watch_at = time.monotonic() + WATCH_S
        while True:
            self._wait()
            for number in self._take_signals():
                if number == signal.SIGHUP:
                    self._read_again()
                else:
                    return self._stop()
            self._mend()
            if time.monotonic() >= watch_at:
                watch_at = time.monotonic() + WATCH_S
                if self._watch.changed():
                    self._read_again()

    def _take_signals(self) -> list[int]:
        taken, self._signals = self._signals, []
        return taken

    def _wait(self) -> None:
        for key, _ in self._selector.select(TICK_S):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    self._wakers[0].recv(4096)
            else:
                self._hear(key.data)

    def _hear(self, child: Child) -> None:
        channel = child.channel
        for message in child.receive():
            if isinstance(message, Refused):
                raise UserError(message.message, message.remedy, message.exit_code)
            child.ready = True
        if child.channel is None and channel is not None:
            self._selector.unregister(channel)
        if not self._said_ready and all(one.ready for one in self._children):
            self._said_ready = True
            self._on_ready(self._loaded)

    def _mend(self) -> None:
        """Start again what has died."""
        for child in self._children:
            status = child.has_ended()
            if status is not None:
                self._forget(child)
                child.note_death()
                for gauge in _GAUGES:
                    self._board.slot(child.slot)[gauge] = 0
                diagnostics.say("warning", f"{child.name} ended ({describe(status)}) and is started again")
            if child.process is None and time.monotonic() >= child.start_at:
                self._start(child)

    def _forget(self, child: Child) -> None:
        if child.channel is not None:
            self._selector.unregister(child.channel)

    def _read_again(self) -> None:
        try:
            loaded = self._reload()
        except UserError as error:
            diagnostics.say("error", "the configuration is wrong, the old one is kept")
            for line in error.lines if isinstance(error, ConfigError) else [str(error)]:
                diagnostics.say("error", line)
            return
        old = self._snapshot.config
        new = loaded.snapshot.config
        if (old.listen, old.workers, old.metrics) != (new.listen, new.workers, new.metrics):
            diagnostics.say("warning", "listen, metrics and workers change with the next start only")
        self._loaded = loaded
        self._watch = Watch(loaded.watched)
        for warning in loaded.warnings:
            diagnostics.say("warning", warning)
        for child in self._children:
            child.tell(Reload(loaded.snapshot))
        diagnostics.say("info", "the configuration was read again")

    # --- stopping ------------------------------------------------------------------------------------------------

    def _stop(self) -> int:
        """Drain the workers, then let the recorder flush; a second signal ends at once."""
        drain_s = self._snapshot.config.timeouts.drain_s
        for worker in self._workers:
            worker.tell(Drain(drain_s))
        for listener in self._listeners:
            listener.close()
        hurried = self._wait_for(self._workers, drain_s + DRAIN_MARGIN_S)
        for worker in self._workers:
            worker.kill()
        if not hurried:
            self._recorder.tell(Stop())
            self._wait_for([self._recorder], FLUSH_GRACE_S)
        return EXIT_OK

    def _wait_for(self, children: Sequence[Child], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(child.process is None or child.has_ended() is not None for child in children):
                return False
            self._wait()
            if any(number != signal.SIGHUP for number in self._take_signals()):
                return True
        return False


def describe(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def check_folders(snapshot: Snapshot) -> None:
    """That ``LOG_DIR`` can be written.

    Raises:
        UserError: It cannot.
    """
    if snapshot.store.folder is None:
        return
    folder = Path(snapshot.store.folder)
    probe = folder / ".open-llm-proxy-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"the log folder {folder} cannot be written: {os.strerror(error.errno or 0)}",
            "Set LOG_DIR to a folder that can be",
        ) from error
