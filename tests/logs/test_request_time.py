from datetime import UTC, datetime, timedelta

import pytest

from open_llm_proxy.logs.request_time import time_of_id

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_ours_begins_with_the_time():
    assert time_of_id("18eafb754746c5ff02652cf810b43cca", NOW).isoformat()[:19] == "2026-11-24T12:38:02"


def test_a_beginning_is_a_little_early():
    assert timedelta(0) <= time_of_id("18eafb754746c5ff", NOW) - time_of_id("18eafb75", NOW) < timedelta(seconds=5)


@pytest.mark.parametrize("other", ["abcd1234", "00000001", "18eafb7", "s-1", "18eafb75-4746", "", "7" * 32])
def test_what_is_none(other):
    assert time_of_id(other, NOW) is None


def test_the_future_is_none():
    assert time_of_id("18eafb754746c5ff", NOW - timedelta(days=3)) is None
