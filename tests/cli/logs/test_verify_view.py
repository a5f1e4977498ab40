import json
import sys

import pytest

from open_llm_proxy.cli.logs.verify_view import check_form, show_verified, summarise, watching
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.verify.run import Verified
from open_llm_proxy.logs.verify.unit import Finding

FOUND = Verified(
    ["2026-10", "2026-11-01"], 7, [Finding("pairs", "2026-11-01", 1200, "requests [red] without a response")]
)


def test_a_table_whose_lines_are_whole(capsys):
    show_verified([(Folder("/x"), FOUND)], "table")
    head, row, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["check", "where", "count", "detail"]
    assert row.split(maxsplit=3) == ["pairs", "2026-11-01", "1,200", "requests [red] without a response"]
    assert last == "/x: 1 finding in 7 files of 2026-10 to 2026-11-01"


def test_json(capsys):
    show_verified([(Folder("/x"), FOUND)], "json")
    [found] = json.loads(capsys.readouterr().out)
    assert found["findings"] == [
        {"check": "pairs", "where": "2026-11-01", "count": 1200, "detail": "requests [red] without a response"}
    ]


def test_the_last_line():
    assert summarise(Verified([], 0, [])) == "nothing to check in this time"
    assert summarise(FOUND._replace(findings=[])) == "clean: 7 files of 2026-10 to 2026-11-01"


def test_an_unknown_form():
    with pytest.raises(UserError, match="table or json"):
        check_form("xml")


def test_a_word_on_a_terminal(monkeypatch, capsys):
    with watching() as watch:
        watch("2026-11-01")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with watching() as watch:
        watch("2026-11-01")
