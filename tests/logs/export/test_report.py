from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from open_llm_proxy.logs.export.report import render
from open_llm_proxy.logs.stats import Figures, Percentiles, Stats
from open_llm_proxy.logs.window import ALL, Window

NOW = datetime(2026, 4, 14, 12, tzinfo=UTC)


def figures(name, calls=100, **more):
    more = {"sessions": 10, "errors": 5, "unanswered": 1, "prompt_tokens": 1_500_000, "completion_tokens": 900, "cost_usd": 1.25,
            "latency": Percentiles(1000, 5000, 600_000), "ttft": Percentiles(100, 200, 300), "kinds": {"rate_limited": 5}} | more  # fmt: skip
    return Figures(name, calls, **more)


@pytest.fixture
def stats():
    days = [figures("2026-04-07"), Figures("2026-04-08"), figures("2026-04-09")]
    groups = {
        "day": days,
        "model": [figures("<kimi>"), figures("qwen3", 50)],
        "app": [figures("geo")],
        "provider": [figures("nrp")],
    }
    return Stats(figures("all", 200), days, groups, Window(NOW - timedelta(days=7), None))


class Words(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.words, self.tags = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data.strip())


def test_a_report(stats):
    page = render(stats, NOW)
    found = Words(page)
    text = " ".join(found.words)
    for words in ("From 2026-04-07 12:00:00 to 2026-04-14 12:00:00 UTC.", "Calls", "calls a day", "Errors by kind", "rate limited",
                  "Cost", "US dollars a day", "Duration", "logarithmic axis", "Time to the first byte", "Calls by model", "<kimi>",
                  "1.5 M", "5 (2 %)", "$1.25", "10 min", "04-08"):  # fmt: skip
        assert words in text
    assert not {"script", "img", "link", "iframe"} & set(found.tags)
    assert "http" not in page.replace("http-equiv", "")
    assert found.tags.count("svg") == 7


def test_what_is_not_known_has_no_chart(stats):
    bare = {
        "cost_usd": None,
        "prompt_tokens": None,
        "completion_tokens": None,
        "ttft": Percentiles(),
        "errors": 0,
        "kinds": {},
    }
    days = [figures(f"2026-04-0{number}", **bare) for number in (7, 8)]
    page = render(stats._replace(total=figures("all", **bare), times=days), NOW)
    for words in ("Errors by kind", "US dollars", "Time to the first byte", "tokens a day"):
        assert words not in page


def test_hours_are_named_once_a_day(stats):
    hours = [figures(f"2026-04-0{day} {hour}:00") for day, hour in ((7, 22), (7, 23), (8, 10))]
    page = render(stats._replace(times=hours, window=ALL), NOW)
    assert "calls an hour" in page
    assert "From the first record to 2026-04-14" in page
    assert [page.count(f">{label}</text>") > 0 for label in ("04-07 22:00", "23:00", "04-08 10:00")] == [True] * 3


def test_no_call(stats):
    empty = Stats(Figures("all"), [], {by: [] for by in stats.groups}, ALL)
    page = render(empty, NOW)
    assert "No call in this time." in page
    assert "<svg" not in page
