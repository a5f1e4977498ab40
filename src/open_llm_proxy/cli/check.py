"""``check``: is the configuration right, where does each model go, and, live, does what it names answer?"""

import os
from pathlib import Path
from typing import Annotated

import typer

from open_llm_proxy.cli.output import show, warn
from open_llm_proxy.cli.serve import ConfigOption
from open_llm_proxy.errors import EXIT_OK, EXIT_USAGE


def check(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="Model ids; none: all that are configured.")
    ] = None,
    config: ConfigOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask each provider for its models, and the store to take an object.")
    ] = False,
) -> int:
    """Validate config and environment, and say where each model goes."""
    from open_llm_proxy.config.load import Flags, load  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.serve.check import check_routes  # noqa: PLC0415 - as above

    loaded = load(Flags(config=config), os.environ, cwd=Path.cwd())
    for warning in loaded.warnings:
        warn(warning)
    findings = check_routes(loaded.snapshot.config, models or ())
    if live:
        from open_llm_proxy.serve.live import check_live  # noqa: PLC0415 - brings the engine and the store along

        findings += check_live(loaded.snapshot)
    for finding in findings:
        show(str(finding))
    return EXIT_OK if all(finding.good for finding in findings) else EXIT_USAGE
