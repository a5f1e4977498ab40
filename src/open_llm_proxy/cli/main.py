"""``open-llm-proxy``: a row a command, whose module is loaded when it is the one that was typed."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any, Final, NamedTuple

import typer

from open_llm_proxy import __version__
from open_llm_proxy.cli.output import answering, show


class Row(NamedTuple):
    """A command: what it does, and the extra that has to be installed for it.

    Its module, ``open_llm_proxy.cli.<name>``, holds a function of that name, or, for a group of commands, ``app``.
    """

    help: str
    extra: str = ""


NAME: Final = "open-llm-proxy"
COMMANDS: Final = {
    "serve": Row("Answer calls until SIGTERM."),
    "check": Row("Validate config and environment, and say where each model goes."),
    "version": Row("Print the version."),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script; ends by ``SystemExit``."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    make_app(given[0] if given else "", COMMANDS)(args=given, prog_name=NAME)


def make_app(chosen: str, rows: dict[str, Row]) -> typer.Typer:
    """The commands of ``rows``; of all but the ``chosen`` one only name and help."""
    app = typer.Typer(
        name=NAME,
        help="One URL in front of many LLM providers, with every call on record as open data that you own.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_options)
    for name, row in rows.items():
        if name != chosen:
            app.command(name, help=row.help)(_unloaded)
            continue
        loaded = answering(lambda: _load(chosen), row.extra)()
        if isinstance(loaded, typer.Typer):
            app.add_typer(loaded, name=name, help=row.help)
        else:
            app.command(name, help=row.help)(answering(loaded, row.extra))
    return app


def _load(name: str) -> Any:
    module = import_module(f"open_llm_proxy.cli.{name}")
    command: Callable[..., Any] | None = getattr(module, name, None)
    return module.app if command is None else command


def _unloaded() -> None:
    """Stand for a command in the list of all."""


def _version(wanted: bool) -> None:
    if wanted:
        show(f"open-llm-proxy {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a command."""
