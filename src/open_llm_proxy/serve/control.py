"""The control channel: length-prefixed msgpack messages over a Unix socket pair, one pair a child.

Down go ``Begin`` (once, first), ``Reload``, ``Drain`` and ``Stop``; up come ``Ready`` or ``Refused``. Either side's
death is the channel's end. This module imports no event loop: the supervisor has none, and a child brings its own.
"""

import socket
import struct
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.errors import OpenLlmProxyError

LENGTH: Final = struct.Struct("<I")
MAX_MESSAGE_BYTES: Final = 1 << 26
READ_BYTES: Final = 1 << 16


class ControlError(OpenLlmProxyError):
    """The control channel ended early, or holds what no version of ours sends."""


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """The first message: what to serve with."""

    snapshot: Snapshot


class Reload(msgspec.Struct, frozen=True, tag="reload"):
    """A newly accepted configuration."""

    snapshot: Snapshot


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Accept no more, finish what is in flight within ``deadline_s`` seconds from now, end."""

    deadline_s: float


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Finish (the recorder: flush) and end."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The child does its work from now on."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The child cannot start for a reason that a person can mend: a ``UserError``, on its way to the command line."""

    message: str
    remedy: str = ""
    exit_code: int = 2


ToChild = Begin | Reload | Drain | Stop
FromChild = Ready | Refused
Message = TypeVar("Message")


class MessageReader(Generic[Message]):
    """Bytes in, messages out; knows no socket."""

    def __init__(self, decode: Callable[[bytes], Message]) -> None:
        self._decode = decode
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        self._buffer += data

    def next_message(self) -> Message | None:
        """The next whole message, or None.

        Raises:
            ControlError: The bytes are no message.
        """
        if len(self._buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self._buffer)
        if length > MAX_MESSAGE_BYTES:
            raise ControlError(f"a control message of {length} bytes")
        end = LENGTH.size + length
        if len(self._buffer) < end:
            return None
        packed = bytes(self._buffer[LENGTH.size : end])
        del self._buffer[:end]
        try:
            return self._decode(packed)
        except msgspec.DecodeError as error:
            raise ControlError(f"a control message that is not readable: {error}") from error


def encode_message(message: ToChild | FromChild) -> bytes:
    """A message as it goes over the channel."""
    packed = msgspec.msgpack.encode(message)
    return LENGTH.pack(len(packed)) + packed


def reader_of_child() -> MessageReader[ToChild]:
    """A reader of what the supervisor sends."""
    return MessageReader(msgspec.msgpack.Decoder(ToChild).decode)


def reader_of_supervisor() -> MessageReader[FromChild]:
    """A reader of what children send."""
    return MessageReader(msgspec.msgpack.Decoder(FromChild).decode)


class ControlHandlers(Protocol):
    """What a child does on each message."""

    def on_reload(self, snapshot: Snapshot) -> None:
        """Use this configuration for calls from now on."""
        ...

    def on_drain(self, deadline_s: float) -> None:
        """Accept no more, finish within ``deadline_s`` seconds, end the process."""
        ...

    def on_stop(self) -> None:
        """Finish and end the process."""
        ...

    def on_parent_gone(self) -> None:
        """The supervisor is dead: end at once (``inheritance.end_at_once``), hold no port."""
        ...


class ReaderLoop(Protocol):
    """The two methods of an event loop (asyncio's, uvloop's) that are used here."""

    def add_reader(self, fd: int, callback: Callable[[], None], /) -> None:
        """Call back whenever ``fd`` is readable."""
        ...

    def remove_reader(self, fd: int, /) -> object:
        """Stop calling back."""
        ...


class ControlChannel:
    """The child's end.

    Use: ``receive_snapshot()`` first, which blocks; then ``watch(loop, handlers)``; then ``send(Ready())``. A child
    without an event loop calls ``listen(handlers)`` in a thread of its own instead of ``watch``.
    """

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(True)
        self._reader = reader_of_child()
        self._detach: Callable[[], object] | None = None

    def receive_snapshot(self) -> Snapshot:
        """Block for ``Begin``.

        Raises:
            ControlError: The supervisor is gone, or began with another message.
        """
        while (message := self._reader.next_message()) is None:
            data = self._receive(0)
            if not data:
                raise ControlError("the supervisor is gone")
            self._reader.feed(data)
        if not isinstance(message, Begin):
            raise ControlError(f"the supervisor began with {type(message).__name__}")
        return message.snapshot

    def send(self, message: FromChild) -> None:
        """Tell the supervisor; a supervisor that is gone is noticed by ``watch``, not here."""
        try:
            self._socket.sendall(encode_message(message))
        except OSError as error:
            if not isinstance(error, (BrokenPipeError, ConnectionError)):
                raise

    def watch(self, loop: ReaderLoop, handlers: ControlHandlers) -> None:
        """Call ``handlers`` from ``loop`` on each message from now on (one that came with ``Begin`` at once)."""
        fd = self._socket.fileno()
        self._detach = lambda: loop.remove_reader(fd)
        loop.add_reader(fd, lambda: self._on_readable(handlers))
        self._dispatch(handlers)

    def listen(self, handlers: ControlHandlers) -> None:
        """Call ``handlers`` from this thread on each message, until the channel ends."""
        self._dispatch(handlers)
        while data := self._receive(0):
            self._reader.feed(data)
            self._dispatch(handlers)
        handlers.on_parent_gone()

    def close(self) -> None:
        """Stop watching and close this end."""
        if self._detach is not None:
            self._detach()
            self._detach = None
        self._socket.close()

    def _on_readable(self, handlers: ControlHandlers) -> None:
        try:
            data = self._receive(socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        if data:
            self._reader.feed(data)
            self._dispatch(handlers)
        else:
            self.close()
            handlers.on_parent_gone()

    def _receive(self, flags: int) -> bytes:
        try:
            return self._socket.recv(READ_BYTES, flags)
        except ConnectionError:
            return b""  # reset: the supervisor died with messages of ours unread

    def _dispatch(self, handlers: ControlHandlers) -> None:
        while (message := self._reader.next_message()) is not None:
            if isinstance(message, Reload):
                handlers.on_reload(message.snapshot)
            elif isinstance(message, Drain):
                handlers.on_drain(message.deadline_s)
            elif isinstance(message, Stop):
                handlers.on_stop()
