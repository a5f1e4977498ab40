import duckdb
import pytest

from open_llm_proxy.cli.logs.session_table import show_sessions

ROW = {
    "session_key": "anon:0123456789abcdef", "question": "a\x1b[31m\nb", "app": None, "client": "script/1", "model": "kimi", "models_used": 3,
    "turns": 4, "prompt_tokens": 0, "completion_tokens": 0, "cost_usd": 0.5, "error_turns": 1, "status": "ok",
    "started_at": "2026-04-07T12:00:00Z",
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
        "2026-04-07", "12:00:00", "anon:01234567", "a\\x1b[31m", "b", "script/1", "kimi", "+2", "4", "-", "$0.50", "ok", "(1", "failed)",
    ]  # fmt: skip


def test_what_is_not_known(shown):
    bare = dict.fromkeys(("question", "client", "model", "cost_usd"), None)
    assert shown(**bare, models_used=0, error_turns=0).split()[3:] == ["-", "-", "-", "4", "-", "-", "ok"]
