import csv
import io
import json


def test_a_table(run, reading):
    said = run("logs", "sessions", "--from-dir", str(reading))
    assert said.status == 0
    assert "the last 7 days" in said.err
    head, row = said.out.splitlines()
    assert head.split() == [
        "began",
        "(UTC)",
        "session",
        "question",
        "app",
        "model",
        "turns",
        "tokens",
        "cost",
        "status",
    ]
    assert row.split()[2:] == ["s-1", "How", "many", "parks?", "geo", "kimi", "2", "16", "→", "4", "-", "error"]


def test_rows_for_programs(run, reading):
    [row] = json.loads(run("logs", "sessions", "--from-dir", str(reading), "--format", "json").out)
    assert (row["session_key"], row["turns"]) == ("s-1", 2)
    assert json.loads(run("logs", "sessions", "--from-dir", str(reading), "--format", "jsonl").out) == row
    [line] = csv.DictReader(io.StringIO(run("logs", "sessions", "--from-dir", str(reading), "--format", "csv").out))
    assert line["question"] == "How many parks?"


def test_a_file_in_the_form_of_its_name(run, reading, here):
    assert run("logs", "sessions", "--from-dir", str(reading), "-o", "a.csv").out == ""
    assert (here / "a.csv").read_text().startswith("session_key,session_id,")
    run("logs", "sessions", "--from-dir", str(reading), "-o", "a.txt")
    assert "How many parks?" in (here / "a.txt").read_text()


def test_a_window_that_is_named_is_not_said(run, reading):
    assert run("logs", "sessions", "--from-dir", str(reading), "--since", "1d").err == ""


def test_nothing_found_says_so(run, empty, reading):
    said = run("logs", "sessions", "--from-dir", str(empty))
    assert (said.status, said.out) == (0, "")
    assert "no such session" in said.err
    assert json.loads(run("logs", "sessions", "--from-dir", str(empty), "--format", "json").out) == []
    assert run("logs", "sessions", "--from-dir", str(reading), "--origin", "lakes").out == ""


def test_a_limit_says_so(run, reading):
    assert "--limit" in run("logs", "sessions", "--from-dir", str(reading), "--limit", "1").err


def test_wrong_usage(run, reading):
    assert run("logs", "sessions", "--from-dir", str(reading), "--format", "xml").status == 2
    assert run("logs", "sessions", "--from-dir", str(reading), "--limit", "0").status == 2
