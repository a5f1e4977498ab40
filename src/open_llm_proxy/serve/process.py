"""One process of a slot: started by exec with just what it inherits, and the supervisor's end of its channel."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Literal, NamedTuple

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.serve.control import (
    READ_BYTES,
    Begin,
    FromChild,
    ToChild,
    encode_message,
    reader_of_supervisor,
)
from open_llm_proxy.serve.inheritance import GROUP_SIGNALS

Role = Literal["worker", "recorder", "demo"]


class Spec(NamedTuple):
    """What to start for a slot, again and again.

    ``command`` gets the descriptors' numbers appended.
    """

    role: Role
    slot: int
    command: tuple[str, ...]
    scoreboard_fd: int
    listener: socket.socket | None = None

    @property
    def name(self) -> str:
        """The child in our lines on stderr."""
        return f"worker {self.slot}" if self.role == "worker" else self.role


def command_of(role: Role) -> tuple[str, ...]:
    """How a child of ours starts. ``-P``: what lies in the current folder is not imported."""
    return (sys.executable, "-P", "-m", f"open_llm_proxy.serve.{role}")


class Process:
    """One process of a slot, from its start until it has been waited for.

    ``hung_up_at`` is the supervisor's note of when the child's end of the channel was closed (monotonic seconds).

    Raises:
        OSError: The machine has no process or descriptor left.
    """

    def __init__(self, spec: Spec, snapshot: Snapshot) -> None:
        self.started_at = time.monotonic()
        self.hung_up_at: float | None = None
        self._reader = reader_of_supervisor()
        self._outgoing = bytearray()
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        try:
            self._popen = _spawn(spec, theirs.fileno())
        except OSError:
            self._socket.close()
            raise
        finally:
            theirs.close()
        self.send(Begin(snapshot))

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._popen.pid

    def fileno(self) -> int:
        """The control channel's descriptor, to wait on."""
        return self._socket.fileno()

    @property
    def needs_a_look(self) -> bool:
        """Whether something is due that no event tells of: the rest of a message, the end of one that hung up."""
        return bool(self._outgoing) or self.hung_up_at is not None

    def send(self, message: ToChild) -> None:
        """Send without waiting; what a busy child does not take now goes with ``flush``."""
        self._outgoing += encode_message(message)
        self.flush()

    def flush(self) -> None:
        """Send what is left, as far as it goes; a child that is gone gets nothing more."""
        try:
            while self._outgoing:
                del self._outgoing[: self._socket.send(self._outgoing)]
        except BlockingIOError:
            return
        except OSError:
            self._outgoing.clear()

    def receive(self) -> Iterator[FromChild]:
        """What the child has said since the last look.

        Raises:
            EOFError: After the last message: the child's end is closed.
            ControlError: It said what no child of ours says.
        """
        while True:
            try:
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                raise EOFError
            self._reader.feed(data)
            while (message := self._reader.next_message()) is not None:
                yield message

    def poll(self) -> int | None:
        """The exit status (negative: the signal that killed it); None while it runs."""
        return self._popen.poll()

    def kill(self) -> None:
        """SIGKILL."""
        self._popen.kill()

    def close(self) -> None:
        """Wait for a process that has ended or was killed, and let go of its channel."""
        self._popen.wait()
        self._socket.close()


def _spawn(spec: Spec, control_fd: int) -> "subprocess.Popen[bytes]":
    numbers = {"control-fd": control_fd, "scoreboard-fd": spec.scoreboard_fd, "slot": spec.slot}
    if spec.listener is not None:
        numbers["listen-fd"] = spec.listener.fileno()
    arguments = [text for name, number in numbers.items() for text in (f"--{name}", str(number))]
    inherited = {number for name, number in numbers.items() if name != "slot"}
    # A Ctrl-C goes to the whole group: held back here, it waits until the child has begun to ignore it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, GROUP_SIGNALS)
    try:
        return subprocess.Popen(  # noqa: S603 - a command of ours
            [*spec.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=None if spec.role == "recorder" else _stderr(),  # stdout carries records only
            pass_fds=tuple(inherited),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stderr() -> int:
    with contextlib.suppress(OSError):
        os.fstat(2)
        return 2
    return subprocess.DEVNULL


def describe_exit(status: int) -> str:
    """``was killed by SIGKILL``, ``ended with status 1``."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
