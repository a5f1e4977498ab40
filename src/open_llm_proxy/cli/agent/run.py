"""``agent run``: what ``agent_runner.py`` does, with its options."""

from typing import Annotated

import typer

from open_llm_proxy.agent.options import parse


def run(typed: Annotated[list[str] | None, typer.Argument()] = None) -> int:
    """Ask a question as an app does: with tools, to the answer."""
    options = parse(typed or [], "open-llm-proxy agent run")
    from open_llm_proxy.agent.runner import run_options  # noqa: PLC0415 - not for `--help`

    return run_options(options)
