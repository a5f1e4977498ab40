"""``open-llm-proxy``: a row a command (or group of them), whose module is loaded when it is the one that was typed."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any, Final, cast

import typer

from open_llm_proxy import __version__
from open_llm_proxy.cli.output import answering, show
from open_llm_proxy.cli.row import Row

NAME: Final = "open-llm-proxy"
COMMANDS: Final = {
    "serve": Row("Answer calls until SIGTERM."),
    "check": Row("Validate config and environment, and say where each model goes."),
    "logs": Row("Query, show, condense, check and copy the records."),
    "agent": Row("Run an app's session, replay one, compare models."),
    "version": Row("Print the version."),
}


_AS_TYPED: Final[dict[str, Any]] = {
    "add_help_option": False,
    "context_settings": {"ignore_unknown_options": True, "allow_interspersed_args": False},
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script; ends by ``SystemExit``."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    make_app(given, COMMANDS)(args=given, prog_name=NAME)


def make_app(typed: Sequence[str], rows: dict[str, Row]) -> typer.Typer:
    """The commands of ``rows``; of all but the one that is ``typed`` only name and help."""
    app = _group(help="One URL in front of many LLM providers, with every call on record as open data that you own.")
    app.callback()(_options)
    _add_commands(app, typed, rows, "open_llm_proxy.cli")
    return app


def _group(**settings: Any) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, **settings
    )


def _add_commands(app: typer.Typer, typed: Sequence[str], rows: dict[str, Row], package: str) -> None:
    chosen = typed[0] if typed else ""
    for name, row in rows.items():
        if name != chosen:
            app.command(name, help=row.help)(_unloaded)
            continue
        loaded = answering(lambda: _load(package, chosen), row.extra)()
        if isinstance(loaded, dict):
            group = _group()
            group.callback()(_options_of_a_group)
            _add_commands(group, typed[1:], cast("dict[str, Row]", loaded), f"{package}.{chosen}")
            app.add_typer(group, name=name, help=row.help)
        else:
            app.command(name, help=row.help, **(_AS_TYPED if row.arguments_as_typed else {}))(
                answering(loaded, row.extra)
            )


def _load(package: str, name: str) -> dict[str, Row] | Callable[..., Any]:
    module = import_module(f"{package}.{name}")
    command: Callable[..., Any] | None = getattr(module, name, None)
    return module.COMMANDS if command is None else command


def _options_of_a_group() -> None:
    """Take the options that stand before a group's command: there are none."""


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
