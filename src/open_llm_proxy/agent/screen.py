"""Where a view writes: with Rich where it is installed, as plain lines otherwise.

What models and tools say is text from outside: its control characters are taken out, so that it cannot drive a
terminal. A reader who has gone (``… | head``) ends the showing, not the session.
"""

import os
import re
from importlib.util import find_spec
from typing import Any, Final, TextIO

# C0 but tab and newline, DEL, C1, and what turns the direction of text around.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text without what a terminal would take for commands."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


class Screen:
    """A file that lines are written to."""

    def __init__(self, file: TextIO, *, rich: bool | None = None) -> None:
        self._file = file
        self._console: Any = None
        if find_spec("rich") is not None if rich is None else rich:
            from rich.console import Console  # noqa: PLC0415 - where it is installed

            self._console = Console(file=file, highlight=False, soft_wrap=True)
            self._console.on_broken_pipe = _raise_again  # Rich's own ends the process

    def line(self, text: str = "", style: str = "") -> None:
        """One line or several."""
        self._write(printable(text), style, "\n")

    def piece(self, text: str, style: str = "") -> None:
        """A piece of a line, at once."""
        self._write(printable(text), style, "")

    def sql(self, text: str, indent: str) -> None:
        """SQL, highlighted where that can be."""
        text = "\n".join(indent + line for line in printable(text).strip().splitlines())
        if self._console is None or not self._console.is_terminal:
            self.line(text)
            return
        from rich.syntax import Syntax  # noqa: PLC0415 - as above

        self._print(Syntax(text, "sql", theme="ansi_dark", background_color="default", word_wrap=True))

    def markdown(self, text: str) -> None:
        """Markdown: rendered on a terminal, as it is elsewhere."""
        if self._console is None or not self._console.is_terminal:
            self.line(text)
            return
        from rich.markdown import Markdown  # noqa: PLC0415 - as above

        self._print(Markdown(printable(text)), soft_wrap=False)

    def _write(self, text: str, style: str, end: str) -> None:
        if self._console is None:
            self._guarded(lambda: print(text, end=end, file=self._file, flush=True))
        else:
            from rich.text import Text  # noqa: PLC0415 - as above

            self._print(Text(text, style), end=end)
            self._guarded(self._file.flush)

    def _print(self, value: Any, **how: Any) -> None:
        self._guarded(lambda: self._console.print(value, **how))

    def _guarded(self, write: Any) -> None:
        try:
            write()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())


def _raise_again() -> None:
    raise BrokenPipeError
