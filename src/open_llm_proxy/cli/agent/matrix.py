"""``agent matrix``: questions, models and prompts, each with each, and a report."""

from pathlib import Path
from typing import Annotated

import typer

from open_llm_proxy.cli.agent.options import ApiKeyOption, McpCommandOption, McpUrlOption, ProxyUrlOption


def matrix(  # noqa: PLR0917 - Typer makes options of parameters
    plan: Annotated[str, typer.Argument(metavar="PLAN.toml", help="What to try; docs/agent.md has one.")],
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="Where results are kept; else runs/<plan>.")
    ] = None,
    proxy_url: ProxyUrlOption = None,
    api_key: ApiKeyOption = None,
    mcp_url: McpUrlOption = None,
    mcp_command: McpCommandOption = None,
) -> int:
    """Try questions with models and prompts, go on where a run was cut short, and report who was right how often."""
    from open_llm_proxy.agent.matrix_run import Place, run_plan  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.agent.plan_file import load_plan  # noqa: PLC0415 - as above
    from open_llm_proxy.cli.agent.matrix_view import conclude, watch  # noqa: PLC0415 - as above

    place = Place(out, proxy_url, api_key, tuple(mcp_url or ()), tuple(mcp_command or ()))
    loaded = load_plan(Path(plan))
    report, status = run_plan(loaded, place, watch)
    conclude(report, place.folder(loaded), status)
    return status
