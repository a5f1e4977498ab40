"""Spans of calls that have ended, over OTLP/http-protobuf: OpenTelemetry's SDK, an extra, loaded where traces are on.

A span is made from frame and record with the frame's own times. It goes into the SDK's queue, which a thread of the
SDK empties; a collector that is slow or gone costs spans, never records. Ids come from the request's, so that a frame
that is read again after a kill gives the same span, and a call without a parent is found by its request id.
"""

import contextlib
import logging
import os
import random
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, cast

from open_llm_proxy import __version__
from open_llm_proxy.errors import UserError
from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.recorder.genai import Server, attributes_of, error_type_of, name_of
from open_llm_proxy.recorder.progress import Place

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator

SERVICE: Final = "open-llm-proxy"
PATH: Final = "/v1/traces"
OWN_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
"""The SDK's variable for traces alone: a whole URL, and it wins."""
LAST_EXPORT_S: Final = 1.0
_LOGGERS: Final = ("opentelemetry", "urllib3")

Say = Callable[[str], None]


class RequestIds:
    """The SDK's id generator: a span's ids are those of the request that ``request_id`` names."""

    def __init__(self) -> None:
        self.request_id = ""

    def generate_trace_id(self) -> int:
        """128 bits: the whole id."""
        return self._number() or random.getrandbits(128) | 1

    def generate_span_id(self) -> int:
        """64 bits: the random half of it."""
        return self._number() & ((1 << 64) - 1) or random.getrandbits(64) | 1

    def is_trace_id_random(self) -> bool:
        """Whether the lower 56 bits are."""
        return True

    def _number(self) -> int:
        try:
            return int(self.request_id, 16) & ((1 << 128) - 1)
        except ValueError:
            return 0


class Spans:
    """An ``Observer``.

    Args:
        exporter: Where batches of spans go.
        endpoints: The providers' chat URLs.
        say: Told of what the SDK complains about.
    """

    def __init__(self, exporter: "SpanExporter", endpoints: Mapping[str, str], say: Say) -> None:
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - the same
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - the same
            TraceContextTextMapPropagator,
        )

        self._ids = RequestIds()
        self._exporter = exporter
        self._provider = TracerProvider(
            resource=_resource(), shutdown_on_exit=False, id_generator=cast("IdGenerator", self._ids)
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(SERVICE, __version__)
        self._extract = TraceContextTextMapPropagator().extract
        self._handler = _Sayer(say)
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self._handler)
        self.use(endpoints)

    def use(self, endpoints: Mapping[str, str]) -> None:
        """Take other providers."""
        self._servers = {name: Server.of(endpoint) for name, endpoint in endpoints.items()}

    def observe(self, place: Place, answered: Answered) -> None:
        """Hand the SDK one span; never waits."""
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - an extra

        del place
        header = answered.header
        self._ids.request_id = header.request_id
        # Without a parent a fresh context: none may come from this process.
        span = self._tracer.start_span(
            name_of(answered),
            context=self._extract({"traceparent": header.traceparent or ""}),
            kind=SpanKind.CLIENT,
            attributes=attributes_of(answered, self._servers.get(header.provider)),
            start_time=header.at_ns - header.latency_us * 1000,
        )
        if error_type_of(answered) is not None:
            span.set_status(StatusCode.ERROR)
        span.end(end_time=header.at_ns)

    def forget(self, directory: str) -> None:
        """Spans know no directories."""

    def close(self, timeout_s: float) -> None:
        """Export what is queued, for ``timeout_s`` seconds at most, or a little longer where an export is under way."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces end", daemon=True)
        ending.start()
        ending.join(timeout_s)
        if ending.is_alive():
            self._exporter.shutdown()  # wakes an export that waits for its next try
            ending.join(LAST_EXPORT_S)
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._handler)


def open_spans(endpoint: str, endpoints: Mapping[str, str], say: Say) -> Spans | None:
    """Spans to the collector at ``endpoint``, its base URL; None, and said why, where there can be none."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    except ImportError:
        say(
            str(
                UserError(
                    "no traces: OpenTelemetry is not installed", "Install it: pip install 'open-llm-proxy[traces]'"
                )
            )
        )
        return None
    try:
        exporter = OTLPSpanExporter(None if os.environ.get(OWN_ENDPOINT) else endpoint.rstrip("/") + PATH)
        return Spans(exporter, endpoints, say)
    except Exception as error:  # noqa: BLE001 - whatever the SDK thinks of its variables, records are made
        say(f"no traces: OpenTelemetry does not start: {error!r}")
        return None


def _resource() -> "Resource":
    """The SDK's resource (``OTEL_SERVICE_NAME``, ``OTEL_RESOURCE_ATTRIBUTES``), with our name where it has none."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra

    found = Resource.create()
    ours = {"service.version": __version__}
    if str(found.attributes.get("service.name", "unknown_service")).startswith("unknown_service"):
        ours["service.name"] = SERVICE
    return found.merge(Resource(ours))


class _Sayer(logging.Handler):
    """What the SDK logs becomes a line of ours, without its traceback."""

    def __init__(self, say: Say) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            self._say(f"traces: {record.getMessage()}")
