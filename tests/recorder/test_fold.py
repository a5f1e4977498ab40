import errno
import json

import pytest

from open_llm_proxy.recorder.fold import Fold, Segment
from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.spool.segment import SegmentHeader, SegmentName
from open_llm_proxy.store.layout import parse_chunk

DIRECTORY = "0123456789abcdef"
DAY = "2026-11-25"


class Bench:
    """A fold over a directory whose segments are files with nothing in them."""

    def __init__(self, spool, chunk_bytes=1000, *, keep=True):
        self.spool = spool
        self.frames = spool / "frames" / DIRECTORY
        self.frames.mkdir(parents=True)
        self.outbox = Outbox(spool)
        self.fold = Fold(spool / "parts", DIRECTORY, DAY, chunk_bytes, keep=keep)

    def segment(self, number, closed="09-00-00", opened_ns=0):
        name = SegmentName(number, DAY, closed)
        path = self.frames / str(name)
        path.touch()
        header = SegmentHeader("host", 100 + number, 1, "9", 0, opened_ns, DIRECTORY, number)
        return Segment(name, path, header)

    def feed(self, number, *lines, place=0, **more):
        """A whole segment whose frames end at bytes 10, 20, …"""
        segment = self.segment(number, **more)
        self.fold.begin(number, place)
        for index, line in enumerate(lines):
            self.fold.add([line], (index + 1) * 10, 50)
        self.fold.end(segment)

    def files(self):
        found = sorted((self.spool / "outbox").rglob("*.jsonl"))
        return {str(path.relative_to(self.spool / "outbox")): path.read_bytes() for path in found}


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.fold.discard()


def test_a_run_of_segments_becomes_one_file_named_by_the_first(bench):
    bench.feed(3, b"a", b"b", closed="09-00-00")
    bench.feed(4, b"c", closed="09-05-00")
    assert bench.fold.size == 6
    bench.fold.finish(bench.outbox)
    assert bench.files() == {f"{DAY}/09-00-00-host-103-{DIRECTORY}.3.4.jsonl": b"a\nb\nc\n"}
    assert list(bench.frames.iterdir()) == []
    assert list((bench.spool / "parts").iterdir()) == []


def test_segments_without_records_are_deleted_and_make_no_file(bench):
    bench.feed(1)
    bench.fold.finish(bench.outbox)
    assert bench.files() == {}
    assert list(bench.frames.iterdir()) == []


def test_the_name_covers_empty_segments_at_either_end(bench):
    bench.feed(1)
    bench.feed(2, b"a")
    bench.feed(3)
    bench.fold.finish(bench.outbox)
    (key,) = bench.files()
    assert parse_chunk(key)[5:] == (1, 3, None)


def test_the_lines_of_one_frame_stay_together_and_no_file_passes_the_limit(bench):
    bench.segment(1)
    bench.fold.begin(1, 0)
    for index in range(9):
        bench.fold.add([b"x" * 199, b"y" * 99], index * 10 + 10, 50)
    bench.fold.end(bench.segment(1))
    bench.fold.finish(bench.outbox)
    files = bench.files()
    assert [parse_chunk(key)[5:] for key in files] == [(1, 1, 30), (1, 1, 60), (1, 1, None)]
    assert all(len(data) == 900 for data in files.values())
    assert all(data.splitlines()[0].startswith(b"x") for data in files.values())


def test_a_cut_between_segments_is_told_by_their_numbers(bench):
    bench.feed(1, b"x" * 500)
    bench.feed(2, b"y" * 600)
    bench.feed(3, b"z" * 600)
    bench.fold.finish(bench.outbox)
    assert [parse_chunk(key)[5:] for key in bench.files()] == [(1, 1, None), (2, 2, None), (3, 3, None)]


def test_a_cut_in_the_second_segment(bench):
    bench.feed(1, b"x" * 500)
    bench.feed(2, b"y" * 400, b"z" * 400)
    bench.fold.finish(bench.outbox)
    assert [parse_chunk(key)[5:] for key in bench.files()] == [(1, 2, 10), (2, 2, None)]


@pytest.mark.parametrize("stop_after", [0, 1, 2, 3])
def test_wherever_it_stops_each_line_is_covered_once(tmp_path, monkeypatch, stop_after):
    """The parts come in one by one; a crash between two of them leaves the rest of the segment to be read again."""
    bench = Bench(tmp_path, chunk_bytes=100)
    lines = [b"%02d" % number + b"-" * 40 for number in range(8)]
    bench.feed(1, *lines[:5])
    bench.feed(2, *lines[5:])
    real, count = Outbox.add, [0]

    def add(self, *arguments):
        count[0] += 1
        if count[0] > stop_after:
            raise OSError(errno.EIO, "killed here")
        real(self, *arguments)

    monkeypatch.setattr(Outbox, "add", add)
    with pytest.raises(OSError, match="killed"):
        bench.fold.finish(bench.outbox)
    bench.fold.discard()
    monkeypatch.undo()

    outbox = Outbox(tmp_path)
    fold = Fold(tmp_path / "parts", DIRECTORY, DAY, 100)
    for number, part in ((1, lines[:5]), (2, lines[5:])):
        name = SegmentName(number, DAY, "09-00-00")
        place = outbox.covered(DIRECTORY, name)
        if place is None:
            continue
        fold.begin(number, place)
        for index, line in enumerate(part):
            if index * 10 >= place:
                fold.add([line], (index + 1) * 10, 50)
        fold.end(bench.segment(number))
    fold.finish(outbox)
    found = b"".join(bench.files().values()).splitlines()
    assert sorted(found) == lines


def test_without_a_store_only_segments_go(tmp_path):
    bench = Bench(tmp_path, keep=False)
    bench.feed(1, b"a")
    assert bench.fold.size == 0
    bench.fold.finish(bench.outbox)
    assert bench.files() == {}
    assert list(bench.frames.iterdir()) == []
    assert not (tmp_path / "parts").exists()


def test_it_is_due_by_its_own_age_or_its_segments(bench):
    bench.fold.begin(1, 0)
    assert not bench.fold.is_due(0)  # half read
    bench.fold.end(bench.segment(1, opened_ns=2**62))
    assert not bench.fold.is_due(300)
    assert bench.fold.is_due(0)
    old = Bench(bench.spool / "old").fold
    old.begin(1, 0)
    old.end(bench.segment(1, opened_ns=10**9))
    assert old.is_due(300)


def test_oldest_is_the_oldest_of_all_lines(bench):
    assert bench.fold.oldest_ns == 0
    bench.fold.begin(1, 0)
    for at_ns in (70, 50, 90):
        bench.fold.add([json.dumps(at_ns).encode()], 10, at_ns)
    assert bench.fold.oldest_ns == 50


def test_discard_leaves_the_segments(bench):
    bench.feed(1, b"a")
    bench.fold.discard()
    assert list((bench.spool / "parts").iterdir()) == []
    assert len(list(bench.frames.iterdir())) == 1


def test_what_never_began_finishes_to_nothing(bench):
    bench.segment(1)
    bench.fold.finish(bench.outbox)
    assert bench.files() == {}
    assert len(list(bench.frames.iterdir())) == 1
