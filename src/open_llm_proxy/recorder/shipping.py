"""Takes chunk files from the outbox to the store, in order, until each is confirmed. A thread of its own."""

import threading
import time
from collections.abc import Callable
from typing import Final, get_args

from open_llm_proxy.recorder.outbox import Outbox, Waiting
from open_llm_proxy.recorder.sinks import FileSink, SinkError
from open_llm_proxy.store.faults import Fault
from open_llm_proxy.telemetry import diagnostics
from open_llm_proxy.telemetry.scoreboard import (
    FAILED_ATTEMPTS,
    RECORDER_SLOT,
    SHIPPED,
    SHIPPED_FILES,
    STORE_STATE,
    Scoreboard,
)

FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
LOOK_S: Final = 1.0
SLOW_S: Final = 30.0
"""A put that takes longer is said, long before the client gives it up."""
NONE, OK, FAILING = 0, 1, 2
AGAIN: Final = "store again"
FAULTS: Final = get_args(Fault)


class Shipping:
    """Ships while it is started. ``kick`` says that something was added; ``drain`` waits until all is shipped.

    Args:
        outbox: Where the files wait.
        sink: What takes them.
        board: Counters and the store's last error go here, into the recorder's slot.
        say: Where messages go.
        drop: Told of the kinds of messages that are out of date: what was left out of them need not be said.
    """

    def __init__(
        self,
        outbox: Outbox,
        sink: FileSink,
        board: Scoreboard,
        say: Callable[[str, diagnostics.Level, str], object],
        drop: Callable[..., object] = lambda *_: None,
    ) -> None:
        self._outbox = outbox
        self._sink = sink
        self._board = board
        self._counters = board.slot(RECORDER_SLOT)
        self._say = say
        self._drop = drop
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopped = threading.Event()
        self._pause_s = 0.0
        self._failing_since_s = 0.0
        self._putting: tuple[str, float] | None = None  # what is on its way, since when
        self._thread = threading.Thread(target=self._run, name="shipping", daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._counters[STORE_STATE] == NONE:
            self._counters[STORE_STATE] = OK
        self._thread.start()

    def use(self, sink: FileSink) -> None:
        """Ship to another sink from the next file on."""
        self._sink = sink
        self.kick()

    def kick(self) -> None:
        """Look into the outbox now."""
        self._wake.set()

    def watch(self) -> None:
        """Say that a put takes long. For another thread than the one that waits for it."""
        putting = self._putting
        if putting is None or time.monotonic() - putting[1] < SLOW_S:
            return
        self._counters[STORE_STATE] = FAILING
        message = f"the store is slow: {putting[0]} has been on its way for {SLOW_S:g} s"
        self._board.set_text(RECORDER_SLOT, message)
        self._failing_since_s = self._failing_since_s or putting[1]
        self._drop(AGAIN)
        self._say("slow", "warning", f"{message}; chunk files wait in the spool")

    def drain(self, grace_s: float) -> bool:
        """Ship what is there for at most ``grace_s`` seconds, then end; whether all was shipped.

        A put that hangs is left hanging: its file stays in the outbox.
        """
        self.kick()
        deadline = time.monotonic() + grace_s
        self._hurry.set()
        while self._outbox.next_ready() is not None and (left_s := deadline - time.monotonic()) > 0:
            time.sleep(min(0.05, left_s))
        self._stopped.set()
        self.kick()
        self._thread.join(max(0.1, deadline - time.monotonic()))
        return self._outbox.next_ready() is None

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._ship_all()
            if not self._pause_s:
                self._wake.wait(LOOK_S)
                self._wake.clear()
            elif self._hurry.wait(self._pause_s):
                self._stopped.wait(min(self._pause_s, FIRST_PAUSE_S))

    def _ship_all(self) -> None:
        """Ship in order. Where one file is refused for what may be its own fault, those behind it are tried."""
        failed: set[str] = set()
        while not self._stopped.is_set() and (waiting := self._outbox.next_ready(failed)) is not None:
            try:
                self._ship(waiting)
                if not failed:
                    self._on_success()
            except SinkError as error:
                self._on_failure(error)
                failed.add(waiting.key)
                if error.fault != "other":
                    break
            except FileNotFoundError:
                self._outbox.remove(waiting)  # somebody has taken it away by hand
            except Exception as error:  # noqa: BLE001 - a thread that ends would ship nothing more
                self._on_failure(SinkError("other", f"{waiting.path}: {error!r}"))
                failed.add(waiting.key)
        if failed:
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2 or FIRST_PAUSE_S)

    def _ship(self, waiting: Waiting) -> None:
        records = _count_records(waiting)
        self._putting = waiting.key, time.monotonic()
        try:
            self._sink.put(waiting.key, waiting.path)
        finally:
            self._putting = None
        self._outbox.remove(waiting)
        self._counters[SHIPPED] += records
        self._counters[SHIPPED_FILES] += 1

    def _on_success(self) -> None:
        self._pause_s = 0.0
        if self._counters[STORE_STATE] != OK:
            self._counters[STORE_STATE] = OK
            self._board.set_text(RECORDER_SLOT, "")
        if self._failing_since_s:
            failing_s = time.monotonic() - self._failing_since_s
            self._failing_since_s = 0.0
            self._drop(*FAULTS)
            self._say(AGAIN, "info", f"the store takes chunk files again, after {failing_s:.0f} s")

    def _on_failure(self, error: SinkError) -> None:
        self._counters[FAILED_ATTEMPTS] += 1
        self._counters[STORE_STATE] = FAILING
        self._board.set_text(RECORDER_SLOT, str(error))
        self._failing_since_s = self._failing_since_s or time.monotonic()
        self._drop(AGAIN)
        self._say(error.fault, "warning", f"{error}; chunk files wait in the spool, the next try is at most 30 s away")


def _count_records(waiting: Waiting) -> int:
    """Requests and responses in a chunk file: two a call; prompts, tools and other files count nothing."""
    if not waiting.key.endswith(".jsonl"):
        return 0
    with waiting.path.open("rb") as file:
        return sum(1 for line in file if b'"type":"re' in line[:64])
