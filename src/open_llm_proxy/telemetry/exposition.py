"""The scoreboard and its ledger as Prometheus metrics: one row a metric; docs/metrics.md has the same rows.

Read at each scrape: nothing is kept here but the highest value of each counter seen.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from open_llm_proxy.telemetry import scoreboard as board
from open_llm_proxy.telemetry.ledger import KINDS, LATENCY, OWN, STATUSES, TTFT, UPSTREAM, Labels, Row, Scale
from open_llm_proxy.telemetry.scoreboard import Facts, Scoreboard

PREFIX: Final = "open_llm_proxy_"
CALL_LABELS: Final = Labels._fields
_NANO: Final = 1e-9
_FAILING: Final = 2


class _Total(NamedTuple):
    """A metric that is one counter, summed over all slots, times ``factor``."""

    name: str
    help: str
    counter: int
    factor: float = 1


class _Duration(NamedTuple):
    """A histogram of the ledger."""

    name: str
    help: str
    scale: Scale


_COUNTERS: Final = (
    _Total("records_accepted_total", "Records owed to the log, two a call.", board.ACCEPTED),
    _Total("records_spooled_total", "Records whose frames the kernel has.", board.SPOOLED),
    _Total("records_recorded_total", "Records made of frames.", board.RECORDED),
    _Total("records_shipped_total", "Records that the store has confirmed.", board.SHIPPED),
    _Total("records_lost_total", "Records whose frames could not be written.", board.LOST),
    _Total("records_unreadable_total", "Frames of which no record could be made, set aside.", board.UNREADABLE),
    _Total("bodies_dropped_total", "Frames written without their body, for want of room.", board.BODIES_DROPPED),
    _Total("spool_writes_total", "Writes to the spool.", board.SPOOL_WRITES),
    _Total("spool_write_seconds_total", "Time in writes to the spool.", board.SPOOL_WRITE_NS, _NANO),
    _Total("spool_errors_total", "Errors of the spool's disk.", board.SPOOL_ERRORS),
    _Total("shipped_files_total", "Chunk files that the store has confirmed.", board.SHIPPED_FILES),
    _Total("ship_failures_total", "Attempts to store a chunk file that failed.", board.FAILED_ATTEMPTS),
    _Total("windows_total", "Flush windows whose balance was checked.", board.WINDOWS_CHECKED),
    _Total("imbalance_windows_total", "Windows in which responses lagged requests.", board.IMBALANCE_WINDOWS),
    _Total("unauthorized_total", "Requests refused for want of a good key.", board.UNAUTHORIZED),
    _Total(
        "client_connections_refused_total",
        "Connections of clients that were too many: over `limits.connections`, or no descriptor left.",
        board.CONNECTIONS_REFUSED,
    ),
    _Total("faults_total", "Exceptions of the proxy's own that were caught.", board.SWALLOWED),
    _Total("restarts_total", "Processes of this serve that ended and were started again.", board.RESTARTS),
    _Total("upstream_connects_total", "Connections made to providers.", board.UPSTREAM_CONNECTS),
    _Total("upstream_reuses_total", "Calls that went out on an idle connection.", board.UPSTREAM_REUSES),
)
_GAUGES: Final = (
    _Total("in_flight_calls", "Calls that are being answered.", board.IN_FLIGHT),
    _Total("client_connections", "Open connections of clients.", board.CONNECTIONS),
    _Total("upstream_idle_connections", "Connections to providers that wait for a call.", board.UPSTREAM_IDLE),
    _Total("buffered_bytes", "Request bodies held in memory.", board.BUFFERED_BYTES),
    _Total("spool_bytes", "Segments in the spool.", board.SPOOL_BYTES),
    _Total("spool_waiting_frames", "Frames in the spool that are not yet records, an estimate.", board.FRAMES_WAITING),
    _Total("outbox_files", "Chunk files that wait for the store.", board.OUTBOX_FILES),
    _Total("outbox_bytes", "The size of those.", board.OUTBOX_BYTES),
)
_DURATIONS: Final = (
    _Duration("latency_seconds", "From a request's arrival to the end of its answer.", LATENCY),
    _Duration("ttft_seconds", "From a request's arrival to the first byte of a good answer's body.", TTFT),
    _Duration("upstream_seconds", "The part of the latency after the request had gone to the provider.", UPSTREAM),
    _Duration("own_seconds", "The proxy's own share: from a whole request until it goes to the provider.", OWN),
)
_TOKENS: Final = (
    ("input_tokens_total", "Tokens of prompts, as providers counted them, cached ones among them.", "input"),
    ("output_tokens_total", "Tokens of answers, as providers counted them.", "output"),
    ("cached_input_tokens_total", "Tokens of prompts that providers took from a cache.", "cached_input"),
)


class Exposition(Collector):
    """What a scrape of ``scoreboard`` shows; ``facts`` is asked each time."""

    def __init__(self, scoreboard: Scoreboard, facts: Callable[[], Facts]) -> None:
        self._board = scoreboard
        self._facts = facts
        self._highest: dict[str, float] = {}

    def collect(self) -> Iterator[Metric]:
        """All metrics, also those that have no samples yet."""
        rows = list(self._board.ledger.rows())
        yield from _call_metrics(rows)
        yield from (_duration_metric(duration, rows) for duration in _DURATIONS)
        yield from (self._counter(total) for total in _COUNTERS)
        yield from (_gauge(total.name, total.help, self._value(total)) for total in _GAUGES)
        yield from self._store_gauges()
        yield from self._fact_gauges()

    def _value(self, total: _Total) -> float:
        value = self._board.total(total.counter)
        return value if total.factor == 1 else value * total.factor

    def _counter(self, total: _Total) -> Metric:
        """A counter never falls, though the recorder takes off what it makes again after a kill."""
        value = max(self._value(total), self._highest.get(total.name, 0))
        self._highest[total.name] = value
        return CounterMetricFamily(PREFIX + total.name, total.help, value=value)

    def _store_gauges(self) -> Iterator[Metric]:
        slot = self._board.slot(board.RECORDER_SLOT)
        oldest_ns, state = slot[board.OLDEST_UNSHIPPED_NS], slot[board.STORE_STATE]
        age_s = max(0.0, time.time() - oldest_ns * _NANO) if oldest_ns else 0.0
        yield _gauge("oldest_unshipped_seconds", "Age of the oldest record that the store does not have.", age_s)
        yield _gauge("store_configured", "1: records go to a store; 0: to stdout alone.", int(state != 0))
        yield _gauge("store_failing", "1: the last attempt to store something failed.", int(state == _FAILING))

    def _fact_gauges(self) -> Iterator[Metric]:
        facts = self._facts()
        yield _gauge("spool_limit_bytes", "Over this, bodies and then frames are left out.", facts.spool_limit_bytes)
        yield _gauge("outbox_limit_bytes", "At this, frames stay in the spool.", facts.outbox_limit_bytes)
        yield _gauge("start_time_seconds", "Unix time at which this serve began.", self._board.ledger.begun_ns * _NANO)
        info = GaugeMetricFamily(PREFIX + "build_info", "Always 1; the version is a label.", labels=("version",))
        info.add_metric((facts.version,), 1)
        yield info


def make_registry(scoreboard: Scoreboard, facts: Callable[[], Facts]) -> CollectorRegistry:
    """A registry with our metrics alone: none of the Python process that serves them."""
    registry = CollectorRegistry()
    registry.register(Exposition(scoreboard, facts))
    return registry


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _call_metrics(rows: Iterable[tuple[Labels, Row]]) -> Iterator[Metric]:
    calls = CounterMetricFamily(
        PREFIX + "calls_total", "Calls that have ended, by the class of status sent.", labels=(*CALL_LABELS, "status")
    )
    errors = CounterMetricFamily(PREFIX + "errors_total", "Calls that failed.", labels=(*CALL_LABELS, "kind"))
    for labels, row in rows:
        for status in STATUSES:
            calls.add_metric((*labels, status), row.calls(status))
        for kind in KINDS:
            errors.add_metric((*labels, kind), row.errors(kind))
    yield calls
    yield errors
    for name, text, which in _TOKENS:
        tokens = CounterMetricFamily(PREFIX + name, text, labels=CALL_LABELS)
        for labels, row in rows:
            tokens.add_metric(labels, row.tokens(which))
        yield tokens


def _duration_metric(duration: _Duration, rows: Iterable[tuple[Labels, Row]]) -> Metric:
    metric = HistogramMetricFamily(PREFIX + duration.name, duration.help, labels=CALL_LABELS)
    bounds = [*(f"{bound / 1e6:g}" for bound in duration.scale.bounds_us), "+Inf"]
    for labels, row in rows:
        count = 0
        buckets: list[tuple[str, float]] = []
        for bound, found in zip(bounds, row.buckets(duration.scale), strict=True):
            count += found
            buckets.append((bound, count))
        metric.add_metric(labels, buckets, sum_value=row.sum_us(duration.scale) / 1e6)
    return metric
