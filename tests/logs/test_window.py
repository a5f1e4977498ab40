from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.window import ALL, Window, days, parse_window

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def at(day, hour=0, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "start"),
    [("7d", at(18, 12)), ("12h", at(25)), ("2w", at(11, 12)), ("30m", at(25, 11, 30)), ("1 D", at(24, 12))],
)
def test_since_is_so_long_ago(since, start):
    assert parse_window(since, None, None, NOW) == Window(start, None)


@pytest.mark.parametrize(
    ("start", "end", "window"),
    [
        (None, None, ALL),
        ("2026-11-20", "2026-11-20", Window(at(20), at(21))),
        ("2026-11-20", None, Window(at(20), None)),
        (None, "20261120", Window(None, at(21))),
        ("2026-11-20T06:30", "2026-11-20T07:00:00Z", Window(at(20, 6, 30), at(20, 7))),
        ("2026-11-20T06:30:00-08:00", None, Window(at(20, 14, 30), None)),
    ],
)
def test_dates_are_inclusive_and_instants_half_open(start, end, window):
    assert parse_window(None, start, end, NOW) == window


def test_since_may_have_an_end():
    assert parse_window("7d", None, "2026-11-20", NOW) == Window(at(18, 12), at(21))


def test_now_may_be_in_any_zone():
    local = NOW.astimezone(timezone(timedelta(hours=-8)))
    assert parse_window("1d", None, None, local).start == at(24, 12)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("yesterday", None, None), "--since takes a time such as"),
        (("7", None, None), "--since takes"),
        (("99999999w", None, None), "beginning of time"),
        ((None, "25.11.2026", None), "--from takes a date"),
        ((None, None, "soon"), "--to takes a date"),
        (("7d", "2026-11-20", None), "both say where"),
        ((None, "2026-11-21", "2026-11-20"), "before it begins"),
        ((None, "2026-11-21T00:00", "2026-11-21T00:00"), "before it begins"),
    ],
)
def test_what_is_no_window_is_said(options, told):
    with pytest.raises(UserError, match=told):
        parse_window(*options, NOW)


def test_the_days_that_a_window_touches():
    assert days(ALL) == (None, None)
    assert days(Window(at(20, 23), at(22))) == (date(2026, 11, 20), date(2026, 11, 21))
    assert days(Window(at(20), at(22, 0, 1))) == (date(2026, 11, 20), date(2026, 11, 22))


def test_what_lies_in_a_window():
    window = Window(at(20), at(21))
    assert at(20) in window
    assert at(20, 23, 59) in window
    assert at(21) not in window
    assert at(19, 23) not in window
    assert at(1) in ALL
    assert "2026-11-20" not in window
