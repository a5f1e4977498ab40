import os

import pytest

from open_llm_proxy.recorder.outbox import Outbox
from open_llm_proxy.spool.segment import SegmentName
from open_llm_proxy.store.layout import Chunk, unreadable_key

DIRECTORY = "0123456789abcdef"
DAY = "2026-11-25"


def key(first, last, end=None, time="09-00-00", directory=DIRECTORY, day=DAY):
    return Chunk(day, time, "host", 7, directory, first, last, end).key


@pytest.fixture
def spool(tmp_path):
    (tmp_path / "frames" / DIRECTORY).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def add(spool):
    def run(outbox, name, content=b'{"timestamp":"2026-11-25T08:59:59.500000Z","type":"request"}\n', oldest_ns=5):
        part = spool / "part"
        part.write_bytes(content)
        outbox.add(name, part, oldest_ns)

    return run


def segment(spool, number, day=DAY):
    path = spool / "frames" / DIRECTORY / str(SegmentName(number, day, "09-00-00"))
    path.touch()
    return path


def test_what_comes_in_is_there_for_the_next_process(spool, add):
    outbox = Outbox(spool)
    assert outbox.totals() == (0, 0, 0)
    add(outbox, key(1, 2), oldest_ns=123)
    assert (outbox.added, outbox.size) == (1, 61)
    assert outbox.totals() == (1, 61, 123)
    again = Outbox(spool)
    assert again.totals() == (1, 61, 1_795_597_199_500_000_000)  # read from the first record
    assert again.next_ready().key == key(1, 2)


def test_a_file_is_ready_only_once_its_segments_are_deleted(spool, add):
    outbox = Outbox(spool)
    paths = [segment(spool, number) for number in (1, 2, 3)]
    add(outbox, key(1, 2))
    assert outbox.next_ready() is None
    paths[0].unlink()
    assert outbox.next_ready() is None
    paths[1].unlink()
    assert outbox.next_ready() is not None


def test_another_days_segment_within_the_numbers_holds_nothing_up(spool, add):
    outbox = Outbox(spool)
    segment(spool, 2, "2026-11-26")
    add(outbox, key(1, 3))
    assert outbox.next_ready() is not None


def test_files_come_in_order_and_others_can_be_skipped(spool, add):
    outbox = Outbox(spool)
    names = [key(1, 1), key(2, 2, time="09-05-00"), key(3, 3, time="09-10-00")]
    for name in names:
        add(outbox, name)
    for ordered in (outbox, Outbox(spool)):
        assert ordered.next_ready().key == names[0]
        assert ordered.next_ready({names[0]}).key == names[1]
        assert ordered.next_ready(set(names)) is None


def test_a_confirmed_file_goes_and_its_folder_too(spool, add):
    outbox = Outbox(spool)
    add(outbox, key(1, 1))
    add(outbox, unreadable_key(DAY, DIRECTORY, 1, 70))
    outbox.remove(outbox.next_ready())
    assert outbox.next_ready().key.startswith("unreadable/")
    outbox.remove(outbox.next_ready())
    assert outbox.next_ready() is None
    assert outbox.totals() == (0, 0, 0)
    assert [path for path in (spool / "outbox").rglob("*") if path.is_file()] == []
    assert not (spool / "outbox" / DAY).exists()


def test_which_segments_are_done(spool, add):
    outbox = Outbox(spool)
    add(outbox, key(2, 4))
    add(outbox, key(4, 5, end=700))
    add(outbox, key(5, 5, end=900))
    for covered in (outbox.covered, Outbox(spool).covered):
        assert [covered(DIRECTORY, SegmentName(number, DAY, None)) for number in range(1, 7)] == [
            0,
            None,
            None,
            None,
            900,
            0,
        ]
        assert covered(DIRECTORY, SegmentName(3, "2026-11-26", None)) == 0
        assert covered("f" * 16, SegmentName(3, DAY, None)) == 0


def test_the_same_file_again_counts_once(spool, add):
    outbox = Outbox(spool)
    add(outbox, "unreadable/x.txt", b"12345")
    add(outbox, "unreadable/x.txt", b"123")
    assert outbox.totals()[:2] == (1, 3)


def test_a_strange_file_is_shipped_as_it_is(spool):
    (spool / "outbox").mkdir()
    (spool / "outbox" / "by-hand.txt").write_bytes(b"?")
    outbox = Outbox(spool)
    assert outbox.next_ready().oldest_ns == 0


def test_a_directory_is_listed_once_for_all_its_files(spool, add, monkeypatch):
    outbox = Outbox(spool)
    segment(spool, 1), segment(spool, 2)
    for number in (1, 2, 3):
        add(outbox, key(number, number))
    listed = []
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: (listed.append(path), real(path))[1])
    assert outbox.next_ready().key == key(3, 3)
    assert listed == [spool / "frames" / DIRECTORY]
