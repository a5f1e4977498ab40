import os
import re
import time
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from open_llm_proxy.telemetry import scoreboard
from open_llm_proxy.telemetry.exposition import PREFIX, Exposition, Facts, make_registry
from open_llm_proxy.telemetry.ledger import KINDS, LATENCY, STATUSES, Labels
from open_llm_proxy.telemetry.scoreboard import RECORDER_SLOT, Scoreboard

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
MINE = Labels("nrp", "kimi", "default")


class Scraped:
    def __init__(self):
        self.board, self.fd = Scoreboard.create(3)
        self.facts = Facts("1.2.3", 1000, 2000)
        self.registry = make_registry(self.board, lambda: self.facts)

    def text(self):
        return generate_latest(self.registry).decode()

    def value(self, name, **labels):
        return self.registry.get_sample_value(PREFIX + name, labels)


@pytest.fixture
def scraped():
    made = Scraped()
    yield made
    os.close(made.fd)


def test_names_begin_alike_and_have_help_and_a_type(scraped):
    families = list(text_string_to_metric_families(scraped.text()))
    assert len(families) > 40
    for family in families:
        assert family.name.startswith(PREFIX)
        assert family.documentation.endswith("."), family.name
        assert family.type in {"counter", "gauge", "histogram"}
        assert all(sample.name.endswith("_total") for sample in family.samples if family.type == "counter")


def test_the_documents_list_them_all(scraped):
    """docs/metrics.md has a row a metric, in this order: name, type, labels, meaning."""
    scraped.board.ledger.row(MINE)
    rows = re.findall(r"^\| `(open_llm_proxy_\w+)` \| (\w+) \| (.*?) ?\| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    shown = []
    for family in scraped.registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = ", ".join(f"`{label}`" for label in family.samples[0].labels if label != "le")
        shown.append((name, family.type, labels, family.documentation))
    assert rows == shown


def test_the_documents_list_each_kind_of_error_and_each_status(scraped):
    text = DOCUMENT.read_text()
    assert re.findall(r"^\| `(\w+)` \|", text.partition("| kind | meaning |")[2], re.MULTILINE) == list(KINDS)
    assert all(f"`{status}`" in text for status in STATUSES)


def test_counters_of_all_slots_are_summed(scraped):
    for slot in (1, 2):
        scraped.board.slot(slot)[scoreboard.ACCEPTED] += 10
        scraped.board.slot(slot)[scoreboard.IN_FLIGHT] = slot
    scraped.board.slot(RECORDER_SLOT)[scoreboard.SHIPPED] = 7
    assert scraped.value("records_accepted_total") == 20
    assert scraped.value("in_flight_calls") == 3
    assert scraped.value("records_shipped_total") == 7


def test_every_scoreboard_metric_shows_its_own_counter(scraped):
    from open_llm_proxy.telemetry import exposition

    rows = (*exposition._COUNTERS, *exposition._GAUGES)
    for number, row in enumerate(rows, start=1):
        scraped.board.slot(1)[row.counter] = number * 1000
    assert len({row.counter for row in rows}) == len({row.name for row in rows}) == len(rows)
    for number, row in enumerate(rows, start=1):
        assert scraped.value(row.name) == pytest.approx(number * 1000 * row.factor)


def test_a_counter_never_falls(scraped):
    counters = scraped.board.slot(RECORDER_SLOT)
    seen = []
    for recorded in (100, 40, 90, 101):
        counters[scoreboard.RECORDED] = recorded
        seen.append(scraped.value("records_recorded_total"))
    assert seen == [100, 100, 100, 101]


def test_calls_are_shown_with_their_labels(scraped):
    row = scraped.board.ledger.row(MINE)
    row.count_call(200)
    row.count_call(0)
    row.count_error("client_gone")
    row.count_tokens("input", 12)
    labels = MINE._asdict()
    assert scraped.value("calls_total", **labels, status="2xx") == 1
    assert scraped.value("calls_total", **labels, status="none") == 1
    assert scraped.value("calls_total", **labels, status="5xx") == 0
    assert scraped.value("errors_total", **labels, kind="client_gone") == 1
    assert scraped.value("errors_total", **labels, kind="timeout") == 0
    assert scraped.value("input_tokens_total", **labels) == 12


def test_histograms_are_cumulative_in_seconds(scraped):
    row = scraped.board.ledger.row(MINE)
    for duration_us in (60_000, 700_000, 2_000_000_000):
        row.observe(LATENCY, duration_us)
    labels = MINE._asdict()
    assert scraped.value("latency_seconds_count", **labels) == 3
    assert scraped.value("latency_seconds_sum", **labels) == pytest.approx(2000.76)
    by_bound = {
        sample.labels["le"]: sample.value
        for family in text_string_to_metric_families(scraped.text())
        if family.name == f"{PREFIX}latency_seconds"
        for sample in family.samples
        if "le" in sample.labels
    }
    values = list(by_bound.values())
    assert values == sorted(values)
    assert (by_bound["0.05"], by_bound["0.1"], by_bound["1"], by_bound["+Inf"]) == (0, 1, 2, 3)
    assert "50e-06" not in scraped.text()


def test_the_store_is_told_apart(scraped):
    slot = scraped.board.slot(RECORDER_SLOT)
    shown = []
    for state in (0, 1, 2):
        slot[scoreboard.STORE_STATE] = state
        shown.append((scraped.value("store_configured"), scraped.value("store_failing")))
    assert shown == [(0, 0), (1, 0), (1, 1)]


def test_the_oldest_record_has_an_age(scraped):
    assert scraped.value("oldest_unshipped_seconds") == 0
    slot = scraped.board.slot(RECORDER_SLOT)
    slot[scoreboard.OLDEST_UNSHIPPED_NS] = time.time_ns() - 90 * 10**9
    assert 90 <= scraped.value("oldest_unshipped_seconds") < 120
    slot[scoreboard.OLDEST_UNSHIPPED_NS] = time.time_ns() + 90 * 10**9
    assert scraped.value("oldest_unshipped_seconds") == 0


def test_facts_are_asked_at_each_scrape(scraped):
    assert scraped.value("build_info", version="1.2.3") == 1
    assert scraped.value("spool_limit_bytes") == 1000
    scraped.facts = Facts("1.2.3", 1, 2)
    assert (scraped.value("spool_limit_bytes"), scraped.value("outbox_limit_bytes")) == (1, 2)
    assert abs(scraped.value("start_time_seconds") - time.time()) < 60


def test_labels_from_outside_are_escaped(scraped):
    scraped.board.ledger.row(Labels("p", 'm"} 1\nevil 2\\', "k")).count_call(200)
    names = {family.name for family in text_string_to_metric_families(scraped.text())}
    assert "evil" not in names
    assert 'm"} 1\nevil 2\\' in {
        sample.labels.get("model")
        for family in text_string_to_metric_families(scraped.text())
        for sample in family.samples
    }


def test_collecting_twice_gives_the_same(scraped):
    exposition = Exposition(scraped.board, lambda: scraped.facts)
    assert [family.name for family in exposition.collect()] == [family.name for family in exposition.collect()]
