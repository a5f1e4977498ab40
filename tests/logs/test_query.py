import subprocess
import sys

import duckdb
import pytest
from tests.logs.archive import Archive

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.query import LiveViews, answering, ask, columns_of, nearest, open_views, refused, views_in
from open_llm_proxy.logs.window import ALL


@pytest.fixture
def connection(tmp_path):
    return open_views([Folder(tmp_path)], ALL)


def test_the_last_statement_is_the_answer(connection):
    assert ask(connection, "SET VARIABLE n = 3; SELECT getvariable('n') AS n -- done").fetchall() == [(3,)]
    assert ask(connection, "SET VARIABLE n = 4") is None


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "SELECT reqest_id FROM turns",
            ['"reqest_id" not found', "Candidate bindings", "The nearest: .*turns.request_id"],
        ),
        ("SELECT t.modle FROM turns AS t", ['column named "modle"', "The nearest: .*turns.model"]),
        ("FROM sesions", ["Table with name sesions does not exist", "The nearest: sessions"]),
        ("FROM recrods LIMIT 1", ["recrods does not exist", "The nearest: records"]),
        ("SELEC 1", ["syntax error", "LINE 1"]),
        (" ;\n", ["no SQL"]),
    ],
)
def test_what_is_not_understood_gets_duckdbs_words_and_the_nearest_name(connection, sql, told):
    with pytest.raises(UserError) as caught:
        ask(connection, sql)
    assert caught.value.exit_code == 2
    for words in told:
        assert caught.match(words)


def test_what_fails_later_is_said_as_well(connection):
    rows = ask(connection, "SELECT CAST(x AS INTEGER) FROM (VALUES ('1'), ('x')) AS v(x)")
    with pytest.raises(UserError, match="Could not convert"), answering(connection):
        rows.fetchall()


def test_a_file_that_went_away_is_asked_for_again(connection):
    found = refused(connection, duckdb.IOException('IO Error: No files found that match the pattern "/x/y.parquet"'))
    assert "ask again" in found.remedy


def test_no_name_is_near(connection):
    assert nearest(connection, "zzzzzz") == []
    with pytest.raises(UserError) as caught:
        ask(connection, "SELECT zzzzzz FROM turns")
    assert "nearest" not in str(caught.value)


def test_only_the_views_that_are_named_are_made(tmp_path):
    assert views_in("SELECT * FROM Turns JOIN sessions USING (session_key)") == ("turns", "sessions")
    assert len(views_in("SHOW TABLES")) == 4
    connection = open_views([Folder(tmp_path)], ALL, "FROM records")
    assert {view for view, _ in columns_of(connection)} == {"records"}
    with pytest.raises(UserError, match="The nearest: turns"):
        ask(connection, "FROM turnz")


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_a_long_prompt_sees_what_is_written_replaced_and_taken_away(place, request, scribe, tmp_path, monkeypatch):
    monkeypatch.setattr("open_llm_proxy.logs.query.FRESH_S", 0)
    source = request.getfixturevalue(place)
    other = source if place == "folder" else Bucket(source.url, source.options)  # another process writes
    archive = Archive(other, tmp_path / "work")
    views = LiveViews([source], ALL)

    def count():
        views.follow()
        return ask(views.connection, "SELECT count(*), count(DISTINCT model) FROM turns").fetchall()

    assert count() == [(0, 0)]
    scribe.ask("One?")
    archive.raw(scribe.records)
    assert count() == [(1, 1)]
    archive.daily(scribe.records, scribe.day)
    other.delete([file.key for file in other.list(f"{scribe.day}/")])
    assert count() == [(1, 1)]
    scribe.identity["model"] = "qwen3"
    scribe.ask("Two?")
    archive.daily(scribe.records, scribe.day)
    assert count() == [(2, 2)]


def test_ctrl_c_is_what_it_is_elsewhere(connection):
    with pytest.raises(KeyboardInterrupt), answering(connection):
        raise RuntimeError("Query interrupted")
    with pytest.raises(RuntimeError, match="other"), answering(connection):
        raise RuntimeError("other")


INTERRUPTED = """
import os, signal, threading
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.export.rows import read_texts
from open_llm_proxy.logs.query import answering, ask

connection = connect(())
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    with answering(connection):
        list(read_texts(ask(connection, "SELECT sum(a.range * b.range) FROM range(100000000) AS a, range(10000) AS b")))
except KeyboardInterrupt:
    print(ask(connection, "SELECT 7").fetchall())
"""


def test_after_ctrl_c_the_next_question_does_not_wait_for_the_last():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[(7,)]\n", "")
