"""An MCP server to try the agent runner with: DuckDB on a small table of made-up parks.

    python examples/mcp_server.py                # http://127.0.0.1:8765/mcp
    python examples/mcp_server.py --stdio        # on standard input and output, for --mcp-command

It needs `mcp` (1 or 2) and `duckdb`. Tools: `query` and `describe`; a prompt: `analyst`; a resource: `parks://about`.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

DATA = Path(__file__).with_name("parks.csv")
MOST_ROWS = 1000
TABLE = "parks: name, state, kind (land or marine), gap_status (1 to 4), iucn_category, area_km2, established (year)"


def open_database() -> duckdb.DuckDBPyConnection:
    """The table in memory, and no way from SQL to files or the network."""
    connection = duckdb.connect()
    connection.execute("CREATE TABLE parks AS FROM read_csv($path)", {"path": str(DATA)})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def render(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def make_server(host: str, port: int) -> tuple[Any, dict[str, Any]]:
    """The server, and what its `run` wants to listen there: that differs between version 1 and 2 of the SDK."""
    try:
        module = import_module("mcp.server.mcpserver")
        server, where = module.MCPServer("parks", version="1.0", log_level="WARNING"), {"host": host, "port": port}
        tool_error = import_module("mcp.server.mcpserver.exceptions").ToolError
    except ModuleNotFoundError:
        module = import_module("mcp.server.fastmcp")
        server, where = module.FastMCP("parks", host=host, port=port, log_level="WARNING"), {}
        tool_error = import_module("mcp.server.fastmcp.exceptions").ToolError
    add_tools(server, open_database(), tool_error)
    return server, where


def add_tools(server: Any, database: duckdb.DuckDBPyConnection, tool_error: type[Exception]) -> None:
    """What the server offers."""

    @server.tool(
        description=f"Run a DuckDB query, at most {MOST_ROWS} rows of its result. {TABLE}", structured_output=False
    )
    def query(sql: str) -> str:
        try:
            result = database.cursor().execute(sql)
            columns = [column[0] for column in result.description or []]
            return render(columns, result.fetchmany(MOST_ROWS))
        except duckdb.Error as error:
            raise tool_error(str(error)) from error

    @server.tool(description="The columns of the table and their types.", structured_output=False)
    def describe() -> str:
        return query("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'parks'")

    @server.prompt(description="How to answer questions about the parks.")
    def analyst() -> str:
        return f"Answer from the table alone, with the tool `query`; say which SQL you used.\n{TABLE}"

    @server.resource("parks://about", name="about", description="What the data is.", mime_type="text/plain")
    def about() -> str:
        return "Made-up parks in made-up states: nothing in the table is a fact."


def main() -> None:
    """Serve until it is told to stop."""
    parser = argparse.ArgumentParser(description="An example MCP server: DuckDB on made-up parks.")
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output")
    parser.add_argument("--host", default="127.0.0.1", help="[%(default)s]")
    parser.add_argument("--port", type=int, default=8765, help="[%(default)s]")
    options = parser.parse_args()
    server, where = make_server(options.host, options.port)
    if options.stdio:
        server.run("stdio")
    else:
        print(f"http://{options.host}:{options.port}/mcp", file=sys.stderr)
        server.run("streamable-http", **where)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
