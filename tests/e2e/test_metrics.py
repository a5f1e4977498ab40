"""What Prometheus sees of real calls: through the real proxy, two workers, several keys, every kind of end."""

import http.client
import json
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.parts.model_upstream import Cut
from tests.parts.ports import free_port
from tests.parts.proxy import provider, run_proxy
from tests.parts.requirement import require

PREFIX = "open_llm_proxy_"
HEAD = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


class Metrics:
    def __init__(self, proxy, port):
        self.proxy = proxy
        self.url = f"http://127.0.0.1:{port}/metrics"

    def text(self):
        with urllib.request.urlopen(self.url, timeout=20) as answer:
            return answer.read().decode()

    def values(self, name):
        """Labels to value of one metric."""
        return {
            tuple(sample.labels.values()): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
            if sample.name == PREFIX + name
        }

    def total(self, name):
        return sum(self.values(name).values())

    def call(self, key=None, **body):
        body = {"model": "kimi", "messages": [{"role": "user", "content": "hi"}], **body}
        headers = {"Authorization": f"Bearer {key or self.proxy.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.proxy.base_url}/chat/completions", json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def wait_for(self, count):
        self.proxy.program.wait_until(lambda: self.total("calls_total") == count, f"{count} calls in the metrics")


@pytest.fixture
def metrics(upstream, tmp_path):
    port = free_port()
    config = provider(upstream.endpoint, models=["kimi", "qwen3"])
    config |= {"workers": 2, "timeouts": {"upstream_idle_s": 1}}
    env = {"METRICS_PORT": str(port), "PROXY_KEYS_EXTRA": "team-a=sk-of-team-a"}
    with run_proxy(tmp_path, config, env=env) as proxy:
        yield Metrics(proxy, port)


def test_promtool_finds_nothing_to_say(metrics):
    with socket.create_connection(("127.0.0.1", metrics.proxy.port)):
        metrics.proxy.program.wait_until(lambda: metrics.total("client_connections") == 1, "a connection")
        assert metrics.total("in_flight_calls") == 0
    metrics.call()
    metrics.wait_for(1)
    command = [require("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=metrics.text(), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    metrics.proxy.program.wait_until(lambda: metrics.total("client_connections") == 0, "no connection")


def test_calls_tokens_and_times_by_provider_model_and_key(metrics):
    for _ in range(6):
        assert metrics.call() == 200
    idle = "upstream_idle_connections"
    metrics.proxy.program.wait_until(lambda: metrics.total(idle) >= 1, "an idle connection to the provider")
    metrics.proxy.program.wait_until(lambda: metrics.total(idle) == 0, "none, after upstream_idle_s")
    assert metrics.call("sk-of-team-a", model="qwen3", stream=True) == 200
    assert metrics.call("sk-wrong") == 401
    metrics.wait_for(7)
    assert metrics.values("latency_seconds_count") == {("default", "kimi", "up"): 6, ("team-a", "qwen3", "up"): 1}
    assert metrics.total("own_seconds_count") == metrics.total("upstream_seconds_count") == 7
    assert metrics.total("ttft_seconds_count") == 7
    assert 0 < metrics.total("own_seconds_sum") < metrics.total("latency_seconds_sum")
    assert metrics.total("latency_seconds_sum") == pytest.approx(
        metrics.total("own_seconds_sum") + metrics.total("upstream_seconds_sum"), abs=1e-4
    )
    records = metrics.proxy.calls(7)
    tokens = [pair.response["tokens"] or {} for pair in records]
    assert metrics.total("input_tokens_total") == sum(one.get("prompt_tokens", 0) for one in tokens) > 0
    assert metrics.total("output_tokens_total") == sum(one.get("completion_tokens", 0) for one in tokens)
    assert metrics.total("unauthorized_total") == 1
    assert metrics.total("errors_total") == 0
    assert metrics.total("upstream_connects_total") + metrics.total("upstream_reuses_total") >= 7
    metrics.proxy.program.wait_until(lambda: metrics.total("records_shipped_total") == 14, "records shipped")
    assert metrics.total("records_accepted_total") == metrics.total("records_recorded_total") == 14


def test_errors_by_kind(metrics, upstream):
    limited = b'{"error":{"message":"slow down"}}'
    upstream.play(HEAD % (b"429 Too Many Requests", len(limited)) + limited)
    assert metrics.call() == 429
    upstream.play(HEAD % (b"503 Service Unavailable", 2) + b"{}")
    assert metrics.call() == 503
    upstream.play(HEAD % (b"200 OK", len(limited)) + limited)
    assert metrics.call() == 200
    upstream.play(HEAD % (b"200 OK", 1000) + b'{"choices"', Cut())
    with pytest.raises((OSError, http.client.IncompleteRead)):
        metrics.call()
    assert metrics.call(model=None) == 400
    metrics.wait_for(5)
    kinds = {labels[1]: value for labels, value in metrics.values("errors_total").items() if value}
    assert kinds == {"rate_limited": 1, "provider_failed": 1, "bad_answer": 1, "cut_off": 1, "refused": 1}


def test_killed_processes_take_no_count_with_them(metrics):
    for _ in range(5):
        metrics.call()
    metrics.wait_for(5)
    for pid in metrics.proxy.program.running():
        if pid != metrics.proxy.program.process.pid:
            os.kill(pid, signal.SIGKILL)
    metrics.proxy.program.wait_until(lambda: metrics.total("restarts_total") == 3, "three restarts")
    assert metrics.total("calls_total") == 5
    metrics.proxy.program.wait_until(lambda: _called(metrics), "a call after the kill")
    metrics.wait_for(6)
    metrics.proxy.program.wait_until(lambda: metrics.total("records_shipped_total") == 12, "records shipped")
    assert metrics.total("calls_total") == 6


def _called(metrics):
    try:
        return metrics.call() == 200
    except OSError:  # the socket of a worker that is being started again
        return False
