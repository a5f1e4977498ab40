import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.request

import pytest

from open_llm_proxy.serve import metrics as module
from open_llm_proxy.serve.metrics import MetricsServer, start_metrics
from open_llm_proxy.serve.sockets import bind_metrics_socket, port_of
from open_llm_proxy.telemetry.ledger import Labels
from open_llm_proxy.telemetry.scoreboard import ACCEPTED, Facts, Scoreboard

LOOPBACK = "127.0.0.1"
FACTS = Facts("9.9", 1, 2)


@pytest.fixture
def board():
    made, fd = Scoreboard.create(2)
    yield made
    os.close(fd)


@pytest.fixture
def serve(board):
    """Serve metrics of ``board`` on a free port; its URL."""
    servers = []

    def serve():
        listener = bind_metrics_socket(LOOPBACK, 0)
        servers.append(MetricsServer(listener, board, lambda: FACTS))
        return f"http://{LOOPBACK}:{port_of(listener)}"

    yield serve
    for server in servers:
        server.stop()


@pytest.fixture
def port():
    with socket.create_server((LOOPBACK, 0)) as listener:
        return listener.getsockname()[1]


def get(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        return answer.headers, answer.read()


def status(url, method="GET"):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20)
    with caught.value as error:
        return error.code


def test_what_prometheus_asks_for(board, serve):
    board.slot(1)[ACCEPTED] = 12
    headers, body = get(f"{serve()}/metrics?from=test")
    assert headers["content-type"].startswith("text/plain; version=")
    assert headers["server"] == "open-llm-proxy"
    assert b"open_llm_proxy_records_accepted_total 12.0\n" in body
    assert b'open_llm_proxy_build_info{version="9.9"} 1.0\n' in body
    assert b"python_" not in body
    assert b"process_" not in body


def test_open_metrics_where_it_is_asked_for(serve):
    headers, body = get(f"{serve()}/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_there_is_one_path(serve):
    url = serve()
    assert [status(url + path) for path in ("/", "/metricsx", "/metrics/", "/favicon.ico")] == [404] * 4
    assert status(f"{url}/metrics", "POST") == 501


def test_scrapes_do_not_wait_for_each_other(serve):
    url = serve()
    with socket.create_connection((LOOPBACK, int(url.rpartition(":")[2]))):  # asks for nothing
        assert get(f"{url}/metrics")


def test_the_port_is_free_after_the_stop(board, port):
    server = start_metrics(LOOPBACK, port, board, lambda: FACTS)
    assert get(f"http://{LOOPBACK}:{port}/metrics")
    server.stop()
    with socket.create_server((LOOPBACK, port)):
        pass


def test_a_stop_before_anything_was_asked(board, port):
    for _ in range(3):
        start_metrics(LOOPBACK, port, board, lambda: FACTS).stop()


def test_none_are_served_on_port_0(board, monkeypatch):
    monkeypatch.setattr(module, "bind_metrics_socket", lambda *_: pytest.fail("a port was opened"))
    before = threading.active_count()
    start_metrics(LOOPBACK, 0, board, lambda: FACTS).stop()
    assert threading.active_count() == before


@pytest.mark.parametrize("host", [LOOPBACK, "203.0.113.7", "no-such-host.invalid"])
def test_a_port_that_can_not_be_had_is_said_and_stops_nothing(board, capfd, host):
    with socket.create_server((LOOPBACK, 0)) as other:
        start_metrics(host, other.getsockname()[1], board, lambda: FACTS).stop()
    said = capfd.readouterr().err
    assert said.startswith("open-llm-proxy: warning: no metrics are served: ")
    assert said.count("\n") == 1


# --- in a serve ------------------------------------------------------------------------------------------------------


def value(served_port, name):
    _, body = get(f"http://{LOOPBACK}:{served_port}/metrics")
    return next((float(line.split()[-1]) for line in body.decode().splitlines() if line.startswith(name)), None)


def calls(port):
    return value(port, 'open_llm_proxy_calls_total{key="default",model="alpha",provider="main",status="2xx"}')


def test_a_serve_shows_its_calls_and_goes_on_counting_after_a_kill(start, write, port):
    write(metrics={"port": port}, workers=2)
    served = start()
    for _ in range(3):
        served.call()
    served.wait_until(lambda: calls(port) == 3)
    assert value(port, "open_llm_proxy_records_recorded_total") == 6
    assert value(port, "open_llm_proxy_restarts_total") == 0
    recorder = served.child("recorder")
    os.kill(recorder, signal.SIGKILL)
    served.child("recorder", but=recorder)
    for _ in range(2):
        served.call()
    served.wait_until(lambda: (calls(port) or 0) >= 5)
    served.wait_until(lambda: value(port, "open_llm_proxy_records_recorded_total") == 10)
    assert calls(port) == 5
    assert value(port, "open_llm_proxy_restarts_total") == 1
    assert value(port, "open_llm_proxy_upstream_connects_total") >= 1
    assert served.end() == 0
    assert served.is_free(port)


@pytest.mark.slow
def test_a_second_serve_beside_the_first_has_no_metrics_and_answers(start, write, port, tmp_path):
    write(metrics={"port": port})
    first = start()
    assert first.call()
    second = start(SPOOL_DIR=str(tmp_path / "another"))
    second.line(f"warning: no metrics are served: can't listen on 127.0.0.1 port {port}: Address already in use")
    assert second.call()
    first.wait_until(lambda: calls(port) == 1)


def test_the_proxys_own_port_has_no_metrics(start):
    served = start()
    with pytest.raises(urllib.error.HTTPError) as caught:
        served.get("/metrics")
    with caught.value as error:
        assert (error.code, json.load(error)["error"]["code"]) == (404, "not_found")


def test_labels_are_those_of_the_ledger(board, serve):
    board.ledger.row(Labels("nrp", "kimi", "team-a")).count_call(200)
    _, body = get(f"{serve()}/metrics")
    assert b'calls_total{key="team-a",model="kimi",provider="nrp",status="2xx"} 1.0' in body
