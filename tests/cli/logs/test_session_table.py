import duckdb
import pytest

from open_llm_proxy.cli.logs.session_table import show_sessions

ROW = {
    "session_key": "anon:0123456789abcdef", "question": "a\x1b[31m\nb", "app": None, "client": "script/1", "model": "kimi", "models_used": 3,
    "turns": 4, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.5, "error_turns": 1, "status": "ok",
    "started_at": "2026-04-07T12:00:00Z", "session_key_synthetic": True,
}  # fmt: skip


@pytest.fixture
def shown(capfd):
    def shown(**more):
        row = ROW | more
        rows = duckdb.sql("SELECT " + ", ".join(f"${name} AS {name}" for name in row), params=row)
        show_sessions(rows, "table", None, limit=50, place="here")
        return capfd.readouterr().out.splitlines()[1]

    return shown


def test_a_row(shown):
    assert shown().split() == [
        "04-07", "12:00", "anon:01234567", "a\\x1b[31m", "b", "script/1", "kimi", "+2", "4", "-", "$0.50", "ok,", "1", "failed",
    ]  # fmt: skip


def test_what_is_not_known(shown):
    bare = dict.fromkeys(("question", "client", "model", "cost_usd"), None)
    assert shown(**bare, models_used=0, error_turns=0).split()[3:] == ["-", "-", "-", "4", "-", "-", "ok"]


def test_a_session_with_an_id_is_named_by_less_of_it(shown):
    assert " 01234567  " in shown(session_key="0123456789", session_key_synthetic=False)


def test_a_long_question_leaves_the_others_room(shown):
    line = shown(question="very long " * 100)
    assert line.startswith("04-07 12:00  anon:01234567  very long")
    assert line.rstrip().endswith("ok, 1 failed")
    assert "…" in line
    assert len(line) <= 160


def test_a_narrow_terminal_does_without_some(shown, monkeypatch):
    monkeypatch.setattr("open_llm_proxy.cli.logs.session_table.PLAIN_WIDTH", 80)
    line = shown(question="very long " * 100)
    assert len(line) <= 80
    assert "very long very" in line
    assert "ok, 1 failed" in line
    assert "script" not in line
