"""``open-llm-proxy``: the commands, one row each."""

import sys
from typing import Annotated

import typer

from open_llm_proxy.cli.output import guarded

app = typer.Typer(
    name="open-llm-proxy",
    help="One URL in front of many LLM providers, with every call on record as open data you own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigOption = Annotated[
    str | None,
    typer.Option("--config", help="Else $OPEN_LLM_PROXY_CONFIG, ./config.json, the shipped one."),
]


@app.command()
def serve(  # noqa: PLR0917 - Typer reads options from parameters
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (0.0.0.0; with --demo 127.0.0.1).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (8002).")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes (1).")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Add a stand-in model `demo`; records go to ./logs.")] = False,
    env_file: Annotated[str | None, typer.Option(help="Variables from a file (with --demo: .env, if there).")] = None,
    log_format: Annotated[str, typer.Option(help="Records on stdout: json, line or auto.")] = "auto",
    show_config: Annotated[bool, typer.Option("--show-config", help="Print the merged configuration and end.")] = False,
) -> None:
    """Answer calls until SIGTERM."""
    from open_llm_proxy.cli.serve import run_serve  # noqa: PLC0415
    from open_llm_proxy.config.load import Flags  # noqa: PLC0415

    flags = Flags(
        config=config, host=host, port=port, workers=workers, demo=demo, env_file=env_file, log_format=log_format
    )
    raise typer.Exit(guarded(lambda: run_serve(flags, show_config=show_config)))


@app.command()
def check(
    models: Annotated[list[str] | None, typer.Argument(help="Models to route; none: all that are configured.")] = None,
    config: ConfigOption = None,
    live: Annotated[bool, typer.Option("--live", help="Ask each provider for its models; try the store.")] = False,
) -> None:
    """Validate config and environment; print where each model goes."""
    from open_llm_proxy.cli.check import run_check  # noqa: PLC0415
    from open_llm_proxy.config.load import Flags  # noqa: PLC0415

    raise typer.Exit(guarded(lambda: run_check(Flags(config=config), models or [], live=live)))


@app.command()
def version() -> None:
    """Print the version."""
    from open_llm_proxy import __version__  # noqa: PLC0415

    print(f"open-llm-proxy {__version__}")  # noqa: T201 - what the command is for


def main() -> None:
    """The console script."""
    if sys.argv[1:] == ["--version"]:
        sys.argv[1] = "version"
    app()
