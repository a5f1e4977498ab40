import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.config import document
from open_llm_proxy.config.problems import Problem


def message(data):
    value, problems = document.parse(data)
    assert value is None
    (problem,) = problems
    assert problem.path == ""
    return problem.message


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**30), 10**30)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_what_json_can_say_is_read_as_it_is(value):
    assert document.parse(json.dumps(value).encode()) == (value, [])


def test_a_syntax_error_has_line_and_column():
    assert message(b'{\n  "a": 1\n  "b": 2}').startswith("not JSON: line 3 column 3: ")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a": 1,}', "line 1 column 9: a comma before }"),
        (b'{"a": [1,]}', "line 1 column 10: a comma before ]"),
        (b'{\n// no\n"a": 1}', "line 2 column 1: JSON has no comments; a key that begins with _, $ or // is one"),
        (b'{"a": 1} # no', "line 1 column 10: JSON has no comments; a key that begins with _, $ or // is one"),
        (b"{'a': 1}", 'line 1 column 2: strings stand in double quotes (")'),
        (b'{"a": ', "line 1 column 7: the text ends too early"),
    ],
)
def test_what_people_do_has_better_words_than_the_parsers(data, reason):
    assert message(data) == f"not JSON: {reason}"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_python_numbers_are_no_json(word):
    assert message(f'{{"a": {word}}}'.encode()) == f"not JSON: {word} is no JSON number"


def test_a_number_that_becomes_infinite_is_refused():
    assert message(b'{"a": 1e999}') == "not JSON: 1e999 is too large a number"


def test_a_number_with_more_digits_than_python_reads_is_refused():
    assert message(b"[" + b"9" * 5000 + b"]").startswith("not JSON: ")


def test_nesting_without_end_is_refused():
    assert message(b"[" * 200_000) == "not read: nested too deeply"


@pytest.mark.parametrize("data", [b"", b"  \n"])
def test_an_empty_file_is_said_to_be_empty(data):
    assert message(data).startswith("the file is empty")


def test_bytes_that_are_no_utf8_have_line_and_column():
    assert message(b'{\n"a": "\xff"}') == "not UTF-8: byte 0xff in line 2 column 7"
    assert message('{"a": 1}'.encode("utf-16")).startswith("not UTF-8: byte 0xff in line 1 column 1")


def test_a_byte_order_mark_is_a_mistake_beside_the_others():
    value, problems = document.parse(b'\xef\xbb\xbf{"a": 1}')
    assert value == {"a": 1}
    assert [problem.message for problem in problems] == [
        "the file begins with a byte order mark; save it as UTF-8 without one"
    ]
    value, problems = document.parse(b"\xef\xbb\xbf{")
    assert (value, len(problems)) == (None, 2)


def test_a_repeated_key_is_remembered_where_it_is():
    value, problems = document.parse(b'{"a": 1, "b": {"c": 1, "c": 2, "_x": 1, "_x": 2}, "a": 3}')
    assert problems == []
    assert document.repeated_here(value, ()) == [Problem("a", "given twice; keep one")]
    assert document.repeated_here(value["b"], ("b",)) == [Problem("b.c", "given twice; keep one")]
    assert [problem.path for problem in document.free_form_problems(value, ())] == ["a", "b.c", "b._x"]


def test_half_a_character_is_found_in_keys_and_values():
    value, _ = document.parse(b'{"a": ["x", "\\ud800"], "\\udfff": 1, "pair": "\\ud83d\\ude00"}')
    assert [problem.path for problem in document.free_form_problems(value, ("p",))] == ["p.a[1]", 'p["\\udfff"]']


@pytest.mark.parametrize(
    ("key", "remark"), [("_x", True), ("$schema", True), ("//", True), ("/", False), ("x_", False)]
)
def test_which_keys_are_remarks(key, remark):
    assert document.is_comment(key) is remark
