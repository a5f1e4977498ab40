"""``serve``: answer calls, or show with what it would."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from open_llm_proxy.cli.output import show

ConfigOption = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Configuration; else $OPEN_LLM_PROXY_CONFIG, ./config.json, the shipped one."),
]


def serve(  # noqa: PLR0917 - Typer makes options of parameters
    config: ConfigOption = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDR", help="Address to listen on [0.0.0.0; with --demo 127.0.0.1].")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="Port to listen on [8002]; 0: any that is free.")
    ] = None,
    workers: Annotated[int | None, typer.Option(metavar="N", help="Worker processes [1].")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="On this machine only, with a stand-in model `demo`; records go to ./logs.")
    ] = False,
    env_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Variables that the shell does not set [--demo: .env].")
    ] = None,
    log_format: Annotated[
        str, typer.Option(metavar="json|line|auto", help="Records on stdout; auto: line on a terminal, else json.")
    ] = "auto",
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print the merged configuration, secrets masked, and end.")
    ] = False,
) -> int | None:
    """Answer calls until SIGTERM."""
    from open_llm_proxy.config.load import Flags, load  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.config.load import show as settings_of  # noqa: PLC0415 - as above
    from open_llm_proxy.serve.banner import say_serving  # noqa: PLC0415 - as above
    from open_llm_proxy.serve.run import run  # noqa: PLC0415 - as above

    flags = Flags(
        config=config, host=host, port=port, workers=workers, demo=demo, env_file=env_file, log_format=log_format
    )
    terminal = sys.stdout.isatty()
    if not show_config:
        return run(flags, os.environ, cwd=Path.cwd(), stdout_is_terminal=terminal, announce=say_serving)
    for setting in settings_of(load(flags, os.environ, cwd=Path.cwd(), stdout_is_terminal=terminal)):
        show(f"{setting.path} = {setting.value}  # {setting.source}")
    return None
