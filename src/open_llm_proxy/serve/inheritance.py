"""What a child process is born with, and how it ends with its parent.

The supervisor starts ``python -m open_llm_proxy.serve.<role> --control-fd N --scoreboard-fd N --slot N``, for workers
and the demo upstream with ``--listen-fd N``, too; every other descriptor is closed by exec.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final

from open_llm_proxy.errors import OpenLlmProxyError, UserError
from open_llm_proxy.serve.control import ControlChannel, Refused
from open_llm_proxy.telemetry.scoreboard import Scoreboard

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
GROUP_SIGNALS: Final = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


class InheritanceError(OpenLlmProxyError):
    """A child was started by something else than the supervisor."""


class Inheritance:
    """Slot, control channel, scoreboard and (workers, demo) the listening socket of this process."""

    def __init__(
        self, slot: int, control: ControlChannel, scoreboard: Scoreboard, listener: socket.socket | None
    ) -> None:
        self.slot = slot
        self.control = control
        self.scoreboard = scoreboard
        self._listener = listener

    @classmethod
    def from_argv(cls, argv: Sequence[str]) -> "Inheritance":
        """Take over the descriptors that ``argv`` names, and tie this process's life to the supervisor's.

        Raises:
            InheritanceError: An argument is missing or is no number.
        """
        named = _parse(argv)
        end_with_parent()
        leave_signals_to_supervisor()
        listen_fd = named.get("listen-fd")
        return cls(
            slot=named["slot"],
            control=ControlChannel(named["control-fd"]),
            scoreboard=Scoreboard.attach(named["scoreboard-fd"]),
            listener=None if listen_fd is None else socket.socket(fileno=listen_fd),
        )

    @property
    def listener(self) -> socket.socket:
        """The listening socket.

        Raises:
            InheritanceError: This child was given none.
        """
        if self._listener is None:
            raise InheritanceError("this child was given no --listen-fd")
        return self._listener


def _parse(argv: Sequence[str]) -> dict[str, int]:
    try:
        named = {name.removeprefix("--"): int(value) for name, value in zip(argv[::2], argv[1::2], strict=True)}
    except ValueError as error:
        raise InheritanceError(f"arguments of a child: {' '.join(argv)}") from error
    if missing := {"slot", "control-fd", "scoreboard-fd"} - named.keys():
        raise InheritanceError(
            f"started without --{', --'.join(sorted(missing))}: `open-llm-proxy serve` starts children"
        )
    return named


def end_with_parent() -> None:
    """Have the kernel kill this process when the supervisor ends, should it be too stuck to read the channel."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - a few milliseconds that only children on Linux pay

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def leave_signals_to_supervisor() -> None:
    """Ignore SIGINT, SIGTERM and SIGHUP: a terminal and some init systems send them to the whole group."""
    for number in GROUP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, GROUP_SIGNALS)  # held back until now, see process.Process


def end_at_once() -> None:
    """End this process with no clean-up: what counts is with the kernel already."""
    os._exit(1)


def run_child(body: Callable[[Inheritance], int | None], argv: Sequence[str]) -> int:
    """The ``main`` of a child: inherit, run ``body``, hand a ``UserError`` to the supervisor; the exit status."""
    inheritance = Inheritance.from_argv(argv)
    try:
        return body(inheritance) or 0
    except UserError as error:
        inheritance.control.send(Refused(error.message, error.remedy, error.exit_code))
        return error.exit_code
