import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.answers.jsontext import dump
from open_llm_proxy.logs.redaction import Redaction, find_changes
from open_llm_proxy.records.scrub import Scrubber

KEY = "known-client-key-1234"
RECORD = {
    "timestamp": "2026-04-07T02:00:05.000001Z",
    "type": "request",
    "request_id": "0" * 32,
    "key": "default",
    "provider": "up",
    "tokens": {"total_tokens": 3},
    "content": "plain",
}


def redaction(*keys):
    return Redaction(Scrubber(keys or (KEY,)))


def test_a_record_without_secrets_is_the_same_object():
    line = json.dumps(RECORD)
    made = redaction()
    assert made.record(line) is line
    assert made.count == 0


@pytest.mark.parametrize(
    ("field", "value", "left", "places"),
    [
        ("content", f"use {KEY}", "use [REDACTED]", {"content": 1}),
        ("tool_calls", [{"id": "1", "arguments": '{"headers":{"api_key":"abc"}}'}], None, {"tool_calls[].arguments.headers.api_key": 1}),
        ("tool_calls", [{"arguments": "SECRET 'abc'"}, {"arguments": "SECRET 'abc'"}], None, {"tool_calls[].arguments": 2}),
        ("params", '{"password":"x","n":1.50}', '{"password":"[REDACTED]","n":1.5}', {"params.password": 1}),
        ("messages", [{"content": [{"text": "Bearer abcdefgh12345678"}]}], None, {"messages[].content[].text": 1}),
        ("client", KEY, "[REDACTED]", {"client": 1}),
        ("an_older_token", "x", "[REDACTED]", {"an_older_token": 1}),
        ("odd", {KEY: 1}, {"[REDACTED]": 1}, {"odd.[REDACTED]": 1}),
    ],
)  # fmt: skip
def test_what_was_redacted_is_told_by_where_it_stood(field, value, left, places):
    made = redaction()
    line = made.record(json.dumps(RECORD | {field: value}))
    scrubbed = json.loads(line)
    assert dict(made.places) == places
    assert list(scrubbed) == list(RECORD | {field: value})
    assert left is None or scrubbed[field] == left
    assert {name: item for name, item in scrubbed.items() if name != field} == {
        name: item for name, item in RECORD.items() if name != field
    }
    again = redaction()
    assert again.record(line) is line
    assert KEY not in line + repr(made.places)


def test_what_the_proxy_says_of_itself_stays_whatever_the_keys_are():
    line = json.dumps(RECORD | {"host": "up", "content": "request default"})
    scrubbed = json.loads(redaction("request", "default", "2026").record(line))
    assert scrubbed == RECORD | {"host": "up", "content": "[REDACTED] [REDACTED]"}


@pytest.mark.parametrize("line", [f"torn {KEY}", f'{{"content":"{KEY}', f'["{KEY}"]', f'"{KEY}"'])
def test_a_line_that_is_no_record_is_text(line):
    made = redaction()
    assert made.record(line) == line.replace(KEY, "[REDACTED]")
    assert made.count == 1


def test_the_place_of_a_column_comes_first():
    made = redaction()
    made.record(json.dumps(RECORD | {"content": KEY}), "entry")
    made.text(f'[{{"content":"{KEY}"}}]', "tool_results")
    made.text(KEY, "error")
    made.text(KEY)
    assert dict(made.places) == {"entry.content": 1, "tool_results[].content": 1, "error": 1, "text": 1}


def test_a_name_in_the_report_is_short_and_printable():
    made = redaction()
    made.record(json.dumps({"content": {"a\n" * 100: {"password": "x"}}}))
    (place,) = made.places
    assert len(place) < 100
    assert place.isprintable()


texts = st.text(max_size=12) | st.sampled_from([KEY, f"x {KEY}", f'{{"secret":"{KEY}"}}', "SECRET 'abc'"])
values = st.recursive(
    texts | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["content", "messages", "host", "odd"]), values, max_size=4))
def test_twice_is_once_and_a_change_is_always_told(record):
    line = dump(record)
    made = redaction()
    scrubbed = made.record(line)
    assert (made.count > 0) == (scrubbed is not line)
    assert KEY not in json.dumps({name: item for name, item in json.loads(scrubbed).items() if name != "host"})
    again = redaction()
    assert again.record(scrubbed) is scrubbed


def test_equal_values_have_no_changes():
    assert list(find_changes({"a": [1, "x"]}, {"a": [1, "x"]})) == []
