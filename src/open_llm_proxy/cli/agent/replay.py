"""``agent replay``: a session that was, asked again, and both side by side."""

from typing import Annotated

import typer

from open_llm_proxy.cli.agent.options import ApiKeyOption, McpCommandOption, McpUrlOption, ProxyUrlOption
from open_llm_proxy.cli.logs.options import FromDirOption, FromOption, OutputOption, SinceOption, StoreOption, ToOption
from open_llm_proxy.cli.output import warn


def replay(  # noqa: PLR0917 - Typer makes options of parameters
    session: Annotated[
        str,
        typer.Argument(
            metavar="SESSION|REQUEST|last|FILE.json", help="A session or call in the logs, or a transcript."
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--model", metavar="ID", help="Ask this model; else the same one.")
    ] = None,
    tools: Annotated[
        str, typer.Option("--tools", metavar="recorded|live", help="Who answers tool calls: the log, or MCP servers.")
    ] = "recorded",
    system_prompt: Annotated[
        str | None,
        typer.Option("--system-prompt", metavar="PATH|URL", help="Another system prompt; else the same one."),
    ] = None,
    mcp_url: McpUrlOption = None,
    mcp_command: McpCommandOption = None,
    proxy_url: ProxyUrlOption = None,
    api_key: ApiKeyOption = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", metavar="USD", min=0, help="Stop once this much is spent.")
    ] = None,
    max_calls: Annotated[
        int | None, typer.Option("--max-calls", metavar="N", min=1, help="Stop after so many calls of the model.")
    ] = None,
    max_turns: Annotated[int, typer.Option("--max-turns", metavar="N", min=1, help="Calls for one question.")] = 20,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="For the whole replay.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", metavar="text|json|markdown", help="Else by FILE's ending; or text.")
    ] = None,
    output: OutputOption = None,
    transcript: Annotated[
        str | None, typer.Option("--transcript", metavar="FILE.json", help="Keep the replay as a transcript.")
    ] = None,
    since: SinceOption = None,
    start: FromOption = None,
    end: ToOption = None,
    from_dir: FromDirOption = None,
    store: StoreOption = None,
) -> int:
    """Ask a session's questions again, with another model or prompt, and show both side by side."""
    from open_llm_proxy.agent.replay_run import Wanted, replay_wanted  # noqa: PLC0415 - not for `--help`
    from open_llm_proxy.cli.agent.replay_view import form_of, write_comparison  # noqa: PLC0415 - as above
    from open_llm_proxy.cli.logs.period import window_of  # noqa: PLC0415 - as above

    chosen = form_of(form, output)
    window = window_of(since, start, end)
    servers = (tuple(mcp_url or ()), tuple(mcp_command or ()))
    places = (proxy_url, api_key, from_dir, store, window)
    limits = (max_cost, max_calls, max_turns, timeout)
    wanted = Wanted(session, model, tools, system_prompt, *servers, *places, *limits, transcript)
    comparison, status = replay_wanted(wanted, warn)
    write_comparison(comparison, chosen, output)
    return status
