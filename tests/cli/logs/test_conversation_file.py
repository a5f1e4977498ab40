import pytest

from open_llm_proxy.cli.logs.conversation_file import form_of, write_conversation, write_file
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.weave import weave

RECORD = {
    "type": "request",
    "request_id": "1" * 32,
    "timestamp": "2026-04-07T12:00:00Z",
    "user_question": "q \ud83d",
    "message_count": 1,
}


@pytest.mark.parametrize(
    ("form", "output", "chosen"),
    [
        (None, None, "text"),
        (None, "a.HTML", "html"),
        (None, "a.md", "markdown"),
        (None, "a.log", "text"),
        ("json", "a.md", "json"),
    ],
)
def test_forms(form, output, chosen):
    assert form_of(form, output) == chosen


def test_no_form():
    with pytest.raises(UserError, match="text, markdown, html, json"):
        form_of("pdf", None)


@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
def test_half_an_emoji_is_no_trouble(capfd, tmp_path, form):
    write_conversation(weave([RECORD]), form, None, unfold=True)
    assert "q \\ud83d" in capfd.readouterr().out
    write_conversation(weave([RECORD]), form, str(tmp_path / "a"), unfold=True)
    assert "q \\ud83d" in (tmp_path / "a").read_text()


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        write_file(str(tmp_path / "no" / "where"), "")
