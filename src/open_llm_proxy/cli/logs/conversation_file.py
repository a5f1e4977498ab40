"""A conversation in the form that was asked for, on stdout or in a file."""

import io
import sys
from pathlib import Path
from typing import IO, Final

from rich.console import Console

from open_llm_proxy.cli.logs.conversation_view import show_conversation
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.conversation import Conversation
from open_llm_proxy.logs.export import html_page, json_text, markdown
from open_llm_proxy.telemetry import diagnostics

PLAIN_WIDTH: Final = 100
"""Columns of a text that goes to no terminal."""

_BY_ENDING: Final = {".md": "markdown", ".markdown": "markdown", ".html": "html", ".htm": "html", ".json": "json"}
_RENDERERS: Final = {"markdown": markdown.render, "html": html_page.render, "json": json_text.render}
FORMS: Final = ("text", *_RENDERERS)


def form_of(form: str | None, output: str | None) -> str:
    """The form to write; where none is named, the file's ending tells.

    Raises:
        UserError: It is no form.
    """
    if form is None:
        return _BY_ENDING.get(Path(output).suffix.lower(), "text") if output else "text"
    if form not in FORMS:
        raise UserError(f"--format takes {', '.join(FORMS)}, not {form!r}")
    return form


def write_conversation(conversation: Conversation, form: str, output: str | None, *, unfold: bool) -> None:
    """Write it; ``unfold``: reasoning and results whole, in a text that is not for a file, too.

    Raises:
        UserError: The file cannot be written.
    """
    if output is None and form == "text":
        console = Console(highlight=False, emoji=False, markup=False)
        show_conversation(conversation, console if console.is_terminal else _plain(sys.stdout), unfold=unfold)
        return
    text = _text(conversation, unfold=unfold) if form == "text" else _RENDERERS[form](conversation)
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text)


def write_file(output: str, text: str) -> None:
    """Write a text to a file, and say so.

    Raises:
        UserError: It cannot be written.
    """
    path = Path(output).expanduser()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "Name another file with -o") from error
    diagnostics.say("info", f"wrote {path}")


def _text(conversation: Conversation, *, unfold: bool) -> str:
    buffer = io.StringIO()
    show_conversation(conversation, _plain(buffer), unfold=unfold)
    return buffer.getvalue()


def _plain(file: IO[str]) -> Console:
    return Console(file=file, width=PLAIN_WIDTH, highlight=False, emoji=False, markup=False)
