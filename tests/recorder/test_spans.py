import builtins
import logging
import threading

import pytest
from tests.parts.collector import run_collector
from tests.parts.ports import free_port

from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.recorder.progress import Place
from open_llm_proxy.recorder.spans import RequestIds, open_spans
from open_llm_proxy.records.build import Context, build_response
from open_llm_proxy.spool.frame import Frame

ID = "0af7651916cd43dd8448eb211c80319c"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PLACE = Place("d" * 16, 1, 0)
ENDPOINTS = {"p": "https://api.example/v1/chat/completions"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")


@pytest.fixture
def collector():
    with run_collector() as running:
        yield running


@pytest.fixture
def opened():
    spans = []

    def opened(endpoint, said=None):
        spans.append(open_spans(endpoint, ENDPOINTS, (said if said is not None else []).append))
        return spans[-1]

    yield opened
    for one in spans:
        if one is not None:
            one.close(5)


def answered(kit, request_id=ID, **fields):
    header = kit.response(request_id, **{"latency_us": 2_000_000, "attempts": 1, **fields})
    return Answered(header, build_response(Frame(header, kit.ANSWER), Context()))


def test_a_span_has_the_frames_times_and_the_requests_ids(kit, collector, opened, wait_until):
    opened(collector.endpoint).observe(PLACE, answered(kit))
    wait_until(lambda: collector.spans)
    span, attributes, resource = collector.spans[0]
    assert span.name == "chat m"
    assert span.kind == span.SPAN_KIND_CLIENT
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (kit.NOON_NS - 2 * 10**9, kit.NOON_NS)
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id) == (ID, ID[16:], b"")
    assert span.status.code == span.status.STATUS_CODE_UNSET
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert (attributes["server.address"], attributes["server.port"]) == ("api.example", 443)
    assert resource["service.name"] == "open-llm-proxy"
    assert collector.paths == ["/v1/traces"]
    assert collector.headers[0]["content-type"] == "application/x-protobuf"


def test_the_clients_span_is_the_parent(kit, collector, opened, wait_until):
    opened(collector.endpoint).observe(PLACE, answered(kit, traceparent=f"00-{TRACE}-{PARENT}-01"))
    wait_until(lambda: collector.spans)
    span = collector.spans[0].span
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.span_id.hex()) == (TRACE, PARENT, ID[16:])


def test_what_the_client_does_not_sample_is_left_out(kit, collector, opened, wait_until):
    spans = opened(collector.endpoint)
    spans.observe(PLACE, answered(kit, traceparent=f"00-{TRACE}-{PARENT}-00"))
    spans.observe(PLACE, answered(kit, request_id="1"))
    wait_until(lambda: collector.spans)
    assert [span.span_id.hex() for span, *_ in collector.spans] == ["0" * 15 + "1"]


@pytest.mark.parametrize("traceparent", ["nonsense", f"00-{'0' * 32}-{PARENT}-01", "\x00", f"ff-{TRACE}-{PARENT}-01"])
def test_a_parent_that_can_not_be_read_is_none(kit, collector, opened, wait_until, traceparent):
    opened(collector.endpoint).observe(PLACE, answered(kit, traceparent=traceparent))
    wait_until(lambda: collector.spans)
    assert collector.spans[0].span.trace_id.hex() == ID
    assert collector.spans[0].span.parent_span_id == b""


def test_an_error_is_one_without_its_text(kit, collector, opened, wait_until):
    opened(collector.endpoint).observe(PLACE, answered(kit, status=429, provider_status=429))
    wait_until(lambda: collector.spans)
    span, attributes, _ = collector.spans[0]
    assert (span.status.code, span.status.message) == (span.status.STATUS_CODE_ERROR, "")
    assert attributes["error.type"] == "429"
    assert b"answer" not in span.SerializeToString()


def test_other_providers_after_a_reload(kit, collector, opened, wait_until):
    spans = opened(collector.endpoint)
    spans.use({})
    spans.observe(PLACE, answered(kit))
    wait_until(lambda: collector.spans)
    assert "server.address" not in collector.spans[0].attributes


def test_the_sdks_own_variables_count(kit, collector, opened, wait_until, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "our-group")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=nrp")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{collector.endpoint}/tenant/traces")
    opened("http://127.0.0.1:1").observe(PLACE, answered(kit))
    wait_until(lambda: collector.spans)
    assert collector.headers[0]["authorization"] == "Basic abc"
    assert collector.paths == ["/tenant/traces"]
    resource = collector.spans[0].resource
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("our-group", "nrp")


def test_what_is_queued_at_the_end_goes_out(kit, collector, opened, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "60000")
    spans = opened(f"{collector.endpoint}/")
    for number in range(1, 50):
        spans.observe(PLACE, answered(kit, request_id=f"{number:032x}"))
    spans.close(10)
    assert len(collector.spans) == 49
    assert collector.paths == ["/v1/traces"]


def test_a_collector_that_is_gone_is_said_and_holds_up_nothing(kit, opened, wait_until):
    said = []
    before = set(threading.enumerate())
    spans = opened(f"http://127.0.0.1:{free_port()}", said)
    for number in range(1, 3000):
        spans.observe(PLACE, answered(kit, request_id=f"{number:032x}"))
    wait_until(lambda: any("traces: " in one for one in said))
    spans.close(0.1)
    assert not any("\n" in one or "Traceback" in one for one in said)
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_after_the_end_the_sdks_lines_are_nobodys(opened, collector):
    said = []
    opened(collector.endpoint, said).close(5)
    said.clear()
    logger = logging.getLogger("opentelemetry")
    assert logger.handlers == []


def test_without_the_extra_the_remedy_is_said(opened, monkeypatch):
    said = []
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert opened("http://127.0.0.1:4318", said) is None
    assert said == ["no traces: OpenTelemetry is not installed. Install it: pip install 'open-llm-proxy[traces]'"]


def test_variables_that_the_sdk_refuses_stop_only_the_traces(opened, monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-3")
    said = []
    assert opened("http://127.0.0.1:4318", said) is None
    assert said[0].startswith("no traces: OpenTelemetry does not start: ")


@pytest.mark.parametrize("request_id", ["", "0" * 32, "no hex", "f" * 40])
def test_ids_are_never_zero_and_fit(request_id):
    ids = RequestIds()
    ids.request_id = request_id
    assert 0 < ids.generate_trace_id() < 1 << 128
    assert 0 < ids.generate_span_id() < 1 << 64
    assert ids.is_trace_id_random()
