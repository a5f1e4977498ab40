from datetime import UTC, datetime

import pytest
from tests.logs.archive import Archive

from open_llm_proxy.logs.call_filter import CallFilter
from open_llm_proxy.logs.chunk_feed import ChunkFeed
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.tail import Tail
from open_llm_proxy.logs.tier_feed import TierFeed

NOW = datetime(2026, 4, 9, 12, tzinfo=UTC)


class Place(Folder):
    def __init__(self, folder):
        super().__init__(folder)
        self.asked = 0

    def list(self, prefix="", *, after=""):
        self.asked += 1
        return super().list(prefix, after=after)


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "logs")


def numbers(calls):
    return [int(call.request_id, 16) for call in calls]


@pytest.mark.parametrize("tier", ["daily", "monthly"])
def test_the_last_calls_of_a_condensed_day(place, tmp_path, tool_loop, tier):
    archive = Archive(place, tmp_path / "made")
    if tier == "daily":
        archive.daily(tool_loop.records, "2026-04-07")
    else:
        archive.monthly(tool_loop.records, "2026-04")
    feeds = [ChunkFeed(place, now=lambda: NOW), TierFeed(place, "2026-04-02", now=lambda: NOW)]
    found = Tail(feeds, CallFilter())
    assert numbers(found.recent(2)) == [2, 3]
    assert found.poll() == []


def test_nothing_is_asked_before_it_is_wanted(place):
    batches = list(TierFeed(place, "2026-04-07", now=lambda: NOW).history())
    assert [batch.time for batch in (batches[0], batches[-1])] == ["2026-04-08/23-59-59", "2026-04-07/00-59-59"]
    assert place.asked == 0
    assert [batch.load() for batch in batches] == [[]] * 48
    assert place.asked == 2
