import io
import json
import sys

import duckdb
import pytest


def test_a_question_is_answered(run, reading):
    said = run("logs", "query", "SELECT status, turns FROM sessions", "--from-dir", str(reading))
    assert (said.status, said.out.split(), said.err) == (0, ["status", "turns", "error", "2"], "")


@pytest.mark.parametrize("view", ["records", "turns", "sessions", "system_prompts"])
def test_each_view_is_there_though_nothing_is_stored(run, empty, view):
    said = run("logs", "query", f"SELECT count(*) AS n FROM {view}", "--from-dir", str(empty))
    assert said.out.split() == ["n", "0"]


def test_without_a_word_it_is_the_folder_that_the_environment_names(run, reading, monkeypatch):
    monkeypatch.setenv("LOGS_DIR", str(reading))
    assert run("logs", "query", "SELECT count(*) AS n FROM turns").out.split() == ["n", "2"]


def test_a_window(run, reading):
    asked = ("logs", "query", "SELECT count(*) AS n FROM turns", "--from-dir", str(reading))
    assert run(*asked, "--since", "1d").out.split() == ["n", "2"]
    assert run(*asked, "--to", "2020-01-01").out.split() == ["n", "0"]


def test_forms_and_files(run, reading, here):
    asked = ("logs", "query", "SELECT model, count(*) AS n FROM turns GROUP BY model", "--from-dir", str(reading))
    assert run(*asked, "--format", "csv", "-o", "out").status == 0
    assert (here / "out").read_text() == "model,n\nkimi,2\n"
    assert run(*asked, "-o", "out.json").status == 0
    assert json.loads((here / "out.json").read_text()) == [{"model": "kimi", "n": 2}]
    assert run(*asked, "-o", "out.parquet").status == 0
    assert duckdb.sql(f"FROM '{here}/out.parquet'").fetchall() == [("kimi", 2)]
    assert run(*asked, "--format", "markdown").out.splitlines()[2] == "| kimi | 2 |"


def test_sql_from_stdin(run, reading, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 7 AS n;\n"))
    assert run("logs", "query", "-", "--from-dir", str(reading)).out.split() == ["n", "7"]


def test_what_gives_no_rows_says_nothing(run, reading):
    said = run("logs", "query", "SET VARIABLE x = 1", "--from-dir", str(reading))
    assert (said.status, said.out) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["SELECT modle FROM turns"], "turns.model"),
        (["SELECT CAST(error AS INTEGER) FROM turns"], "Could not convert"),
        (["SELECT 1", "--format", "xml"], "--format takes"),
        (["SELECT 1", "--format", "parquet"], "-o FILE.parquet"),
        (["SELECT 1", "--since", "soon"], "--since takes"),
    ],
)
def test_wrong_usage(run, reading, arguments, told):
    said = run("logs", "query", *arguments, "--from-dir", str(reading))
    assert (said.status, said.out) == (2, "")
    assert told in said.err
    assert run("logs", "query", "SELECT 1", "--from-dir", "none").status == 2
