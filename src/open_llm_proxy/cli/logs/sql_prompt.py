"""Where SQL is typed: history, completion of views, columns and keywords, long answers in a pager."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer  # pyright: ignore[reportMissingTypeStubs]
from rich.console import Console
from rich.table import Table

from open_llm_proxy.cli.logs.answer_view import as_table, print_table
from open_llm_proxy.cli.output import say_error
from open_llm_proxy.errors import EXIT_OK, EXIT_USAGE, UserError
from open_llm_proxy.logs.query import LiveViews, answering, ask, columns_of

HELP: Final = (
    "SQL over the views records, turns, sessions, system_prompts; DESCRIBE turns lists columns. "
    "Enter runs what is whole, Tab completes, Ctrl-D or .quit ends."
)
_END: Final = frozenset((".quit", ".exit", "\\q", "quit", "exit"))
_UNFINISHED: Final = ("at end of input", "unterminated", "without selection list")
_BEGUN: Final = re.compile(r"(?:([A-Za-z_]\w*)\.)?(\w*)$")
_LINES_AROUND: Final = 4


def run_script(connection: duckdb.DuckDBPyConnection, text: str) -> int:
    """Run what came by a pipe, statement by statement; 2 at the first that DuckDB refuses."""
    console = Console(highlight=False, emoji=False, markup=False)
    try:
        with answering(connection):
            for statement in connection.extract_statements(text):
                rows = ask(connection, statement.query)
                if rows is not None:
                    print_table(rows, console)
    except UserError as error:
        say_error(error)
        return EXIT_USAGE
    return EXIT_OK


def run_prompt(views: LiveViews, session: PromptSession[str], console: Console) -> int:
    """Ask until the person leaves."""
    console.print(HELP, style="dim")
    while True:
        try:
            text = session.prompt("logs> ").strip()
            if text.lower().rstrip(";") in _END:
                return EXIT_OK
            if text == ".help":
                console.print(HELP)
            elif text.strip(";"):
                _answer(views, text, console)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return EXIT_OK


def _answer(views: LiveViews, text: str, console: Console) -> None:
    try:
        with answering(views.connection):
            views.follow()
            rows = ask(views.connection, text)
            if rows is None:
                return
            shown = as_table(rows)
    except UserError as error:
        say_error(error)
        return
    if isinstance(shown, Table) and shown.row_count > console.height - _LINES_AROUND:
        os.environ.setdefault("LESS", "-FRSX")
        with console.pager(styles=True):
            console.print(shown)
    else:
        console.print(shown)
    if isinstance(shown, Table):
        console.print(f"{shown.row_count} row{'' if shown.row_count == 1 else 's'}", style="dim")


def make_session(connection: duckdb.DuckDBPyConnection, history: Path | None, **terminal: Any) -> PromptSession[str]:
    """A prompt over a connection's views.

    Args:
        connection: Asked for names, and for whether what was typed is whole.
        history: The file that keeps what was typed; None: none does.
        terminal: ``input`` and ``output`` of prompt_toolkit's; else this process's.
    """
    return PromptSession(
        history=_history(history),
        completer=NameCompleter(columns_of(connection), _keywords(connection)),
        complete_while_typing=False,
        lexer=PygmentsLexer(SqlLexer),
        multiline=True,
        key_bindings=_bindings(lambda text: is_whole(connection, text)),
        prompt_continuation="  ... ",
        **terminal,
    )


def is_whole(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Whether Enter runs it: not while DuckDB sees it end too early."""
    if text.rstrip().endswith(";") or not text.strip() or text.strip().lower() in _END or text.startswith("."):
        return True
    try:
        connection.extract_statements(text)
    except duckdb.Error as error:
        return not any(word in str(error) for word in _UNFINISHED)
    return True


class NameCompleter(Completer):
    """Views, columns and keywords by how they begin; behind ``turns.`` its columns only."""

    def __init__(self, columns: Iterable[tuple[str, str]], keywords: Iterable[str]) -> None:
        self._columns = list(columns)
        self._keywords = sorted(keywords)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002 - as `Completer` has it
        """What may stand at the cursor."""
        match = _BEGUN.search(document.text_before_cursor)
        view, word = match.groups() if match else (None, "")
        for name, meta in self._names(view):
            if name.lower().startswith(word.lower()) and (word or view) and name.lower() != word.lower():
                yield Completion(name, start_position=-len(word), display_meta=meta)

    def _names(self, view: str | None) -> Iterable[tuple[str, str]]:
        if view is not None:
            return [(column, view) for known, column in self._columns if known == view]
        views = dict.fromkeys(known for known, _ in self._columns)
        columns: dict[str, str] = {}
        for known, column in self._columns:
            columns[column] = f"{columns[column]}, {known}" if column in columns else known
        return [*((name, "view") for name in views), *columns.items(), *((word, "") for word in self._keywords)]


def _keywords(connection: duckdb.DuckDBPyConnection) -> list[str]:
    words = connection.execute("SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'")
    functions = connection.execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type <> 'pragma' AND regexp_matches(function_name, '^[a-z][a-z0-9_]+$')"
    )
    return [*(word.upper() for (word,) in words.fetchall()), *(name for (name,) in functions.fetchall())]


def _history(path: Path | None) -> History:
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)


def _bindings(is_done: Callable[[str], bool]) -> KeyBindings:
    bindings = KeyBindings()

    def whole() -> bool:
        return is_done(get_app().current_buffer.text)

    @bindings.add("enter", filter=Condition(whole))
    def accept(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return bindings


def history_file(environ: Mapping[str, str]) -> Path:
    """Where what was typed is kept."""
    state = environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "open-llm-proxy" / "sql_history"
