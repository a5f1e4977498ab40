"""Spans of calls at a small OTLP receiver: what the client's trace goes on as, whatever becomes of the collector."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.parts.collector import run_collector
from tests.parts.ports import free_port
from tests.parts.proxy import provider, run_proxy

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
pytestmark = pytest.mark.slow

TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def collector():
    with run_collector() as running:
        yield running


@pytest.fixture
def traced(upstream, tmp_path):
    """Run a proxy whose traces go to an endpoint."""

    def traced(endpoint, **env):
        config = provider(upstream.endpoint)
        return run_proxy(
            tmp_path, config, env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "50", **env}
        )

    return traced


def call(proxy, **more):
    body = {"model": "kimi", "messages": [{"role": "user", "content": "a secret question"}], **more.pop("body", {})}
    headers = {"Authorization": f"Bearer {proxy.key}", "Content-Type": "application/json", **more}
    request = urllib.request.Request(f"{proxy.base_url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers["x-llm-request-id"], answer.read()


def test_a_clients_trace_goes_on(collector, traced, upstream):
    begun_ns = time.time_ns()
    with traced(collector.endpoint, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=lab") as proxy:
        request_id, _ = call(proxy, traceparent=TRACEPARENT, tracestate="a=b")
        proxy.program.wait_until(lambda: collector.spans, "a span")
        record = proxy.records_of(request_id).response
    span, attributes, resource = collector.spans[0]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert (upstream.seen[0].header("traceparent"), upstream.seen[0].header("tracestate")) == (TRACEPARENT, "a=b")
    assert begun_ns < span.start_time_unix_nano < span.end_time_unix_nano < time.time_ns()
    assert (span.end_time_unix_nano - span.start_time_unix_nano) // 1_000_000 == record["latency_ms"]
    assert span.name == "chat kimi"
    assert span.kind == span.SPAN_KIND_CLIENT
    assert attributes["gen_ai.provider.name"] == "up"
    assert attributes["gen_ai.request.model"] == "kimi"
    assert attributes["gen_ai.response.model"] == record["upstream_model"]
    assert attributes["gen_ai.usage.input_tokens"] == record["tokens"]["prompt_tokens"]
    assert attributes["gen_ai.usage.output_tokens"] == record["tokens"]["completion_tokens"]
    assert attributes["gen_ai.response.finish_reasons"] == [record["finish_reason"]]
    assert (attributes["server.address"], attributes["server.port"]) == ("127.0.0.1", upstream.port)
    assert attributes["open_llm_proxy.request_id"] == request_id
    assert resource["service.name"] == "open-llm-proxy"
    assert collector.headers[0]["x-tenant"] == "lab"
    assert b"secret" not in span.SerializeToString()


def test_a_call_without_a_trace_is_found_by_its_id_and_a_refused_one_is_an_error(collector, traced):
    with traced(collector.endpoint) as proxy:
        request_id, _ = call(proxy, body={"stream": True})
        with pytest.raises(urllib.error.HTTPError) as caught:
            call(proxy, body={"model": None})
        caught.value.close()
        proxy.program.wait_until(lambda: len(collector.spans) == 2, "two spans")
    good, refused = collector.spans
    assert good.span.trace_id.hex() == request_id
    assert good.attributes["gen_ai.request.stream"] is True
    assert refused.span.name == "chat"
    assert refused.span.status.code == refused.span.status.STATUS_CODE_ERROR
    assert refused.attributes["error.type"] == "refused"
    assert refused.attributes["http.response.status_code"] == 400


def test_no_collector_costs_no_record(traced):
    with traced(f"http://127.0.0.1:{free_port()}") as proxy:
        ids = [call(proxy)[0] for _ in range(5)]
        assert len(proxy.calls(5)) == 5
        proxy.program.wait_until(lambda: "warning: traces: " in proxy.program.stderr, "a line on the collector")
        recorder = _recorder_of(proxy)
        os.kill(recorder, signal.SIGKILL)
        ids.append(call(proxy)[0])
        found = proxy.calls(6)
        assert [pair.request["request_id"] for pair in found] == ids
    assert "Traceback" not in proxy.program.stderr


def test_a_killed_recorder_sends_the_same_span_again(collector, traced):
    with traced(collector.endpoint, FLUSH_INTERVAL="300") as proxy:
        request_id, _ = call(proxy)
        proxy.program.wait_until(lambda: collector.spans, "a span")
        os.kill(_recorder_of(proxy), signal.SIGKILL)
        proxy.program.wait_until(lambda: len(collector.spans) == 2, "the span again")
    first, second = collector.spans
    assert first.span.SerializeToString() == second.span.SerializeToString()
    assert first.attributes["open_llm_proxy.request_id"] == request_id


def _recorder_of(proxy):
    for pid in proxy.program.running():
        if "open_llm_proxy.serve.recorder" in Path(f"/proc/{pid}/cmdline").read_text():
            return pid
    raise AssertionError("no recorder")
