import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.telemetry import ledger as module
from open_llm_proxy.telemetry.ledger import KINDS, LATENCY, OWN, ROWS, STATUSES, TOKENS, TTFT, UPSTREAM, Labels
from open_llm_proxy.telemetry.scoreboard import Scoreboard

SCALES = (LATENCY, TTFT, UPSTREAM, OWN)
MINE = Labels("nrp", "kimi", "default")


@pytest.fixture
def board():
    made, fd = Scoreboard.create(2)
    yield made, fd
    os.close(fd)


@pytest.fixture
def ledger(board):
    return board[0].ledger


def test_a_ledger_begins_empty_at_its_time(board):
    made, fd = board
    assert list(made.ledger.rows()) == []
    made.ledger.begin(42)
    assert Scoreboard.attach(fd).ledger.begun_ns == 42


def test_rows_are_seen_by_every_process_and_found_again(board):
    made, fd = board
    made.ledger.row(MINE).count_call(200)
    made.ledger.row(Labels("nrp", "qwen3", "default")).count_call(200)
    successor = Scoreboard.attach(fd).ledger
    successor.row(MINE).count_call(200)
    assert [(labels, row.calls("2xx")) for labels, row in made.ledger.rows()] == [
        (MINE, 2),
        (Labels("nrp", "qwen3", "default"), 1),
    ]


@pytest.mark.parametrize(
    ("status", "shown"),
    [(200, "2xx"), (299, "2xx"), (304, "3xx"), (429, "4xx"), (502, "5xx"), (0, "none"), (101, "none"), (999, "none")],
)
def test_calls_are_counted_by_the_class_of_their_status(ledger, status, shown):
    ledger.row(MINE).count_call(status)
    assert {name: ledger.row(MINE).calls(name) for name in STATUSES} == {name: int(name == shown) for name in STATUSES}


def test_every_counter_has_a_place_of_its_own(ledger):
    row = ledger.row(MINE)
    for number, status in enumerate((200, 300, 400, 500, 0), start=1):
        for _ in range(number):
            row.count_call(status)
    for number, kind in enumerate(KINDS, start=1):
        for _ in range(number):
            row.count_error(kind)
    for number, which in enumerate(TOKENS, start=1):
        row.count_tokens(which, number)
    for number, scale in enumerate(SCALES, start=1):
        row.observe(scale, number)
        row.observe(scale, 10**12)
    neighbour = ledger.row(Labels("p", "m", "k"))
    assert [row.calls(status) for status in STATUSES] == [1, 2, 3, 4, 5]
    assert [row.errors(kind) for kind in KINDS] == list(range(1, len(KINDS) + 1))
    assert [row.tokens(which) for which in TOKENS] == [1, 2, 3]
    for number, scale in enumerate(SCALES, start=1):
        assert row.buckets(scale) == [1, *[0] * (len(scale.bounds_us) - 1), 1]
        assert row.sum_us(scale) == number + 10**12
        assert sum(neighbour.buckets(scale)) == 0


@given(st.integers(0, 10**11), st.sampled_from(SCALES))
def test_a_duration_falls_into_the_first_bucket_that_holds_it(duration_us, scale):
    row = module.Row(memoryview(bytearray(8 * 256)).cast("Q"))
    row.observe(scale, duration_us)
    bounds = [*scale.bounds_us, float("inf")]
    where = row.buckets(scale).index(1)
    assert duration_us <= bounds[where]
    assert where == 0 or duration_us > bounds[where - 1]


def test_labels_are_cut_to_their_place_and_stay_text(ledger):
    long = Labels("p" * 100, "é" * 100, "k" * 64)
    ledger.row(long).count_call(200)
    ledger.row(long._replace(model="é" * 101)).count_call(200)
    (found,) = ledger.rows()
    assert found[0] == Labels("p" * 64, "é" * 64, "k" * 64)
    assert found[1].calls("2xx") == 2


def test_a_lone_surrogate_is_no_reason_to_fail(ledger):
    ledger.row(Labels("p", "\ud800", "k")).count_call(200)
    assert [labels.model for labels, _ in ledger.rows()] == ["?"]


def test_too_many_labels_share_the_last_row(board):
    made, fd = board
    for number in range(ROWS + 20):
        made.ledger.row(Labels("p", f"m{number}", "k")).count_call(200)
    Scoreboard.attach(fd).ledger.row(Labels("p", "one more", "k")).count_call(200)
    rows = dict(made.ledger.rows())
    assert len(rows) == ROWS
    assert rows[Labels("other", "other", "other")].calls("2xx") == 22
    assert sum(row.calls("2xx") for row in rows.values()) == ROWS + 21


def test_a_place_is_counted_once_whoever_asks(board):
    made, fd = board
    ledger = made.ledger
    assert [ledger.is_counted("a" * 16, *place) for place in [(1, 0), (1, 0), (1, 100), (1, 50), (2, 0)]] == [
        False,
        True,
        False,
        True,
        False,
    ]
    assert not ledger.is_counted("b" * 16, 1, 0)
    successor = Scoreboard.attach(fd).ledger
    assert successor.is_counted("a" * 16, 1, 100)
    assert successor.is_counted("a" * 16, 2, 0)
    assert not successor.is_counted("a" * 16, 2, 1)


def test_a_directory_that_is_gone_gives_its_place_back(ledger):
    for number in range(1000):
        assert not ledger.is_counted(f"{number:016}", 1, 0)
        assert ledger.is_counted(f"{number:016}", 1, 0)
        ledger.forget(f"{number:016}")
        ledger.forget("unknown")
    assert not ledger.is_counted(f"{3:016}", 1, 0)


def test_with_too_many_directories_the_longest_known_is_forgotten(board):
    made, fd = board
    ledger = made.ledger
    for number in range(65):
        ledger.is_counted(f"{number:016}", 1, 0)
    assert ledger.is_counted(f"{64:016}", 1, 0)
    assert ledger.is_counted(f"{1:016}", 1, 0)
    assert not ledger.is_counted(f"{0:016}", 1, 0)
    assert not Scoreboard.attach(fd).ledger.is_counted("another", 1, 0)
