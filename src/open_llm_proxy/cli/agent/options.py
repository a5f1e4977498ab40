"""Options that the commands which call models have in common; the runner's own are in ``agent.options``."""

from typing import Annotated

import typer

ProxyUrlOption = Annotated[
    str | None, typer.Option("--proxy-url", metavar="URL", help="The proxy; else $OPENAI_BASE_URL, the group's own.")
]
ApiKeyOption = Annotated[
    str | None, typer.Option("--api-key", metavar="KEY", help="Proxy key; else $OPENAI_API_KEY, $PROXY_KEY.")
]
McpUrlOption = Annotated[
    list[str] | None, typer.Option("--mcp-url", metavar="URL", help="An MCP server; may stand several times.")
]
McpCommandOption = Annotated[
    list[str] | None,
    typer.Option("--mcp-command", metavar="COMMAND", help="An MCP server to start; may stand several times."),
]
