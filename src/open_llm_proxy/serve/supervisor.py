"""The supervisor: keeps its children running, hands them what it accepts as configuration, stops as nginx does.

One thread and one ``select``: it waits for signals, for what children say and for the next thing that is due. It holds
the listening sockets and the scoreboard; a thread beside this one serves ``/metrics`` from that.
"""

import selectors
import signal
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import partial
from typing import Final

from open_llm_proxy.errors import EXIT_OK, UserError
from open_llm_proxy.serve.child import Child
from open_llm_proxy.serve.control import ControlError, Drain, Refused, Reload, Stop, ToChild
from open_llm_proxy.serve.process import Spec, describe_exit
from open_llm_proxy.serve.reload import POLL_S, ConfigSource
from open_llm_proxy.serve.signals import END, Signals, terminal_is_gone
from open_llm_proxy.telemetry import diagnostics
from open_llm_proxy.telemetry.scoreboard import (
    ACCEPTED,
    BUFFERED_BYTES,
    CONNECTIONS,
    IN_FLIGHT,
    LOST,
    RESTARTS,
    SPOOLED,
    UPSTREAM_IDLE,
    Scoreboard,
)

EXIT_CUT_SHORT: Final = 3  # a second signal, or a worker that did not end in time
EXIT_NO_WORKER: Final = 4  # workers die before they can serve
DRAIN_MARGIN_S: Final = 5.0
FLUSH_GRACE_S: Final = 20.0
SOON_S: Final = 0.02
HUNG_UP_S: Final = 0.5
"""A child whose end of the channel is closed is about to end: it has this long."""
MOST_DEATHS: Final = 5
"""A worker that never worked and died this often in a row is not to be helped by another start."""
_GAUGES: Final = (IN_FLIGHT, CONNECTIONS, BUFFERED_BYTES, UPSTREAM_IDLE)


class Phase(Enum):
    """Where a ``serve`` is in its life: each follows the one before."""

    SERVING = auto()
    DRAINING = auto()  # workers finish what is in flight
    FLUSHING = auto()  # the recorder ships what it can
    ENDED = auto()


class Supervisor:
    """One ``serve``.

    Args:
        source: The configuration, accepted.
        specs: The children to keep running.
        scoreboard: Whose gauges are reset when a worker dies.
        on_serving: Called once, when every worker (and the demo upstream) works.
    """

    def __init__(
        self,
        source: ConfigSource,
        specs: Sequence[Spec],
        scoreboard: Scoreboard,
        *,
        on_serving: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._children = [Child(spec) for spec in specs]
        self._workers = [child for child in self._children if child.spec.role == "worker"]
        self._scoreboard = scoreboard
        self._on_serving: Callable[[], None] | None = on_serving
        self._selector = selectors.DefaultSelector()
        self._phase = Phase.SERVING
        self._deadline = float("inf")  # of DRAINING and FLUSHING
        self._look_at = time.monotonic() + POLL_S  # at the files
        self._ends_with_terminal = not terminal_is_gone() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        self._exit_code = EXIT_OK

    def run(self) -> int:
        """Serve until a signal ends it; the exit status.

        Raises:
            UserError: A child cannot start, for a reason that a person can mend.
        """
        with Signals() as signals:
            self._selector.register(signals, selectors.EVENT_READ, lambda: self._on_signals(signals.read()))
            try:
                while self._phase is not Phase.ENDED:
                    self._turn()
            finally:
                self._end_all()
                self._selector.close()
        return self._exit_code

    def _turn(self) -> None:
        for child in self._children:
            if child.is_due():
                self._start(child)
        for key, _ in self._selector.select(self._wait_s()):
            key.data()
        for child in self._children:
            self._tend(child)
        self._look_at_files()
        self._advance()

    def _wait_s(self) -> float:
        if any(child.process is not None and child.process.needs_a_look for child in self._children):
            return SOON_S
        starts = [child.start_at for child in self._children if child.start_at is not None]
        return max(0.0, min(self._look_at, self._deadline, *starts) - time.monotonic())

    # --- children ------------------------------------------------------------------------------------------------

    def _start(self, child: Child) -> None:
        try:
            process = child.start(self._source.snapshot)
        except OSError as error:
            delay_s = child.note_death(successor=self._is_needed(child))
            again = "" if child.start_at is None else f"; again in {delay_s:g} s"
            diagnostics.say("error", f"{child.name} can't be started: {error.strerror}{again}")
        else:
            self._selector.register(process, selectors.EVENT_READ, partial(self._hear, child))

    def _hear(self, child: Child) -> None:
        """Take what a child says, until it closes its end."""
        process = child.process
        if process is None or process.hung_up_at is not None:
            return
        try:
            for message in process.receive():
                if isinstance(message, Refused):
                    self._on_refused(child, message)
                else:
                    child.note_ready()
                    self._announce()
        except (EOFError, ControlError):
            process.hung_up_at = time.monotonic()
            self._selector.unregister(process)

    def _on_refused(self, child: Child, refused: Refused) -> None:
        error = UserError(refused.message, refused.remedy, refused.exit_code)
        if not child.ever_ready and self._phase is Phase.SERVING:
            raise error
        diagnostics.say("error", f"{child.name}: {error}")

    def _announce(self) -> None:
        waited_for = [child for child in self._children if child.spec.role != "recorder"]
        if self._on_serving is not None and all(child.ready for child in waited_for):
            self._on_serving()
            self._on_serving = None

    def _tend(self, child: Child) -> None:
        """Send what is left to send; bury a child that has ended and see to its successor."""
        process = child.process
        if process is None:
            return
        status = process.poll()
        if status is None:
            process.flush()
            if process.hung_up_at is not None and time.monotonic() >= process.hung_up_at + HUNG_UP_S:
                child.kill()  # nobody can tell it anything any more
            return
        self._hear(child)  # its last words
        if process.hung_up_at is None:
            self._selector.unregister(process)
        process.close()
        if child.spec.role == "worker":
            self._settle_counters(child.spec.slot)
        delay_s = child.note_death(successor=self._is_needed(child))
        if child.start_at is not None:
            self._scoreboard.slot(child.spec.slot)[RESTARTS] += 1
        self._say_ended(child, status, delay_s)

    def _is_needed(self, child: Child) -> bool:
        """Whether a child that died is started again."""
        if self._phase is Phase.DRAINING:
            return child.spec.role != "worker"
        return self._phase is Phase.SERVING

    def _say_ended(self, child: Child, status: int, delay_s: float) -> None:
        if child.start_at is None:
            if status:
                diagnostics.say("warning", f"{child.name} {describe_exit(status)}")
            return
        if child.spec.role == "worker" and child.deaths >= MOST_DEATHS and not child.ever_ready:
            raise UserError(
                f"{child.name} {describe_exit(status)} before it could serve, {child.deaths} times in a row",
                "Its own lines above say why",
                EXIT_NO_WORKER,
            )
        again = f"in {delay_s:g} s" if delay_s else "at once"
        diagnostics.say("error", f"{child.name} {describe_exit(status)}; it is started again {again}")

    def _settle_counters(self, slot: int) -> None:
        """A dead worker holds nothing; a frame that it had not yet written belongs to no answer that anybody got."""
        counters = self._scoreboard.slot(slot)
        for gauge in _GAUGES:
            counters[gauge] = 0
        counters[ACCEPTED] = counters[SPOOLED] + counters[LOST]

    # --- configuration -------------------------------------------------------------------------------------------

    def _look_at_files(self) -> None:
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + POLL_S
        if self._source.changed():
            self._reload()

    def _reload(self) -> None:
        snapshot = self._source.reload()
        if snapshot is not None:
            self._send_all(Reload(snapshot))

    def _send_all(self, message: ToChild, *roles: str) -> None:
        for child in self._children:
            if not roles or child.spec.role in roles:
                child.send(message)

    # --- the end -------------------------------------------------------------------------------------------------

    def _on_signals(self, numbers: list[int]) -> None:
        for number in numbers:
            ends = number in END or (number == signal.SIGHUP and self._ends_with_terminal and terminal_is_gone())
            if ends and self._phase is Phase.SERVING:
                self._drain(signal.Signals(number).name)
            elif ends and number in END:
                diagnostics.say("warning", "a second signal: ending at once; the next start ships what is left")
                self._phase, self._exit_code = Phase.ENDED, EXIT_CUT_SHORT
            elif number == signal.SIGHUP:
                self._reload()

    def _drain(self, why: str) -> None:
        drain_s = self._source.snapshot.config.timeouts.drain_s
        diagnostics.say("info", f"{why}: no new connections; calls in flight have {drain_s:g} s")
        self._phase = Phase.DRAINING
        self._deadline = time.monotonic() + drain_s + DRAIN_MARGIN_S
        for child in self._workers:
            if child.process is None:
                self._start(child)  # clients may wait in its socket, which would reset them if nobody took them
            child.start_at = None
        self._send_all(Drain(drain_s), "worker")
        for child in self._workers:
            if child.spec.listener is not None:
                child.spec.listener.close()  # the worker's own descriptor keeps it until it has taken what waits

    def _advance(self) -> None:
        """Go to the next phase when this one is done, or its time is spent."""
        if self._phase is Phase.DRAINING and self._is_over(self._workers, "was still busy after drain_s"):
            self._phase = Phase.FLUSHING
            self._deadline = time.monotonic() + FLUSH_GRACE_S
            for child in self._children:
                child.start_at = None
            self._send_all(Stop(), "recorder", "demo")
        if self._phase is Phase.FLUSHING and self._is_over(
            self._children, f"was still busy after {FLUSH_GRACE_S:g} s; the next start ships what is left"
        ):
            self._phase = Phase.ENDED

    def _is_over(self, children: Sequence[Child], late: str) -> bool:
        running = [child for child in children if child.process is not None]
        if running and time.monotonic() >= self._deadline:
            for child in running:
                diagnostics.say("warning", f"{child.name} {late}: killed")
                child.kill()
                if child.spec.role == "worker":
                    self._exit_code = EXIT_CUT_SHORT
            self._deadline = float("inf")  # their end is on its way
        return not running

    def _end_all(self) -> None:
        """Leave no process behind."""
        for child in self._children:
            child.kill()
        for child in self._children:
            if child.process is not None:
                child.process.close()
