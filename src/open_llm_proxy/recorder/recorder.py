"""The recorder's loop: find directories, work them off, keep the gauges, end in order."""

import shutil
import threading
import time
from pathlib import Path
from typing import Final

from open_llm_proxy.config.snapshot import StoreSettings
from open_llm_proxy.recorder.follow import Follower
from open_llm_proxy.recorder.intake import Intake, Tools
from open_llm_proxy.recorder.meter import Meter
from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.recorder.progress import Progress
from open_llm_proxy.recorder.rendering import Renderer
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.recorder.shipping import FAILING, NONE, Shipping
from open_llm_proxy.recorder.sinks import FileSink
from open_llm_proxy.recorder.sinks.folder import FolderSink
from open_llm_proxy.recorder.sinks.object_store import ObjectStoreSink
from open_llm_proxy.recorder.sinks.stdout import StdoutSink
from open_llm_proxy.recorder.spans import Spans, open_spans
from open_llm_proxy.recorder.tally import Tally
from open_llm_proxy.spool.directory import SpoolLock, list_directories, parts_root, remove_unfinished
from open_llm_proxy.spool.room import is_disk_short
from open_llm_proxy.store.connect import StoreOptions, connect
from open_llm_proxy.telemetry import diagnostics
from open_llm_proxy.telemetry.scoreboard import (
    FRAMES_WAITING,
    OLDEST_UNSHIPPED_NS,
    OUTBOX_BYTES,
    OUTBOX_FILES,
    RECORDER_SLOT,
    SHIPPED_FILES,
    STORE_STATE,
    Scoreboard,
)

POLL_S: Final = 0.1
SLICE_S: Final = 0.25
"""A directory with a backlog gives way to the next one after so long."""
GAUGES_S: Final = 0.25
GRACE_S: Final = 18.0
SAY_AGAIN_S: Final = 300.0
LOCK_NAME: Final = "recorder.lock"
LOCK_WAIT_S: Final = 30.0
"""A killed supervisor's recorder ends a moment after it: two at once would double records."""
TRACES_S: Final = 2.0
"""Spans that are still queued at the end have so long."""
GUESSED_FRAME_BYTES: Final = 2048
"""A frame's length until some were seen; only the gauge of frames that wait uses it."""


class Recorder:
    """One a spool.

    Args:
        settings: What to do.
        board: Its slot of the recorder is written.
        stdout_fd: Where lines go.
    """

    def __init__(self, settings: RecorderSettings, board: Scoreboard, *, stdout_fd: int = 1) -> None:
        self._settings = settings
        self._renewed: RecorderSettings | None = None
        self._board = board
        self._counters = board.slot(RECORDER_SLOT)
        self._stdout_fd = stdout_fd
        self._throttle = diagnostics.Throttle(SAY_AGAIN_S)
        self._intakes: dict[str, Intake] = {}
        self._gauges_at_s = 0.0
        self._stalled = False

    def use(self, settings: RecorderSettings) -> None:
        """Work with other settings from the next round on (the spool stays where it is). Callable from any thread."""
        self._renewed = settings

    def run(self, stop: threading.Event, grace_s: float = GRACE_S) -> bool:
        """Work until ``stop`` is set, then finish within ``grace_s`` seconds; whether nothing was left behind.

        Raises:
            UserError: The spool cannot be written, or another recorder works on it.
        """
        lock = SpoolLock.acquire(self._settings.spool, wait_s=LOCK_WAIT_S, name=LOCK_NAME)
        try:
            self._begin()
            while not stop.is_set():
                if not self._round():
                    stop.wait(POLL_S)
            return self._end(time.monotonic() + grace_s)
        finally:
            lock.release()

    # --- begin and end -------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        settings = self._settings
        shutil.rmtree(parts_root(settings.spool), ignore_errors=True)
        remove_unfinished(settings.spool)
        self._outbox = Outbox(settings.spool)
        progress = Progress(settings.spool / "recorder.progress")
        self._stdout = StdoutSink(
            self._stdout_fd, self._say, note_writing=progress.set_writing, line_torn=progress.line_torn
        )
        self._shipping: Shipping | None = None
        self._use_store(settings.store)
        self._renderer = Renderer(settings, only_stdout=self._shipping is None)
        tally = Tally(self._counters, progress, settings.log, self._say_each)
        self._meter = Meter(self._board.ledger, settings.models)
        self._spans: Spans | None = None
        if settings.traces_endpoint is not None:
            self._spans = open_spans(settings.traces_endpoint, settings.endpoints, self._say)
        self._tools = Tools(
            lambda: self._settings,
            lambda: self._renderer,
            self._outbox,
            self._stdout,
            progress,
            tally,
            self._say,
            (self._meter,) if self._spans is None else (self._meter, self._spans),
        )

    def _use_store(self, store: StoreSettings) -> None:
        sink = open_sink(store)
        if store.refused:
            self._say(store.refused)
            self._board.set_text(RECORDER_SLOT, store.refused)
            self._counters[STORE_STATE] = FAILING
        if sink is None:
            if self._shipping is not None:
                self._say("no store is named any more: chunk files go to the former one until the next start")
            elif not store.refused:
                self._counters[STORE_STATE] = NONE
            return
        if self._shipping is not None:
            self._shipping.use(sink)
            return
        self._shipping = Shipping(self._outbox, sink, self._board, self._throttle.say, self._throttle.drop)
        self._shipping.start()

    def _end(self, deadline_s: float) -> bool:
        """Read what the workers wrote last, close the chunk files, ship them; the rest is left to the next start."""
        reserve_s = max(0.0, deadline_s - time.monotonic()) / 4
        while self._round() and time.monotonic() < deadline_s - reserve_s:
            pass
        if self._shipping is None:
            self._stdout.wait(max(0.0, deadline_s - time.monotonic()))
        for intake in self._intakes.values():
            intake.finish_all()
        if time.monotonic() < deadline_s - reserve_s:
            self._round()  # directories that are done with go
        all_shipped = self._shipping is None or self._shipping.drain(max(0.0, deadline_s - time.monotonic()))
        self._stdout.close(max(0.2, deadline_s - time.monotonic()))
        for intake in self._intakes.values():
            intake.close()
        self._set_gauges()
        self._tools.progress.done()
        if self._spans is not None:
            self._spans.close(min(TRACES_S, max(0.5, deadline_s - time.monotonic())))
        self._throttle.flush(everything=True)
        return all_shipped and not self._intakes

    # --- the loop ------------------------------------------------------------------------------------------------

    def _round(self) -> bool:
        """Give each directory its slice of time; whether anything was read."""
        self._renew()
        self._find()
        worked = False
        if not self._is_stalled():
            self._renderer.cut_stdout = self._counters[SHIPPED_FILES] > 0
            for name, intake in list(self._intakes.items()):
                before = self._outbox.added
                worked = intake.work(time.monotonic() + SLICE_S) or worked
                if self._shipping is not None and self._outbox.added != before:
                    self._shipping.kick()
                if intake.gone:
                    del self._intakes[name]
                    for observer in self._tools.observers:
                        observer.forget(name)
        if time.monotonic() >= self._gauges_at_s:
            self._gauges_at_s = time.monotonic() + GAUGES_S
            self._tools.tally.tick()
            self._set_gauges()
            if self._shipping is not None:
                self._shipping.watch()
            self._stdout.say_dropped()
            self._throttle.flush()
        return worked

    def _renew(self) -> None:
        settings, self._renewed = self._renewed, None
        if settings is None:
            return
        if settings.store != self._settings.store:
            had_none = self._shipping is None
            self._use_store(settings.store)
            if had_none and self._shipping is not None:
                for intake in self._intakes.values():
                    intake.finish_all()
                    intake.close()
                self._intakes.clear()  # found again, for chunk files now
        self._settings = settings
        self._renderer = Renderer(settings, only_stdout=self._shipping is None)
        self._tools.tally.log = settings.log
        self._meter.models = settings.models
        if self._spans is not None:
            self._spans.use(settings.endpoints)

    def _find(self) -> None:
        for path in list_directories(self._settings.spool):
            if path.name not in self._intakes:
                follower = Follower(path, self._outbox.covered, self._say)
                self._intakes[path.name] = Intake(follower, self._tools, only_stdout=self._shipping is None)

    def _is_stalled(self) -> bool:
        """Whether the outbox is full: frames then stay in the spool, until its own limit takes over."""
        why = None if self._shipping is None else self._why_stalled(self._outbox.size)
        if why is not None and not self._stalled:
            self._say(f"{why}: frames stay in the spool until the store takes chunk files again")
        self._stalled = why is not None
        return self._stalled

    def _why_stalled(self, size: int) -> str | None:
        if size >= self._settings.outbox_bytes:
            return f"the outbox holds its limit of {self._settings.outbox_bytes} bytes"
        if size and is_disk_short(self._settings.spool):
            return f"the spool's disk is nearly full, and {size} bytes of chunk files wait for the store"
        return None

    # --- what others see -----------------------------------------------------------------------------------------

    def _set_gauges(self) -> None:
        files, size, oldest_ns = self._outbox.totals()
        waiting = sum(intake.follower.waiting_bytes() for intake in self._intakes.values())
        times = [oldest_ns, *(intake.oldest_ns for intake in self._intakes.values())]
        counters = self._counters
        counters[OUTBOX_FILES], counters[OUTBOX_BYTES] = files, size
        counters[OLDEST_UNSHIPPED_NS] = min((time_ns for time_ns in times if time_ns), default=0)
        counters[FRAMES_WAITING] = -(-waiting // GUESSED_FRAME_BYTES)

    def _say(self, message: str) -> None:
        self._throttle.say(message[:48], "warning", message)

    def _say_each(self, message: str) -> None:
        diagnostics.say("warning", message)


def open_sink(store: StoreSettings) -> FileSink | None:
    """The sink of chunk files; None: there is none, stdout has it all."""
    if store.refused:
        return None
    if store.url is not None:
        options = StoreOptions.of(store)
        url = store.url
        return ObjectStoreSink(lambda: connect(url, options), url)
    if store.folder is not None:
        return FolderSink(Path(store.folder))
    return None
