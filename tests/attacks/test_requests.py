"""Each hostile request against the real proxy: what the client is told, and that nothing ambiguous goes on."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.attacks.conftest import QUIET_S
from tests.attacks.differences import H11, NGINX, explained
from tests.attacks.others import ask_h11, ask_nginx, run_nginx, verdict
from tests.attacks.requests import GOOD, ROWS
from tests.attacks.wire import Reply, exchange, run_tap

AT_ONCE = 24
BY_NAME = {row.name: row for row in ROWS}


@pytest.fixture(scope="module")
def replies(proxy) -> dict[str, Reply]:
    """All of them side by side, each on a connection of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(BY_NAME, pool.map(lambda row: exchange(proxy.port, row.sent, QUIET_S), ROWS), strict=True))


def test_the_corpus_is_one():
    assert len(BY_NAME) == len(ROWS) >= 150
    assert all(row.rfc[:4].isdigit() or row.rfc.startswith("8259") for row in ROWS)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_the_client_is_told(replies, name):
    row, reply = BY_NAME[name], replies[name]
    assert reply.told() == row.ours.replace("200h", "200"), reply.data[-300:]


def test_what_reaches_the_provider_is_what_was_taken_and_nothing_else(replies, tap, proxy):
    assert exchange(proxy.port, GOOD, QUIET_S).told() == "200"
    expected = sum(row.ours.split().count("200") for row in ROWS) + 1
    assert len(tap.requests) == expected
    assert tap.strange == []
    for request in tap.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        assert b"evil" not in head.partition(b"\r\n")[2].lower()
        assert body.startswith(b'{"model":"m')


def test_errors_of_ours_are_framed_and_shaped(replies):
    for name, reply in replies.items():
        if not BY_NAME[name].ours.startswith("4") or "HEAD" in name:
            continue
        head, _, body = reply.data.partition(b"\r\n\r\n")
        error = json.JSONDecoder().raw_decode(body.decode())[0]["error"]
        assert set(error) == {"message", "type", "code", "param"}, name
        assert b"x-llm-request-id" in head


def test_the_proxy_is_well_afterwards(replies, proxy):
    assert all(reply is not None for reply in replies.values())
    assert proxy.health()["status"] == "healthy"
    assert proxy.health()["logging"]["swallowed_exceptions"] == 0


def test_every_difference_to_nginx_is_explained(tmp_path):
    with (
        run_tap(lenient=True) as provider,
        run_nginx(tmp_path, provider.port) as port,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        theirs = list(pool.map(lambda row: ask_nginx(port, row.sent, QUIET_S), ROWS))
    differ = {row.name for row, verdict_ in zip(ROWS, theirs, strict=True) if verdict_ != verdict(row.ours)}
    assert differ == explained(NGINX)


def test_every_difference_to_h11_is_explained():
    assert {row.name for row in ROWS if ask_h11(row.sent) != verdict(row.ours)} == explained(H11)
