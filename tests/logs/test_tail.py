from datetime import UTC, datetime, timedelta

import pytest

from open_llm_proxy.logs import tail as module
from open_llm_proxy.logs.call_filter import CallFilter
from open_llm_proxy.logs.feed import Batch
from open_llm_proxy.logs.tail import Tail

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Source:
    """A feed by hand: ``files`` are there already, ``coming`` is what each poll gives."""

    def __init__(self, *files):
        self.files = sorted(files, key=lambda file: file[0], reverse=True)
        self.coming = []
        self.loaded = []

    def history(self):
        for minute, records in self.files:
            yield Batch(
                f"{NOON + timedelta(minutes=minute):%Y-%m-%d/%H-%M-%S}",
                lambda minute=minute, records=records: self.load(minute, records),
            )

    def load(self, minute, records):
        self.loaded.append(minute)
        return records

    def poll(self):
        coming, self.coming = self.coming, []
        return coming


def record(kind, number, minute=0, **more):
    at = NOON + timedelta(minutes=minute, seconds=number % 60)
    return {"type": kind, "request_id": f"{number:032x}", "timestamp": at.isoformat(), "model": "kimi", **more}


def call(number, minute=0, **more):
    return [record("request", number, minute), record("response", number, minute, **more)]


def tail_of(*feeds, **wanted):
    return Tail(feeds, CallFilter(**wanted))


def numbers(calls):
    return [int(one.request_id, 16) for one in calls]


def test_the_last_calls_oldest_first():
    found = tail_of(Source((0, [*call(2), *call(1)]), (1, call(3, 1))))
    assert numbers(found.recent(2)) == [2, 3]
    assert numbers(found.recent(0)) == []


def test_a_call_that_is_in_two_places_comes_once():
    both = Source((0, call(1)))
    found = tail_of(both, Source((0, call(1))))
    assert numbers(found.recent(9)) == [1]
    both.coming = call(1)
    assert found.poll() == []


def test_older_files_are_not_read_when_enough_is_found():
    source = Source((0, call(1)), (60, call(2, 60)), (61, call(3, 61)))
    assert numbers(tail_of(source).recent(1)) == [3]
    assert source.loaded == [61, 60]  # a file may hold what is younger than its name


def test_older_files_are_read_until_enough_is_wanted():
    source = Source((0, call(1, error="x")), (60, call(2, 60)), (120, call(3, 120)))
    assert numbers(tail_of(source, errors=True).recent(1)) == [1]


def test_records_of_a_call_may_be_in_two_files():
    source = Source((0, [record("request", 1)]), (1, [record("response", 1, 1)]))
    [found] = tail_of(source).recent(9)
    assert None not in (found.request, found.response)


def test_a_call_without_an_answer_is_shown_or_waited_for():
    source = Source((0, [record("request", 1)]))
    assert numbers(tail_of(source).recent(9)) == [1]
    found = tail_of(source)
    assert found.recent(9, unanswered=False) == []
    source.coming = [record("response", 1)]
    [answered] = found.poll()
    assert None not in (answered.request, answered.response)
    assert found.poll() == []


def test_what_moved_while_it_was_listed_is_found_in_the_next_place():
    spool, outbox = Source((0, [])), Source()
    outbox.coming = call(1)
    assert numbers(tail_of(spool, outbox).recent(9)) == [1]


def test_new_calls_come_in_the_order_of_their_answers():
    source = Source()
    found = tail_of(source)
    found.recent(5)
    source.coming = [*call(9), *call(8), {"type": "tools"}, {"type": "request"}]
    assert numbers(found.poll()) == [8, 9]


def test_filters_hold_for_new_calls():
    source = Source()
    found = tail_of(source, errors=True)
    source.coming = [*call(1), *call(2, error="x")]
    assert numbers(found.poll()) == [2]


def test_older_ids_come_again_on_another_day():
    source = Source()
    found = tail_of(source)
    for day in (24, 25):
        source.coming = [{"type": "response", "request_id": "abcd1234", "timestamp": f"2026-11-{day}T00:00:00Z"}]
        assert len(found.poll()) == 1


@pytest.mark.parametrize("most", [1, 3])
def test_what_is_remembered_is_bounded(monkeypatch, most):
    monkeypatch.setattr(module, "REMEMBERED", most)
    source = Source()
    found = tail_of(source)
    source.coming = [record("request", number) for number in range(9)]
    found.poll()
    assert len(found._calls) == most
