import fcntl
import os
import threading

import pytest

from open_llm_proxy.recorder.sinks import stdout
from open_llm_proxy.recorder.sinks.stdout import StdoutSink


class Pipe:
    def __init__(self):
        self.reader, self.writer = os.pipe()
        self.said = []
        self.sink = StdoutSink(self.writer, self.said.append)
        self.reading = True

    def close_reader(self):
        if self.reading:
            self.reading = False
            os.close(self.reader)

    def read(self):
        """What comes until the writing end is closed."""
        found = b""
        while data := os.read(self.reader, 1 << 20):
            found += data
        return found

    def end(self):
        self.sink.close(5)
        os.close(self.writer)
        return self.read()


@pytest.fixture
def pipe():
    made = Pipe()
    yield made
    made.close_reader()
    made.sink.close(5)


def test_lines_come_out_in_order(pipe):
    pipe.sink.write([b"one", b"two"])
    pipe.sink.write([])
    pipe.sink.write([b"three"])
    assert pipe.end() == b"one\ntwo\nthree\n"


def test_half_a_line_of_a_killed_process_does_not_spoil_the_next_one():
    reader, writer = os.pipe()
    os.write(writer, b'{"half":')
    noted = []
    sink = StdoutSink(writer, noted.append, note_writing=noted.append, line_torn=True)
    sink.write([b"one"])
    assert sink.wait(5)
    sink.write([b"two"])
    sink.close(5)
    os.close(writer)
    assert os.read(reader, 100) == b'{"half":\none\ntwo\n'
    os.close(reader)
    assert noted == [True, False, True, False]


def test_wait_tells_when_all_is_written(pipe):
    assert pipe.sink.wait(0)
    pipe.sink.write([b"x"])
    assert pipe.sink.wait(5)
    assert os.read(pipe.reader, 10) == b"x\n"


def test_a_reader_who_stops_costs_lines_and_no_time(pipe, monkeypatch):
    monkeypatch.setattr(stdout, "QUEUE_BYTES", 300_000)
    line = b"x" * 9_999
    for _ in range(100):
        pipe.sink.write([line])
    assert not pipe.sink.wait(0)
    assert pipe.sink.dropped > 50
    pipe.sink.say_dropped()
    pipe.sink.say_dropped()
    assert pipe.said == [
        f"stdout is not read: {pipe.sink.dropped} lines were left out there ({pipe.sink.dropped} since the start)"
    ]
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read()))
    reader.start()
    pipe.sink.close(5)
    os.close(pipe.writer)
    reader.join()
    lines = found[0].split(b"\n")
    assert lines.pop() == b""
    assert set(lines) == {line}
    assert len(lines) == 100 - pipe.sink.dropped


def test_one_line_longer_than_the_queue_is_taken(pipe, monkeypatch):
    monkeypatch.setattr(stdout, "QUEUE_BYTES", 10)
    pipe.sink.write([b"x" * 1000])
    assert pipe.end() == b"x" * 1000 + b"\n"


def test_a_closed_stdout_drops_lines_and_holds_nobody_up(pipe):
    pipe.close_reader()
    pipe.sink.write([b"one", b"more"])
    assert pipe.sink.wait(5)
    pipe.sink.write([b"two", b"three"])
    assert pipe.sink.wait(0)
    assert pipe.sink.dropped == 4
    pipe.sink.say_dropped()
    assert pipe.said == ["stdout is closed: 4 lines were left out there (4 since the start)"]
    os.close(pipe.writer)


def test_a_non_blocking_stdout_gets_whole_lines(pipe):
    flags = fcntl.fcntl(pipe.writer, fcntl.F_GETFL)
    fcntl.fcntl(pipe.writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    lines = [b"%d" % number + b"y" * 50_000 for number in range(20)]
    for line in lines:
        pipe.sink.write([line])
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read()))
    reader.start()
    pipe.sink.close(10)
    os.close(pipe.writer)
    reader.join()
    assert found[0] == b"\n".join(lines) + b"\n"
