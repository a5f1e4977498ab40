"""A comparison in the terminal, or in the form that was asked for."""

import io
import json
import sys
from typing import IO, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from open_llm_proxy.agent import comparison_markdown
from open_llm_proxy.agent.comparison import CallPair, Comparison, QuestionPair
from open_llm_proxy.agent.comparison_wording import NO_ANSWER, say_call, say_end, say_sides
from open_llm_proxy.cli.logs.conversation_file import write_file
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.export.wording import clean

FORMS: Final = ("text", "json", "markdown")
PLAIN_WIDTH: Final = 120
_ENDINGS: Final = {".md": "markdown", ".markdown": "markdown", ".json": "json"}
_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


def form_of(form: str | None, output: str | None) -> str:
    """The form to write; where none is named, the file's ending tells.

    Raises:
        UserError: It is no form.
    """
    if form is None:
        return next((kind for ending, kind in _ENDINGS.items() if (output or "").lower().endswith(ending)), "text")
    if form not in FORMS:
        raise UserError(f"--format takes {', '.join(FORMS)}, not {form!r}")
    return form


def write_comparison(comparison: Comparison, form: str, output: str | None) -> None:
    """Write it to stdout, or to a file.

    Raises:
        UserError: The file cannot be written.
    """
    if output is None and form == "text":
        console = Console(highlight=False, emoji=False, markup=False)
        show_comparison(comparison, console if console.is_terminal else _plain(sys.stdout))
        return
    text = _render(comparison, form)
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text)


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Print it, both side by side."""
    table = _two_columns(console)
    for head, before, after in say_sides(comparison):
        style = "" if before == after else "bold"
        table.add_row(Text(head, "dim"), Text(clean(before)), Text(clean(after), style))
    console.print(table)
    for note in comparison.notes:
        console.print(Text(f"note: {clean(note)}", style="yellow"))
    for number, question in enumerate(comparison.questions, 1):
        _show_question(number, question, console)
    for name, arguments in comparison.missing:
        console.print(Text(f"no recorded result: {clean(name)} {clean(arguments)}", style="yellow"))
    console.print()
    console.print(Text(clean(say_end(comparison)), style="bold"))


def _show_question(number: int, question: QuestionPair, console: Console) -> None:
    console.print()
    console.print(Text(f"[{number}] {clean(question.text)}", style="bold cyan"))
    if question.is_same_answer:
        console.print(Text(f"the same answer: {clean(question.replay_answer or NO_ANSWER)}"))
    else:
        table = _two_columns(console)
        answers = (question.original_answer, question.replay_answer)
        table.add_row(Text("answer", "dim"), *(Text(clean(answer or NO_ANSWER)) for answer in answers))
        console.print(table)
    for pair in question.calls:
        _show_call(pair, console)


def _show_call(pair: CallPair, console: Console) -> None:
    console.print(Text(f"  {clean(say_call(pair))}", style="dim" if pair.difference == "same" else "magenta"))
    for one in pair.arguments:
        if one.name:
            console.print(Text(f"    {clean(one.name)}", style="dim"))
        for line in one.lines:
            console.print(Text(f"    {clean(line)}", style=_COLOURS.get(line[:1], "")))
    if pair.difference in {"only_original", "only_replay"}:
        call = pair.replay or pair.original
        console.print(Text(f"    {clean(call.arguments if call else '')}"))


def _two_columns(console: Console) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", width=min(console.width, 200), padding=(0, 2, 0, 0))
    table.add_column("", width=13, no_wrap=True)
    table.add_column("original", ratio=1, overflow="fold")
    table.add_column("replay", ratio=1, overflow="fold")
    return table


def _render(comparison: Comparison, form: str) -> str:
    if form == "json":
        return json.dumps(comparison.to_json(), ensure_ascii=False, indent=2) + "\n"
    if form == "markdown":
        return comparison_markdown.render(comparison)
    buffer = io.StringIO()
    show_comparison(comparison, _plain(buffer))
    return buffer.getvalue()


def _plain(file: IO[str]) -> Console:
    return Console(file=file, width=PLAIN_WIDTH, highlight=False, emoji=False, markup=False)
