import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.gold import NO_ANSWER, Gold, compile_regex, grade, holds, json_in, numbers_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
PLAIN = Gold("json", None)


@pytest.mark.parametrize(
    ("gold", "answer", "passed"),
    [
        (Gold("exact", ("42",)), " 42\n", True),
        (Gold("exact", ("42",)), "42.", False),
        (Gold("exact", ("Rome", "Roma")), "Roma", True),
        (Gold("exact", ("Rome",)), "rome", False),
        (Gold("exact", ("Rome",), ignore_case=True), "ROME", True),
        (Gold("numeric", 42), "There are 42 parks.", True),
        (Gold("numeric", 42), "There are **42** of 49.", True),
        (Gold("numeric", 42), "There are 420.", False),
        (Gold("numeric", 42), "v1.42 or GAP42", False),
        (Gold("numeric", 0.3), "0.30000000000000004", True),
        (Gold("numeric", 1234.5), "about 1,234.5 km²", True),
        (Gold("numeric", 1234567), "1\u202f234\u202f567", True),
        (Gold("numeric", 1_200_000, relative=0.01), "1.2 million acres", True),
        (Gold("numeric", 1.2), "1.2 million acres", True),
        (Gold("numeric", -5), "minus: -5 °C", True),
        (Gold("numeric", -5), "\u22125", True),
        (Gold("numeric", 20), "10-20 parks", True),
        (Gold("numeric", -20), "10-20 parks", False),
        (Gold("numeric", 42), "42%", True),
        (Gold("numeric", 100, tolerance=2), "101.9", True),
        (Gold("numeric", 100, tolerance=2), "102.1", False),
        (Gold("numeric", 100, relative=0.05), "95", True),
        (Gold("numeric", 100, relative=0.05), "94", False),
        (Gold("numeric", 42, which="first"), "49 in all, 42 of them on land", False),
        (Gold("numeric", 42, which="last"), "49 in all, 42 of them on land", True),
        (Gold("numeric", 6.02e23), "6.02e23", True),
        (Gold("numeric", 42), "forty-two", False),
        (Gold("regex", r"^total: \d+$"), "Well\ntotal: 7\nbye", True),
        (Gold("regex", "a.b"), "a\nb", True),
        (Gold("regex", "rome"), "Rome", False),
        (Gold("regex", "rome", ignore_case=True), "Rome", True),
        (Gold("json", {"a": 1}), '{"a": 1, "b": 2}', True),
        (Gold("json", {"a": {"b": [2, 1]}}), 'Here:\n```json\n{"a": {"b": [1, 2, 3], "c": null}}\n```', True),
        (Gold("json", {"a": 1}), '{"a": true}', False),
        (Gold("json", {"a": None}), "{}", False),
        (Gold("json", {"a": None}), '{"a": null}', True),
        (Gold("json", [1, 1]), "[1, 2]", False),
        (Gold("json", {"a": 1}), 'not {this} but {"a": 1.0}', True),
        (Gold("json", {"a": 10}, tolerance=1), '{"a": 10.5}', True),
        (Gold("json", {"a": 1}), "no JSON", False),
    ],
)
def test_grading(gold, answer, passed):
    found = grade(gold, answer)
    assert found.passed is passed
    assert found.reason


@pytest.mark.parametrize("kind", ["exact", "numeric", "regex", "json"])
@pytest.mark.parametrize("answer", [None, ""])
def test_no_answer_is_wrong(kind, answer):
    assert grade(Gold(kind, ("",)), answer) == (found := grade(Gold(kind, 0), answer))
    assert (found.passed, found.reason) == (False, NO_ANSWER)


def test_the_reason_names_what_was_found():
    assert grade(Gold("numeric", 42, tolerance=1), "7 and 8").reason == "none of its numbers (7, 8) is 42 ± 1"
    assert grade(Gold("regex", "R.m"), "Rome").reason == "/R.m/ is in it: 'Rom'"


def test_an_expression_that_is_none():
    with pytest.raises(re.error):
        compile_regex("(")


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        (Gold("numeric", 42, tolerance=0.5, relative=0.01), "42 ± 0.5 ± 0.01 of it"),
        (Gold("exact", ("a", "b")), "a or b"),
        (Gold("json", {"ü": 1}), '{"ü": 1}'),
        (Gold("judge", "be nice"), "be nice"),
    ],
)
def test_what_is_wanted_in_a_line(gold, text):
    assert gold.text == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_each_number_is_read_as_it_is_written(value):
    assert numbers_in(f"it is {value!r}.") == [(pytest.approx(value),)]
    assert numbers_in(f"it is {value:,.3f} km")[0][0] == pytest.approx(value, abs=1e-3)


@given(st.text())
def test_any_text_is_read(text):
    numbers_in(text)
    list(json_in(text))


@given(JSON)
def test_all_holds_itself_and_its_parts(value):
    assert holds(value, value, PLAIN)
    assert list(json_in(json.dumps(value))) == [value]
    if isinstance(value, list):
        assert holds([*reversed(value), 7], value, PLAIN)
        assert not holds(value, [*value, "one more than there is"], PLAIN)
    if isinstance(value, dict):
        assert holds(value | {"more than four": 1}, value, PLAIN)


def test_items_that_fit_several_are_given_to_those_that_need_them():
    assert holds([{"a": 1, "b": 2}, {"a": 1}], [{"a": 1}, {"a": 1, "b": 2}], PLAIN)
