"""Each hostile answer of a provider: what the client gets, and that the next call gets its own answer."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from tests.attacks.answers import ROWS
from tests.attacks.requests import post
from tests.attacks.wire import ANSWER, Reply, exchange, run_script, told_of_answer
from tests.parts.proxy import Proxy, provider, run_proxy

BY_NAME = {row.name: row for row in ROWS}
GOOD = len(ROWS)
WAIT_S = 10.0


class Outcome(NamedTuple):
    reply: Reply
    after: Reply
    kept: bool


@pytest.fixture(scope="module")
def proxy_and_outcomes(tmp_path_factory) -> Iterator[tuple[Proxy, dict[str, Outcome]]]:
    """Each in turn, and behind each a good call: connections are used last in, first out."""
    answers = [*((row.sent, row.closes) for row in ROWS), (ANSWER, False)]
    with run_script(answers) as script:
        config = provider(f"http://127.0.0.1:{script.port}/v1")
        with run_proxy(tmp_path_factory.mktemp("attacked"), config) as proxy:
            outcomes = {}
            for number, row in enumerate(ROWS):
                reply = _call(proxy, number)
                after = _call(proxy, GOOD)
                kept = script.connections[GOOD][-1] == script.connections[number][-1]
                outcomes[row.name] = Outcome(reply, after, kept)
            yield proxy, outcomes


def _call(proxy: Proxy, row: int) -> Reply:
    return exchange(proxy.port, post(b"connection: close", body=b'{"model":"row-%d"}' % row), WAIT_S)


def test_the_corpus_is_one():
    assert len(BY_NAME) == len(ROWS) >= 150


@pytest.mark.parametrize("name", BY_NAME)
def test_what_the_client_gets(proxy_and_outcomes, name):
    row, outcome = BY_NAME[name], proxy_and_outcomes[1][name]
    assert told_of_answer(outcome.reply) == row.ours, outcome.reply.data[-300:]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_next_call_gets_its_own_answer(proxy_and_outcomes, name):
    outcome = proxy_and_outcomes[1][name]
    assert told_of_answer(outcome.after) == "200 whole"
    assert outcome.after.data.endswith(b'\r\n\r\n{"id":"a"}')
    assert outcome.kept == BY_NAME[name].kept


def test_nothing_of_a_refused_answer_reaches_the_client(proxy_and_outcomes):
    for name, outcome in proxy_and_outcomes[1].items():
        head = outcome.reply.data.partition(b"\r\n\r\n")[0].lower()
        assert b"evil" not in head, name
        assert b"\x00" not in head, name
        assert head.count(b"\r\n") == head.count(b"\n"), name


def test_each_call_has_both_records(proxy_and_outcomes):
    proxy, outcomes = proxy_and_outcomes
    assert len(proxy.calls(2 * len(outcomes))) == 2 * len(outcomes)
    assert proxy.health()["logging"]["swallowed_exceptions"] == 0
