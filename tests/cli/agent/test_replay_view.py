import io
import json

import pytest
from rich.console import Console
from tests.agent.test_comparison import make_original, make_replay

from open_llm_proxy.agent.comparison import compare
from open_llm_proxy.cli.agent.replay_view import form_of, show_comparison, write_comparison
from open_llm_proxy.errors import UserError


@pytest.fixture
def comparison():
    return compare(make_original(), make_replay())


def test_both_side_by_side(comparison, capsys):
    write_comparison(comparison, "text", None)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    rows = [line.split() for line in lines]
    assert ["original", "replay"] in rows
    assert ["turns", "3", "4"] in rows
    assert "[1] How many?" in lines
    assert ["answer", "There", "are", "42.", "There", "are", "41."] in rows
    assert "the same answer: 7" in lines
    place = lines.index("  query: another call")
    assert lines[place + 1 : place + 6] == [
        "    sql",
        "    @@ -1,2 +1,2 @@",
        "    -SELECT a",
        "    +SELECT b",
        "     FROM t",
    ]
    assert "no recorded result: count {}" in lines
    assert "note: a note of the original" in lines
    assert lines[-1] == "answered · answers or tool calls differ"


def test_what_models_say_drives_no_terminal():
    original, kept = make_original(), make_replay()
    kept.transcript.turns[2].content = "\x1b[2J [bold]"
    original.turns[0].tool_calls[0].name = "\x1b[31m"
    file = io.StringIO()
    show_comparison(compare(original, kept), Console(file=file, width=100, highlight=False, markup=False))
    assert "\x1b" not in file.getvalue()
    assert "\\x1b[2J [bold]" in file.getvalue()


@pytest.mark.parametrize(
    ("form", "output", "chosen"),
    [
        (None, None, "text"),
        (None, "a.md", "markdown"),
        (None, "a.JSON", "json"),
        (None, "a.txt", "text"),
        ("json", "a.md", "json"),
    ],
)
def test_the_form(form, output, chosen):
    assert form_of(form, output) == chosen


def test_a_form_that_is_none():
    with pytest.raises(UserError, match="--format takes text, json, markdown, not 'html'"):
        form_of("html", None)


def test_other_forms_and_files(comparison, capfd, tmp_path):
    write_comparison(comparison, "json", None)
    assert json.loads(capfd.readouterr().out)["same"] is False
    for form, start in (("markdown", "# Replay with other"), ("text", " ")):
        write_comparison(comparison, form, str(tmp_path / form))
        assert (tmp_path / form).read_text().startswith(start)
    assert f"wrote {tmp_path / 'text'}" in capfd.readouterr().err
