import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.config import env_file


def values(text):
    found, problems = env_file.parse(text.encode(), ".env")
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"),
        ("export A=1", "1"),
        ("  A = 1  ", "1"),
        ("A=", ""),
        ("A=a b", "a b"),
        ("A=a # remark", "a"),
        ("A=a#b", "a#b"),
        ("A= # remark", ""),
        ("A=a=b==", "a=b=="),
        ("A='a # \\n $B'", "a # \\n $B"),
        ("A='a' # remark", "a"),
        ('A="a # b"', "a # b"),
        (r'A="a\n\t\"\$\\b\q"', 'a\n\t"$\\b\\q'),
        ('A=""', ""),
        ("A=$B", "$B"),
        ("A=it's", "it's"),
        ("A=1\r", "1"),
    ],
)
def test_a_line(line, value):
    assert values(line) == {"A": value}


def test_remarks_and_empty_lines_are_nothing_and_the_last_of_a_name_wins():
    assert values("\ufeff# one\n\n  # two\nA=1\r\nB=2\nA=3\n") == {"A": "3", "B": "2"}


@pytest.mark.parametrize("line", ["A", "=1", "1A=1", "A-B=1", "A='x", 'A="x', "A='x'y", 'A="x" y', "A: 1"])
def test_a_line_that_is_none_is_named_and_not_shown(line):
    found, problems = env_file.parse(f"X=1\n{line}\nY=2".encode(), "/x/.env")
    assert found == {"X": "1", "Y": "2"}
    assert [str(problem) for problem in problems] == [
        "/x/.env:2: expected NAME=value (quotes closed, a remark after #)"
    ]


def test_bytes_that_are_no_text():
    assert env_file.parse(b"A=\xff", ".env")[1][0].path == ".env"


@given(st.text(st.characters(exclude_characters="\n'", exclude_categories=["Cs"])))
def test_whatever_stands_in_single_quotes_is_taken_as_it_is(text):
    assert values(f"A='{text}'") == {"A": text}


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data):
    values, problems = env_file.parse(data, ".env")
    assert len(values) + len(problems) <= data.count(b"\n") + 1
