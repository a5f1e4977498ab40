"""What a worker's application is beside its calls: counters, faults, reloads."""

import pytest

from open_llm_proxy.config.snapshot import ClientKey
from open_llm_proxy.http1.downstream import UNCOUNTED_BYTES
from open_llm_proxy.telemetry import scoreboard

# --- pipelining, faults, counters ------------------------------------------------------------------------------------


def test_pipelined_calls_are_answered_in_order(rig):
    client = rig.client()
    client.send(rig.request(b'{"model":"m","n":1}') + rig.request(b"{}") + rig.request(b'{"model":"m","n":3}'))
    wire, sent = rig.upstream.receive()
    assert sent.body == b'{"model":"m","n":1}'
    wire.send(rig.answer(b"1"))
    assert client.receive().body == b"1"
    assert client.receive().status == 400
    assert wire.receive().body == b'{"model":"m","n":3}'
    wire.send(rig.answer(b"3"))
    assert client.receive().body == b"3"


def test_a_fault_of_ours_ends_one_connection_and_is_said(rig, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("open_llm_proxy.proxy.call.read_model", fail)
    rig.expected_faults = 2
    for _ in range(2):
        client = rig.client()
        client.send(rig.request())
        assert client.ending()[0] == b""
    monkeypatch.undo()
    assert len(rig.reports) == 1
    assert "ZeroDivisionError: on purpose" in rig.reports[0]
    assert rig.exchange()[0].status == 200
    rig.later(11)
    assert len(rig.calls) == 3, "the calls that we failed are on record, too"


@pytest.mark.parametrize("callback", ["on_whole", "on_response", "on_body", "on_connection", "_attempt"])
def test_a_fault_at_an_answer_ends_its_call_alone_and_is_on_record(rig, monkeypatch, callback):
    def fail(*_, **__):
        raise ZeroDivisionError("on purpose")

    client, wire = rig.warm() if callback == "on_whole" else (rig.client(), None)
    monkeypatch.setattr(f"open_llm_proxy.proxy.call.Call.{callback}", fail)
    rig.expected_faults = 1
    client.send(rig.request())
    if callback not in ("on_connection", "_attempt"):
        wire = wire or rig.upstream.accept()
        wire.receive()
        if callback == "on_body":
            wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n1")
            client.until(b"\r\n\r\n1")
            wire.send(b"2")
        else:
            wire.send(rig.answer())
    assert client.ending()[0] == b""
    monkeypatch.undo()
    request, response = rig.record()
    assert request.request_id == response.request_id
    if callback != "_attempt":
        assert response.error == "The proxy failed on this call: ZeroDivisionError"
    assert not rig.app.calls
    if callback == "on_connection":
        assert rig.upstream.accept().ending()[0] == b""
    assert rig.exchange()[0].status == 200


def test_counters_after_a_sweep(rig):
    client, wire = rig.warm()
    body = b'{"model":"m","t":"' + b"x" * UNCOUNTED_BYTES + b'"}'
    client.send(rig.request(body))
    wire.receive()
    rig.later(0)
    assert rig.counters[scoreboard.IN_FLIGHT] == 1
    assert rig.counters[scoreboard.BUFFERED_BYTES] == len(body)
    assert rig.counters[scoreboard.CONNECTIONS] == 1
    assert rig.counters[scoreboard.UPSTREAM_CONNECTS] == 1
    assert rig.counters[scoreboard.UPSTREAM_REUSES] == 1
    wire.send(rig.answer())
    client.receive()
    rig.later(0)
    assert rig.counters[scoreboard.IN_FLIGHT] == 0
    assert rig.counters[scoreboard.BUFFERED_BYTES] == 0


def test_calls_without_a_response_are_told_to_a_new_segment(rig):
    client, wire = rig.warm()
    assert rig.app.open_calls() == []
    client.send(rig.request(b'{"model":"m","n":2}'))
    wire.receive()
    assert [header.request_id for header in rig.app.open_calls()] == [rig.frames[-1].header.request_id]
    wire.send(rig.stream(b"data: [DONE]\n\n"))
    client.until(b"[DONE]")
    assert rig.app.open_calls() == []


def test_idle_upstream_connections_live_as_long_as_the_config_says(rig):
    _, wire = rig.warm()
    rig.later(3.5)
    assert len(rig.app.pool(rig.app.setup.providers["alpha"].origin)._idle) == 1
    rig.later(1)
    assert wire.ending() == (b"", True)


# --- reload ----------------------------------------------------------------------------------------------------------


def test_a_reload_leaves_calls_under_way_alone(rig):
    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    rig.app.reload(rig.setup({"providers": {"beta": {"models": ["n"]}}}))
    wire.send(rig.answer())
    assert client.receive().header("x-llm-provider") == "alpha"


def test_a_reload_counts_from_the_next_call_on_of_a_known_caller_too(rig):
    client, _ = rig.warm()
    client.send(rig.request())
    rig.upstream.wires[0].receive()
    rig.upstream.wires[0].send(rig.answer())
    client.receive()
    row = {"models": ["m"], "drop_params": ["user"]}
    rig.app.reload(rig.setup({"providers": {"beta": row}}))
    client.send(rig.request(b'{"model":"m","user":"u"}'))
    wire, sent = rig.upstreams["beta"].receive()
    assert sent.body == b'{"model":"m"}'
    wire.send(rig.answer())
    assert client.receive().header("x-llm-provider") == "beta"


def test_a_reload_takes_keys_away(rig):
    client, _ = rig.warm()
    rig.app.reload(rig.setup({}, client_keys=(ClientKey("other", "other"),)))
    client.send(rig.request())
    assert client.receive().status == 401


def test_a_reload_keeps_the_connections_to_providers_that_stay(rig):
    client, wire = rig.warm()
    rig.app.reload(rig.setup({}))
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200


def test_a_reload_closes_those_to_providers_that_go(rig):
    _, wire = rig.warm()
    rig.app.reload(rig.setup({"providers": {"beta": {"models": ["n"]}}}))
    assert wire.ending() == (b"", True)


def test_the_connection_of_a_call_whose_provider_went_meanwhile_is_not_kept(rig):
    client, wire = rig.warm()
    client.send(rig.request())
    wire.receive()
    rig.app.reload(rig.setup({"providers": {"beta": {"models": ["n"]}}}))
    wire.send(rig.answer())
    assert client.receive().status == 200
    rig.later(5)
    assert wire.ending() == (b"", True)


def test_a_reload_brings_new_limits_to_the_connections_that_stay(rig):
    client, wire = rig.warm()
    rig.app.reload(rig.setup({"timeouts": {"upstream_idle_s": 100}}))
    rig.later(50)
    client.send(rig.request())
    wire.receive()
    wire.send(rig.answer())
    assert client.receive().status == 200


def test_a_reload_brings_new_limits(rig):
    rig.app.reload(rig.setup({"limits": {"body_bytes": 5}}))
    answer = rig.ask(rig.request())
    assert answer.status == 413
    rig.call()
