import io
import sys

import pytest


class Piped(io.StringIO):
    def isatty(self):
        return False


def test_what_comes_by_a_pipe_is_run(run, reading, monkeypatch):
    monkeypatch.setattr(
        sys, "stdin", Piped("SELECT count(*) AS turns FROM turns;\nSET VARIABLE x = 5; SELECT getvariable('x') AS x")
    )
    said = run("logs", "sql", "--from-dir", str(reading))
    assert (said.status, said.out.split()) == (0, ["turns", "2", "x", "5"])


@pytest.mark.parametrize(("text", "told"), [("SELECT modle FROM turns", "turns.model"), ("SELEC 1", "syntax error")])
def test_a_pipe_ends_at_what_is_wrong(run, reading, monkeypatch, text, told):
    monkeypatch.setattr(sys, "stdin", Piped(f"SELECT 1 AS one; {text}; SELECT 2 AS two"))
    said = run("logs", "sql", "--from-dir", str(reading))
    assert said.status == 2
    assert told in said.err
    assert "two" not in said.out
