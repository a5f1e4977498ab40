from open_llm_proxy.logs.condense.day import condense_day
from open_llm_proxy.logs.verify.drift import EXPECTED, check_drift

DAY = "2026-11-01"


def plain(findings):
    return [(one.times, one.detail) for one in findings]


def test_what_records_have_to_have():
    assert EXPECTED["request", "tool_results_this_turn"] == "array"
    assert EXPECTED["request", "stream"] == "boolean"
    assert EXPECTED["response", "latency_ms"] == "number"
    assert EXPECTED["response", "tokens"] == "object"
    assert EXPECTED["tools", "tools"] == "string"
    assert EXPECTED["response", "type"] == "string"


def test_records_as_they_have_to_be(press, folder, corpus, calls, unit, site):
    corpus.put(folder, calls)
    assert list(check_drift(press, unit(), {})) == []
    condense_day(site, press, DAY)
    assert list(check_drift(press, unit(), {})) == []


def test_a_field_of_another_type(press, folder, corpus, unit):
    records = [
        corpus.request("a", corpus.stamp(DAY, 5), message_count="two"),
        corpus.response("a", corpus.stamp(DAY, 6), tokens=5),
    ]
    corpus.put(folder, records)
    assert plain(check_drift(press, unit(), {})) == [
        (1, "request.message_count is string, not number"),
        (1, "response.tokens is number, not object"),
    ]


def test_an_unknown_field_that_changes_its_type(press, folder, corpus, unit):
    records = [
        corpus.request(str(number), corpus.stamp(DAY, 5), extra=extra)
        for number, extra in enumerate((1, 2, 3.5, "x", None))
    ]
    corpus.put(folder, records)
    seen = {}
    assert plain(check_drift(press, unit(), seen)) == [(1, "request.extra is string, not number")]
    assert seen["request", "extra"] == {"number": 3, "string": 1}
    corpus.put(folder, [corpus.request("a", corpus.stamp(DAY, 5), extra="x")])
    assert plain(check_drift(press, unit(), {("request", "extra"): {"number": 3}})) == [
        (1, "request.extra is string, not number")
    ]
