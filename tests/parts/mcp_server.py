"""An MCP server from hell, and the example server: as programs that a test starts, over HTTP or standard streams."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))  # this file is a program, too

from tests.parts.ports import free_port, is_open
from tests.parts.processes import Program, plain_environment, run_program

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = (sys.executable, str(ROOT / "examples" / "mcp_server.py"))
HELL: Final = (sys.executable, str(Path(__file__)))


class RunningServer(NamedTuple):
    """A server that listens."""

    program: Program
    url: str


def command_line(command: tuple[str, ...] = HELL) -> str:
    """For ``--mcp-command``."""
    return f"{' '.join(command)} --stdio"


@contextmanager
def run_mcp_server(folder: Path, command: tuple[str, ...] = HELL, port: int = 0) -> Iterator[RunningServer]:
    """A server on a free port (or the one that is asked for) for as long as the block takes."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with run_program([*command, "--port", str(port)], env=plain_environment(folder), folder=folder) as program:
        program.wait_until(lambda: is_open(port), f"an MCP server on {port}")
        yield RunningServer(program, f"http://127.0.0.1:{port}/mcp")


def make_server() -> Any:
    """Tools that do what no tool should."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError

    server = MCPServer("hell", version="6.6.6", log_level="ERROR")

    @server.tool(structured_output=False)
    def echo(text: str) -> str:
        return text

    @server.tool(structured_output=False)
    async def hang() -> str:
        await asyncio.sleep(3600)
        return ""

    @server.tool(structured_output=False)
    async def block() -> str:
        time.sleep(3600)  # noqa: ASYNC251 - as a server does that nobody thought about: it answers nothing else either
        return ""

    @server.tool(structured_output=False)
    def wait_for(path: str) -> str:
        """Take until a file is there."""
        while not Path(path).exists():
            time.sleep(0.02)
        return "it is there"

    @server.tool(structured_output=False)
    def megabyte() -> str:
        return "m" * 1_000_000

    @server.tool(structured_output=False)
    def fail(why: str) -> str:
        raise ToolError(why)

    @server.tool()
    def rows() -> dict[str, list[int]]:
        return {"rows": [1, 2]}

    @server.tool(structured_output=False)
    def crash(once: str = "") -> str:
        """End the server, without a word; with a file's path in ``once``: the first time only."""
        mark = Path(once) if once else None
        if mark is None or not mark.exists():
            if mark:
                mark.touch()
            os._exit(7)
        return "still here"

    @server.tool(name="dotted.name", structured_output=False)
    def dotted() -> str:
        return "dots"

    return server


def main() -> None:
    server = make_server()
    if "--stdio" in sys.argv:
        server.run("stdio")
    else:
        transport = "sse" if "--sse" in sys.argv else "streamable-http"
        server.run(transport, host="127.0.0.1", port=int(sys.argv[sys.argv.index("--port") + 1]))


if __name__ == "__main__":
    main()
