"""The runner's options: the same for ``agent_runner.py`` and ``open-llm-proxy agent run``, defined here once."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from open_llm_proxy.agent.jsonvalues import whole
from open_llm_proxy.agent.settings import (
    CLIENT,
    MCP_URL,
    MODEL,
    PROXY_URL,
    Settings,
    fresh_session_id,
    resolve_key,
    resolve_proxy_url,
)

DESCRIPTION: Final = "Ask a question as an app does: with tools, to the answer."
NONE: Final = "none"
EXITS: Final = (
    "exit status: 0 answered, 2 wrong usage, 3 out of turns, 4 model or proxy error, 5 MCP error, 6 timeout, 130 Ctrl-C"
)


class Formatter(argparse.HelpFormatter):
    """Help in the form that the other commands have."""

    def add_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None) -> None:
        """As the base class, with the prefix of the other commands."""
        super().add_usage(usage, actions, groups, prefix or "Usage: ")


class Options(argparse.Namespace):
    """What was typed, typed."""

    question: str
    model: str
    proxy_url: str | None
    mcp_url: list[str]
    mcp_command: list[str]
    mcp_prompt: str | None
    origin: str | None
    system_prompt: str | None
    api_key: str | None
    max_turns: int
    thinking: bool | None
    stream: bool
    temperature: float | None
    seed: int | None
    session_id: str | None
    timeout: float | None
    llm_timeout: float
    tool_timeout: float
    tool_result_max: int
    transcript: Path | None
    json: bool
    quiet: bool

    @property
    def mcp_places(self) -> list[tuple[str, str]]:
        """The MCP servers as (URL, command), one of the two empty; without a word of the user's, the group's own."""
        if not self.mcp_url and not self.mcp_command:
            return [(MCP_URL, "")]
        return [(url, "") for url in self.mcp_url if url != NONE] + [("", command) for command in self.mcp_command]

    def settings(self, environment: Mapping[str, str] = os.environ) -> Settings:
        """The session's settings."""
        return Settings(
            proxy_url=resolve_proxy_url(self.proxy_url, environment),
            api_key=resolve_key(self.api_key, environment),
            model=self.model,
            origin=self.origin,
            session_id=self.session_id or fresh_session_id(),
            temperature=self.temperature,
            seed=self.seed,
            enable_thinking=self.thinking,
            stream=self.stream,
            max_turns=self.max_turns,
            timeout_s=self.timeout,
            llm_timeout_s=self.llm_timeout,
            tool_timeout_s=self.tool_timeout,
            tool_result_max=self.tool_result_max,
        )


class Parser(argparse.ArgumentParser):
    """Wrong usage is said as all our errors are, and ends with 2."""

    def error(self, message: str) -> NoReturn:
        """End the process with status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: Error: {message}\n")


def parse(arguments: Sequence[str] | None, prog: str) -> Options:
    """Read the command line; wrong usage and ``--help`` end the process."""
    parser = make_parser(prog)
    return parser.parse_args(arguments, namespace=Options())


def make_parser(prog: str) -> argparse.ArgumentParser:
    """The runner's parser."""
    parser = Parser(prog=prog, description=DESCRIPTION, epilog=EXITS, formatter_class=Formatter, allow_abbrev=False)
    parser.add_argument("question", metavar="QUESTION", type=_something, help="what to ask")
    parser.add_argument("--version", action="version", version=CLIENT, help="print the version")
    _add_model(parser)
    _add_tools(parser)
    _add_limits(parser)
    _add_output(parser)
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the model").add_argument
    add("--model", metavar="ID", default=MODEL, type=_something, help="model [%(default)s]")
    add(
        "--proxy-url",
        metavar="URL",
        type=_url,
        help=f"the proxy [$OPENAI_BASE_URL, else {PROXY_URL}]",
    )
    add("--api-key", metavar="KEY", type=_header, help="proxy key [$OPENAI_API_KEY, $PROXY_KEY, EMPTY]")
    add("--origin", metavar="URL", type=_header, help="sent as Origin: the app that the records name")
    add("--session-id", metavar="ID", type=_something, help="sent as user, which groups the records [a fresh UUID]")
    add("--system-prompt", metavar="PATH|URL", help="the app's system prompt")
    add(
        "--thinking",
        action=argparse.BooleanOptionalAction,
        help="ask for reasoning, or for none [the model's own habit]",
    )
    add("--stream", action="store_true", help="take the answer as a stream, and show it as it comes")
    add(
        "--temperature",
        metavar="N|none",
        default=0.0,
        type=_temperature,
        help="temperature, as the browser app sends it; none: send none [0]",
    )
    add("--seed", metavar="N", type=int, help="seed, for models that take one")


def _add_tools(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("tools").add_argument
    add(
        "--mcp-url",
        metavar="URL",
        action="append",
        default=[],
        type=_mcp_url,
        help=f"an MCP server; may stand several times; none: no tools [{MCP_URL}]",
    )
    add(
        "--mcp-command",
        metavar="COMMAND",
        action="append",
        default=[],
        type=_something,
        help="an MCP server to start, which speaks on its standard streams; may stand several times",
    )
    add("--mcp-prompt", metavar="NAME", type=_something, help="a prompt of the MCP server as system prompt")
    add(
        "--tool-result-max",
        metavar="N",
        default=16000,
        type=_at_least(0, int),
        help="characters of a tool's result that the model gets; 0: all [%(default)s]",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("limits").add_argument
    add("--max-turns", metavar="N", default=20, type=_at_least(1, int), help="calls of the model [%(default)s]")
    add("--timeout", metavar="SECONDS", type=_seconds, help="for the whole run [no limit]")
    add("--llm-timeout", metavar="SECONDS", default=1200.0, type=_seconds, help="for one answer of the model [1200]")
    add("--tool-timeout", metavar="SECONDS", default=120.0, type=_seconds, help="for one tool call [120]")


def _add_output(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("output").add_argument
    add("--transcript", metavar="FILE.json", type=_writable, help="keep the session as JSON, whatever its end")
    add("--json", action="store_true", help="one JSON object on stdout at the end; the session goes to stderr")
    add("--quiet", action="store_true", help="the answer and nothing else")


def _something(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    if whole(text) != text:  # bytes of the command line that are no UTF-8
        raise argparse.ArgumentTypeError("is no valid text")
    return text


def _header(text: str) -> str:
    if not text.isascii() or not text.isprintable() or text != text.strip() or not text:
        raise argparse.ArgumentTypeError("a header takes printable ASCII")
    return text


def _url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if scheme not in {"http", "https"} or not separator or not rest.strip("/") or not rest.isprintable() or " " in rest:
        raise argparse.ArgumentTypeError(f"{text!r} is no http:// or https:// URL")
    return text


def _mcp_url(text: str) -> str:
    return text if text == NONE else _url(text)


def _temperature(text: str) -> float | None:
    return None if text == NONE else _at_least(0, float)(text)


def _seconds(text: str) -> float:
    seconds = _at_least(0, float)(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("takes seconds, more than 0")
    return seconds


def _at_least(low: int, number: "Callable[[str], float]") -> "Callable[[str], float]":
    def read(text: str) -> float:
        try:
            value = number(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
        if not value >= low:
            raise argparse.ArgumentTypeError(f"takes {low} or more")
        return value

    return read


def _writable(text: str) -> Path:
    path = Path(text).expanduser()
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be written there")
    return path
