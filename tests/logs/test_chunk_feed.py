from datetime import UTC, datetime, timedelta

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs import chunk_feed
from open_llm_proxy.logs.chunk_feed import ChunkFeed
from open_llm_proxy.logs.folder import Folder

NOON = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)


class Place(Folder):
    """A folder that remembers what it was asked, and can be out of reach."""

    def __init__(self, folder):
        super().__init__(folder)
        self.asked = []
        self.down = False
        self.number = 0

    def list(self, prefix="", *, after=""):
        self.asked.append((prefix, after))
        if self.down:
            raise UserError("down")
        return super().list(prefix, after=after)

    def put(self, time, day="2026-11-25"):
        self.number += 1
        self.write(f"{day}/{time}-host-1-00ff.{self.number}.{self.number}.jsonl", b'{"n":%d}\n' % self.number)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "logs")


@pytest.fixture
def feed(place):
    return ChunkFeed(place, now=lambda: NOON)


def numbers(records):
    return [record["n"] for record in records]


def test_newest_first_back_to_the_oldest_day(place):
    for day, time in (
        ("2026-11-25", "08-00-00"),
        ("2026-11-25", "12-00-00"),
        ("2026-11-20", "01-00-00"),
        ("2026-11-01", "01-00-00"),
    ):
        place.put(time, day)
    place.write("2026-11-25/notes.txt", b"")
    place.write("consolidated/daily/2026-11-19.parquet", b"")
    feed = ChunkFeed(place, oldest="2026-11-18", now=lambda: NOON)
    batches = list(feed.history())
    assert [batch.time for batch in batches] == ["2026-11-25/12-00-00", "2026-11-25/08-00-00", "2026-11-20/01-00-00"]
    assert [numbers(batch.load()) for batch in batches] == [[2], [1], [3]]


def test_older_days_are_listed_only_when_they_are_reached(place, feed):
    place.put("12-00-00")
    place.put("12-00-00", "2026-11-01")
    assert next(feed.history()).time == "2026-11-25/12-00-00"
    assert place.asked == [("2026-11-25/", "")]


def test_each_file_is_given_once(place, feed):
    place.put("12-00-00")
    list(feed.history())
    assert numbers(feed.poll()) == []
    place.put("12-10-00")
    assert numbers(feed.poll()) == [2]
    assert numbers(feed.poll()) == []


def test_a_listing_begins_a_little_before_what_is_known(place, feed):
    place.put("12-00-00")
    list(feed.history())
    place.put("11-50-00")  # was shipped late
    assert numbers(feed.poll()) == [2]
    assert place.asked[-1] == ("2026-11-25/", "2026-11-25/11-40-00")


def test_now_and_then_all_of_the_day_is_listed(place, feed, monkeypatch):
    place.put("12-00-00")
    list(feed.history())
    place.put("03-00-00")  # the store was down for hours
    assert numbers(feed.poll()) == []
    monkeypatch.setattr(chunk_feed, "WHOLE_S", 0.0)
    assert numbers(feed.poll()) == [2]
    assert place.asked[-1] == ("2026-11-25/", "")


def test_after_midnight_yesterday_counts_too(place):
    feed = ChunkFeed(place, now=lambda: NOON + timedelta(hours=12))
    list(feed.history())
    place.put("23-59-00")
    place.put("00-10-00", "2026-11-26")
    assert numbers(feed.poll()) == [1, 2]


def test_an_outbox_is_looked_at_as_a_whole(place):
    feed = ChunkFeed(place, every_day=True, now=lambda: NOON)
    place.put("12-00-00", "2026-11-02")
    assert numbers(feed.poll()) == [1]
    assert numbers(feed.poll()) == []


def test_a_place_is_asked_no_more_often_than_said(place):
    feed = ChunkFeed(place, interval_s=3600, now=lambda: NOON)
    list(feed.poll())
    asked = len(place.asked)
    list(feed.poll())
    assert len(place.asked) == asked


def test_a_place_that_cannot_be_reached_is_said_once_and_nothing_is_lost(place):
    said = []
    feed = ChunkFeed(place, say=said.append, now=lambda: NOON)
    place.put("12-00-00")
    place.down = True
    assert numbers(feed.poll()) == numbers(feed.poll()) == []
    place.down = False
    assert numbers(feed.poll()) == [1]
    assert said == ["down", f"{place.url} can be read again"]


def test_a_file_that_cannot_be_read_now_is_read_later(place, monkeypatch):
    feed = ChunkFeed(place, now=lambda: NOON)
    place.put("12-00-00")
    place.put("12-05-00")
    read = place.read

    def fail(key):
        if "12-05" in key:
            raise UserError("down")
        return read(key)

    monkeypatch.setattr(place, "read", fail)
    assert numbers(feed.poll()) == [1]
    monkeypatch.setattr(place, "read", read)
    assert numbers(feed.poll()) == [2]


def test_a_file_that_is_gone_meanwhile_has_nothing(place, feed):
    place.put("12-00-00")
    [batch] = feed.history()
    place.delete([file.key for file in place.list()])
    assert batch.load() == []


def test_odd_names_are_no_trouble(place, feed):
    place.write("2026-11-25/records.jsonl", b'{"n":7}\n')
    list(feed.history())
    place.put("12-00-00")
    assert numbers(feed.poll()) == [1]


def test_a_bucket(bucket):
    name = "2026-11-25/12-{:02}-00-host-1-00ff.{}.{}.jsonl"
    bucket.write(name.format(0, 1, 1), b'{"n":1}\n')
    feed = ChunkFeed(bucket, now=lambda: NOON)
    assert [numbers(batch.load()) for batch in feed.history()] == [[1]]
    bucket.write(name.format(5, 2, 2), b'{"n":2}\n')
    assert numbers(feed.poll()) == [2]
    assert numbers(feed.poll()) == []
