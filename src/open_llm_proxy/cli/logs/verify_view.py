"""How ``logs verify`` tells what it found: a table and a last line, or one JSON object."""

import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from open_llm_proxy.cli.output import show
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.verify.run import Verified

FORMS = ("table", "json")


def check_form(form: str) -> None:
    """Refuse what ``--format`` does not know.

    Raises:
        UserError: It is none.
    """
    if form not in FORMS:
        raise UserError(f"--format takes {' or '.join(FORMS)}, not {form!r}")


@contextmanager
def watching() -> Generator[Callable[[str], None]]:
    """Show the day or month that is looked at, where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Console(stderr=True).status("") as status:
        yield lambda period: status.update(f"checking {period}")


def show_verified(found: Sequence[tuple[Source, Verified]], form: str) -> None:
    """Print what was found in each place."""
    if form == "json":
        show(json.dumps([{"source": source.url, **_plain(verified)} for source, verified in found], ensure_ascii=False))
        return
    for source, verified in found:
        if verified.findings:
            _print_table(verified)
        show(f"{source.url}: {summarise(verified)}")


def _plain(verified: Verified) -> dict[str, object]:
    findings = [
        {"check": one.check, "where": one.where, "count": one.times, "detail": one.detail} for one in verified.findings
    ]
    return {"periods": verified.periods, "files": verified.files, "findings": findings}


def _print_table(verified: Verified) -> None:
    table = Table("check", "where", "count", "detail", box=None, pad_edge=False)
    for one in verified.findings:
        table.add_row(one.check, one.where, f"{one.times:,}", one.detail)
    console = Console(file=sys.stdout, highlight=False, markup=False)
    console.print(table, soft_wrap=not console.is_terminal)


def summarise(verified: Verified) -> str:
    """What it came to, in a line."""
    if not verified.periods:
        return "nothing to check in this time"
    span = f"{verified.files} files of {verified.periods[0]} to {verified.periods[-1]}"
    count = len(verified.findings)
    return f"{count} finding{'' if count == 1 else 's'} in {span}" if count else f"clean: {span}"
