import io
import sys

import duckdb
import pytest
from rich.console import Console

from open_llm_proxy.cli.logs.answer_view import print_table, show_answer
from open_llm_proxy.errors import UserError


def rows(sql):
    return duckdb.connect().sql(sql)


def printed(sql, **console):
    text = io.StringIO()
    print_table(rows(sql), Console(file=text, highlight=False, markup=False, emoji=False, **console))
    return text.getvalue()


def test_a_table_in_a_pipe_is_as_wide_as_it_has_to_be():
    long = "x" * 500
    head, row = printed(f"SELECT 1 AS n, '{long}' AS text, NULL AS none, '[bold]:x:' AS mark").splitlines()
    assert head.split() == ["n", "text", "none", "mark"]
    assert row.split() == ["1", long, "NULL", "[bold]:x:"]


def test_on_a_terminal_no_line_is_wider():
    lines = printed(f"SELECT '{'x' * 500}' AS text", force_terminal=True, color_system=None, width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert "…" in lines[1]


def test_a_row_is_one_line_and_holds_nothing_that_moves_the_cursor():
    lines = printed("SELECT E'a\\nb\\x1b[2J\\tc' AS text").splitlines()
    assert lines[1].rstrip() == "a↵b\ufffd[2J c"


def test_a_plan_is_as_duckdb_draws_it():
    assert "┌───" in printed("EXPLAIN SELECT 1")
    assert "explain_key" not in printed("EXPLAIN SELECT 1")


@pytest.mark.parametrize(
    ("form", "text"), [("table", "n\n1\n"), ("markdown", "| n |\n| ---: |\n| 1 |\n"), ("csv", "n\n1\n")]
)
def test_to_a_file(tmp_path, form, text):
    path = tmp_path / "out"
    show_answer(rows("SELECT 1 AS n"), form, str(path))
    assert path.read_text() == text
    with pytest.raises(UserError, match="cannot be written"):
        show_answer(rows("SELECT 1 AS n"), form, str(tmp_path / "none" / "out"))


def test_to_stdout(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    for form in ("table", "jsonl"):
        show_answer(rows("SELECT 1 AS n"), form, None)
        stream.flush()
    assert stream.buffer.getvalue() == b'n\n1\n{"n":1}\n'
