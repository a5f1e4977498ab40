"""A child as the supervisor sees it: the process of one slot, its control channel, and when to start its successor."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.serve.control import (
    READ_BYTES,
    Begin,
    FromChild,
    ToChild,
    encode_message,
    reader_of_supervisor,
)

Role = Literal["worker", "recorder", "demo"]

LIVED_S: Final = 5.0
"""A child that lived this long died of something new: its successor starts at once."""
FIRST_DELAY_S: Final = 0.1
MOST_DELAY_S: Final = 1.0
_HELD: Final = frozenset((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))


class Spec(NamedTuple):
    """What to start for a slot, again and again.

    ``command`` gets the descriptors' numbers appended. ``kept_fds`` are inherited beside those of the arguments.
    """

    role: Role
    slot: int
    command: tuple[str, ...]
    scoreboard_fd: int
    listener: socket.socket | None = None
    kept_fds: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The child in our lines on stderr."""
        return f"worker {self.slot}" if self.role == "worker" else self.role


def command_of(role: Role) -> tuple[str, ...]:
    """How a child of ours starts. ``-P``: what lies in the current folder is not imported."""
    return (sys.executable, "-P", "-m", f"open_llm_proxy.serve.{role}")


class Backoff:
    """How long to wait before the next start: not at all, then ever longer while children die at once."""

    def __init__(self) -> None:
        self.deaths = 0

    def next_delay_s(self, lived_s: float) -> float:
        """The delay after a child that lived ``lived_s`` seconds."""
        self.deaths = 1 if lived_s >= LIVED_S else self.deaths + 1
        return 0.0 if self.deaths == 1 else min(MOST_DELAY_S, FIRST_DELAY_S * 2 ** (self.deaths - 2))


class Process:
    """One running process of a slot. ``ready`` is the supervisor's note that it said so.

    Raises:
        OSError: The machine has no process or descriptor left.
    """

    def __init__(self, spec: Spec, snapshot: Snapshot) -> None:
        self.ready = False
        self.started_at = time.monotonic()
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
    def wants_write(self) -> bool:
        """Whether something is left to send: a child that is busy has not read it yet."""
        return bool(self._outgoing)

    def send(self, message: ToChild) -> None:
        """Send without waiting; what does not go now goes with ``flush``."""
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
        """Let go of the channel of a process that has ended, or kill it: ends, and is waited for, either way."""
        if self._popen.poll() is None:
            self._popen.kill()
        self._popen.wait()
        self._socket.close()


def _spawn(spec: Spec, control_fd: int) -> "subprocess.Popen[bytes]":
    numbers = {"control-fd": control_fd, "scoreboard-fd": spec.scoreboard_fd, "slot": spec.slot}
    if spec.listener is not None:
        numbers["listen-fd"] = spec.listener.fileno()
    arguments = [text for name, number in numbers.items() for text in (f"--{name}", str(number))]
    inherited = {number for name, number in numbers.items() if name != "slot"} | set(spec.kept_fds)
    # A Ctrl-C goes to the whole group: held back here, it waits until the child has begun to ignore it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        return subprocess.Popen(
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


def close_all(processes: Sequence[Process]) -> None:
    """Kill all that still run, then wait for each."""
    for process in processes:
        if process.poll() is None:
            process.kill()
    for process in processes:
        process.close()
