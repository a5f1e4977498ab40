import io

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from open_llm_proxy.cli.logs.sql_prompt import (
    NameCompleter,
    history_file,
    is_whole,
    make_session,
    run_prompt,
    run_script,
)
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.query import LiveViews, columns_of
from open_llm_proxy.logs.window import ALL


@pytest.fixture
def views(tmp_path):
    return LiveViews([Folder(tmp_path / "none")], ALL)


@pytest.fixture
def connection(views):
    return views.connection


def typed(views, keys, history=None, **console):
    text = io.StringIO()
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(keys)
        session = make_session(views.connection, history)
        status = run_prompt(views, session, Console(file=text, width=100, highlight=False, markup=False, **console))
    assert status == 0
    return text.getvalue()


def test_enter_runs_what_is_whole_and_goes_on_with_what_is_not(views):
    said = typed(views, "SELECT (40 +\r2) AS answer;\r.quit\r")
    assert "answer" in said
    assert "1 row\n" in said
    said = typed(views, "SELECT sum(\rx) AS total FROM range(4) AS t(x)\r\x04")
    assert "total" in said
    assert "6" in said


def test_an_error_is_said_and_the_prompt_goes_on(views, capfd):
    said = typed(views, "SELECT modle FROM turns;\r;\r.help\rSELECT 7 AS n\rSET VARIABLE x = 1;\rexit\r")
    assert "turns.model" in capfd.readouterr().err
    assert "7" in said
    assert said.count("Tab completes") == 2


def test_ctrl_c_gives_up_what_is_typed(views):
    assert "2" in typed(views, "SELECT 1 AS nonsense\x03SELECT 2 AS n\r\x04")


def test_what_was_typed_is_kept_for_the_next_time(views, tmp_path):
    history = tmp_path / "state" / "sql_history"
    typed(views, "SELECT 41 AS kept;\r\x04", history)
    assert "SELECT 41 AS kept;" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0
    assert "kept" in typed(views, "\x1b[A\r\x04", history)


def test_a_history_that_cannot_be_kept_is_none(views, tmp_path):
    (tmp_path / "file").write_text("")
    assert "n" in typed(views, "SELECT 1 AS n;\r\x04", tmp_path / "file" / "history")


def test_a_long_answer_goes_to_the_pager(views, monkeypatch):
    paged = []
    monkeypatch.setattr("pydoc.pager", paged.append)
    typed(views, "FROM range(300);\rFROM range(3);\r\x04", height=20)
    assert len(paged) == 1
    assert "299" in paged[0]


@pytest.mark.parametrize(
    ("text", "whole"),
    [("SELECT 1", True), ("SELECT", False), ("SELECT (1", False), ("SELECT 'a", False), ("SELEC 1", True), ("SELECT (;", True),
     (".help", True), ("quit", True), ("", True)],
)  # fmt: skip
def test_what_is_whole(connection, text, whole):
    assert is_whole(connection, text) is whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM ses", ["sessions", "session_id", "session_key", "session_key_synthetic"]),
        ("SELECT lower(ups", ["upstream_model"]),
        ("SELECT turns.req", ["request_ts", "request_id"]),
        ("SELECT turns.", 27),
        ("sel", ["SELECT"]),
        ("SELECT model, lev", ["levenshtein"]),
        ("SELECT ", 0),
    ],
)
def test_names_are_completed(connection, text, expected):
    completer = NameCompleter(columns_of(connection), ["SELECT", "levenshtein"])
    found = [one.text for one in completer.get_completions(Document(text), None)]
    assert len(found) == expected if isinstance(expected, int) else found == expected


def test_the_prompts_words_are_duckdbs(connection):
    words = [one.text for one in make_session(connection, None).completer.get_completions(Document("approx_q"), None)]
    assert [word.lower() for word in words] == ["approx_quantile"]


def test_a_script_stops_at_the_first_error(connection, capsys):
    assert run_script(connection, "SELECT 1 AS a; SELECT 2 AS b") == 0
    assert run_script(connection, "SELECT x; SELECT 3 AS c") == 2
    assert capsys.readouterr().out.split() == ["a", "1", "b", "2"]


def test_where_the_history_is(tmp_path):
    assert history_file({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "open-llm-proxy" / "sql_history"
    assert history_file({}).name == "sql_history"
