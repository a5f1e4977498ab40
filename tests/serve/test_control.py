import socket
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.config.schema import Config, Provider, ThinkingForm
from open_llm_proxy.config.snapshot import ClientKey, Snapshot
from open_llm_proxy.serve.control import (
    LENGTH,
    MAX_MESSAGE_BYTES,
    Begin,
    ControlChannel,
    ControlError,
    Drain,
    Ready,
    Refused,
    Reload,
    Stop,
    encode_message,
    reader_of_child,
    reader_of_supervisor,
)

PROVIDER = Provider(
    endpoint="https://a.example/v1/chat/completions",
    models=("a",),
    model_prefixes=(),
    thinking_models={"a": "thinking", "b": ThinkingForm(on={"reasoning": {"enabled": True}})},
)
SNAPSHOT = Snapshot(
    config=Config(providers={"main": PROVIDER}, default_provider=None),
    config_sha256="00",
    client_keys=(ClientKey("default", "k"),),
    provider_keys={"main": "p"},
    demo=True,
)
UNSET_DEFAULT = msgspec.structs.replace(SNAPSHOT, config=Config(providers={"main": PROVIDER}))
DOWN = [Begin(SNAPSHOT), Reload(UNSET_DEFAULT), Drain(1260.5), Stop()]
UP = [Ready(), Refused("it is full", "Empty it", 7)]


class Loop:
    """As much of an event loop as the channel uses; the test makes it turn."""

    def __init__(self) -> None:
        self.readers = {}

    def add_reader(self, fd, callback):
        self.readers[fd] = callback

    def remove_reader(self, fd):
        del self.readers[fd]

    def turn(self):
        for callback in list(self.readers.values()):
            callback()


class Handlers:
    def __init__(self) -> None:
        self.seen = []

    def on_reload(self, snapshot):
        self.seen.append(snapshot)

    def on_drain(self, deadline_s):
        self.seen.append(deadline_s)

    def on_stop(self):
        self.seen.append("stop")

    def on_parent_gone(self):
        self.seen.append("gone")


@pytest.fixture
def parent():
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    yield _Parent(ours, theirs)
    ours.close()


class _Parent:
    def __init__(self, ours, theirs) -> None:
        self.socket = ours
        self.channel = ControlChannel(theirs.detach())

    def send(self, *messages) -> None:
        self.socket.sendall(b"".join(map(encode_message, messages)))


def read_in(reader, data, cuts):
    messages = []
    start = 0
    for end in [*sorted(cuts), len(data)]:
        reader.feed(data[start:end])
        start = end
        while (message := reader.next_message()) is not None:
            messages.append(message)
    return messages


@given(st.lists(st.integers(0, 600), max_size=8))
def test_messages_arrive_whole_however_they_are_cut(cuts):
    for reader, sent in ((reader_of_child(), DOWN), (reader_of_supervisor(), UP)):
        data = b"".join(map(encode_message, sent))
        assert read_in(reader, data, [cut for cut in cuts if cut < len(data)]) == sent


@pytest.mark.parametrize(
    "data",
    [LENGTH.pack(MAX_MESSAGE_BYTES + 1), LENGTH.pack(2) + b"\xc1\xc1", encode_message(Drain(1))[:4] + b"\x90" * 99],
    ids=["too long", "no msgpack", "no message"],
)
def test_what_is_no_message_is_an_error(data):
    reader = reader_of_child()
    reader.feed(data)
    with pytest.raises(ControlError):
        reader.next_message()


def test_the_snapshot_comes_first(parent):
    parent.send(Begin(SNAPSHOT))
    assert parent.channel.receive_snapshot() == SNAPSHOT
    parent.channel.close()


def test_a_first_message_that_is_no_snapshot_is_an_error(parent):
    parent.send(Stop())
    with pytest.raises(ControlError, match="began with Stop"):
        parent.channel.receive_snapshot()
    parent.channel.close()


def test_a_supervisor_that_dies_before_the_snapshot_is_an_error(parent):
    parent.socket.close()
    with pytest.raises(ControlError, match="gone"):
        parent.channel.receive_snapshot()
    parent.channel.close()


def test_watch_hands_out_what_came_with_the_snapshot_then_what_comes(parent):
    loop, handlers = Loop(), Handlers()
    parent.send(Begin(SNAPSHOT), Drain(5))
    parent.channel.receive_snapshot()
    parent.channel.watch(loop, handlers)
    assert handlers.seen == [5]
    parent.send(Reload(UNSET_DEFAULT), Stop())
    loop.turn()
    assert handlers.seen == [5, UNSET_DEFAULT, "stop"]
    loop.turn()  # nothing came: nothing happens
    assert len(handlers.seen) == 3
    parent.channel.close()
    assert loop.readers == {}


def test_watch_tells_of_the_supervisors_end_once(parent):
    loop, handlers = Loop(), Handlers()
    parent.channel.watch(loop, handlers)
    parent.send(Stop())
    parent.socket.close()
    loop.turn()
    loop.turn()
    assert handlers.seen == ["stop", "gone"]
    assert loop.readers == {}


def test_a_supervisor_that_dies_with_messages_unread_is_gone_too(parent):
    loop, handlers = Loop(), Handlers()
    parent.channel.watch(loop, handlers)
    parent.channel.send(Ready())
    parent.socket.close()  # now its end is reset, not closed
    loop.turn()
    assert handlers.seen == ["gone"]


def test_listen_blocks_until_the_end(parent):
    handlers = Handlers()
    thread = threading.Thread(target=parent.channel.listen, args=(handlers,))
    thread.start()
    parent.send(Drain(1), Stop())
    parent.socket.close()
    thread.join(10)
    assert handlers.seen == [1, "stop", "gone"]
    parent.channel.close()


def test_sending_reaches_the_supervisor_or_nobody(parent):
    reader = reader_of_supervisor()
    for message in UP:
        parent.channel.send(message)
    assert read_in(reader, parent.socket.recv(4096), []) == UP
    parent.socket.close()
    parent.channel.send(Ready())
    parent.channel.close()
