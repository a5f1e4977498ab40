import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.screen import Screen, printable


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(params=[True, False], ids=["rich", "plain"])
def rich(request):
    return request.param


def test_lines_pieces_and_blocks_are_plain_text_where_there_is_no_terminal(rich, monkeypatch):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    file = io.StringIO()
    screen = Screen(file, rich=rich)
    screen.piece("a [b]", "bold")
    screen.piece("c")
    screen.line()
    screen.line("x" * 300, "red")
    screen.sql("SELECT 1\nFROM parks\n", "  ")
    screen.markdown("**bold** <b>")
    assert file.getvalue() == f"a [b]c\n{'x' * 300}\n  SELECT 1\n  FROM parks\n**bold** <b>\n"


def test_a_terminal_gets_colours_and_markdown(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file = Terminal()
    screen = Screen(file, rich=True)
    screen.sql("SELECT 1", "")
    screen.markdown("**bold**")
    assert "\x1b[" in file.getvalue()
    assert "**" not in file.getvalue()


def test_text_from_outside_cannot_drive_the_terminal():
    assert printable("a\x1b[2Jb\x07\x9b\u202ec\r\nd\te") == "a\ufffd[2Jb\ufffd\ufffd\ufffdc\nd\te"


@given(st.text())
def test_no_control_character_gets_through(text):
    assert all(character in "\n\t" or character.isprintable() or ord(character) > 0x9F for character in printable(text))


def test_a_reader_who_has_gone_ends_the_showing_only(rich):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as file:
        screen = Screen(file, rich=rich)
        for _ in range(3):
            screen.line("x" * 100_000)
        screen.piece("more")
