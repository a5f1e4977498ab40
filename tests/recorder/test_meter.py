import pytest

from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.recorder.meter import MODELS, Meter
from open_llm_proxy.recorder.progress import Place
from open_llm_proxy.records.build import Context, build_ended, build_response
from open_llm_proxy.records.response import make_ended_header
from open_llm_proxy.spool.frame import Frame
from open_llm_proxy.telemetry.ledger import LATENCY, OWN, STATUSES, TTFT, UPSTREAM, Labels

CONTEXT = Context()
MINE = Labels("p", "m", "default")
USAGE = b'{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":%b}'


class Metered:
    """A meter, fed with answers whose frames lie one after the other."""

    def __init__(self, kit, models=frozenset({"m"})):
        self.kit = kit
        self.ledger = kit.board.ledger
        self.ledger.begin(kit.NOON_NS)
        self.models = models
        self.offset = 0
        self.restart()

    def restart(self):
        self.meter = Meter(self.ledger, self.models)

    def feed(self, body=None, **fields):
        body = self.kit.ANSWER if body is None else body
        header = self.kit.response(1, **{"total_bytes": len(body), "latency_us": 1000, "attempts": 1, **fields})
        self.offset += 100
        self.again(Answered(header, build_response(Frame(header, body), CONTEXT)))

    def again(self, answered):
        self.answered = answered
        self.meter.observe(Place("d" * 16, 1, self.offset), answered)

    def row(self, labels=MINE):
        return dict(self.ledger.rows())[labels]

    def labels(self):
        return [labels for labels, _ in self.ledger.rows()]


@pytest.fixture
def metered(kit):
    return Metered(kit)


def test_a_call_is_counted_under_its_labels(metered):
    metered.feed(latency_us=2_000_000, own_us=80, ttft_us=700_000)
    row = metered.row()
    assert [row.calls(status) for status in STATUSES] == [1, 0, 0, 0, 0]
    assert [row.sum_us(scale) for scale in (LATENCY, TTFT, OWN, UPSTREAM)] == [2_000_000, 700_000, 80, 1_999_920]
    assert [sum(row.buckets(scale)) for scale in (LATENCY, TTFT, OWN, UPSTREAM)] == [1, 1, 1, 1]
    assert metered.labels() == [MINE]


def test_errors_are_counted_by_kind(metered):
    metered.feed(status=429, provider_status=429, ttft_us=500)
    metered.feed(error="Client disconnected/cancelled after 1ms", status=0, complete=False)
    row = metered.row()
    assert (row.errors("rate_limited"), row.errors("client_gone"), row.calls("4xx"), row.calls("none")) == (1, 1, 1, 1)
    assert sum(row.buckets(TTFT)) == 0


def test_a_call_that_never_went_upstream_has_no_upstream_time(metered):
    metered.feed(b"", error="Unknown model", status=400, provider_status=None, attempts=0)
    row = metered.row()
    assert [sum(row.buckets(scale)) for scale in (LATENCY, TTFT, OWN, UPSTREAM)] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (b'{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":8}}', (12, 3, 8)),
        (b'{"input_tokens":5,"output_tokens":6}', (5, 6, 0)),
        (b'{"prompt_tokens":-4,"completion_tokens":1e30}', (0, 0, 0)),
        (b'{"prompt_tokens":"many"}', (0, 0, 0)),
        (b"null", (0, 0, 0)),
    ],
)
def test_tokens(metered, usage, counted):
    metered.feed(USAGE % usage)
    row = metered.row()
    assert tuple(row.tokens(which) for which in ("input", "output", "cached_input")) == counted


def test_a_call_whose_worker_died_is_an_error_without_times(metered):
    request = metered.kit.request(1)
    ended = make_ended_header(request, request.at_ns + 5_000_000)
    metered.again(Answered(ended, build_ended(request, request.at_ns + 5_000_000, CONTEXT)))
    row = metered.row()
    assert (row.errors("worker_ended"), row.calls("none"), sum(row.buckets(LATENCY))) == (1, 1, 0)


def test_frames_that_are_read_again_count_once(metered):
    metered.feed()
    metered.restart()
    metered.again(metered.answered)
    assert metered.row().calls("2xx") == 1
    metered.meter.forget("d" * 16)
    metered.again(metered.answered)
    assert metered.row().calls("2xx") == 2


def test_calls_of_an_earlier_serve_are_not_counted(metered):
    header = metered.kit.response(1, metered.kit.NOON_NS - 1)
    metered.again(Answered(header, build_response(Frame(header, metered.kit.ANSWER), CONTEXT)))
    assert metered.labels() == []


def model(metered, name, **fields):
    header = metered.kit.response(1, attempts=1, **fields)
    header.model = name
    metered.offset += 100
    metered.again(Answered(header, build_response(Frame(header, metered.kit.ANSWER), CONTEXT)))


def test_models_that_no_provider_answered_have_no_label(metered):
    model(metered, "made-up", status=400, provider_status=400)
    model(metered, "made-up-too", status=400, provider_status=None)
    model(metered, None, status=400, provider_status=None)
    model(metered, "m", status=400, provider_status=400)
    model(metered, "answers")
    model(metered, "answers", status=500, provider_status=500)
    assert [labels.model for labels in metered.labels()] == ["other", "m", "answers"]


def test_models_beyond_the_configured_ones_are_bounded(metered):
    for number in range(MODELS + 5):
        model(metered, f"m{number}")
    model(metered, "m")
    metered.restart()
    model(metered, "later")
    model(metered, "m7")
    names = [labels.model for labels in metered.labels()]
    assert len(names) == MODELS + 2
    assert {"m", "other", "m7"} < set(names)
    assert metered.row(Labels("p", "other", "default")).calls("2xx") == 6
    metered.meter.models = frozenset({"later"})
    model(metered, "later")
    assert metered.row(Labels("p", "later", "default")).calls("2xx") == 1
