"""The tools of several MCP servers as one ``ToolSource``, under names that a model may call."""

import re
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from open_llm_proxy.agent.events import Connected, OnEvent, Reopened, ignore
from open_llm_proxy.agent.exits import McpError
from open_llm_proxy.agent.jsonvalues import Object, as_object, as_text
from open_llm_proxy.agent.loop import ToolAnswer
from open_llm_proxy.agent.mcp import McpServer, Target
from open_llm_proxy.agent.results import read_result

NAME_CHARACTERS: Final = 64  # of a function's name in a chat completion, and which they may be
_FORBIDDEN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_NO_PARAMETERS: Final[Object] = {"type": "object", "properties": {}}


class Home(NamedTuple):
    """Where a tool is: its server, and its name there."""

    server: McpServer
    name: str


class Toolbox:
    """A ``ToolSource`` of MCP servers. Use it as an asynchronous context manager: it connects, then closes.

    A name that an earlier server has already gets its own server's name in front (``parks_query``).

    Args:
        targets: The servers, in the order in which their tools are offered.
        tool_timeout_s: The longest that a tool may take.
        on_event: Told of servers that connected, and of sessions that were opened again.
    """

    def __init__(self, targets: Iterable[Target], tool_timeout_s: float, on_event: OnEvent = ignore) -> None:
        self.tools: list[Object] = []
        self.servers: list[Object] = []
        self._targets = list(targets)
        self._read_timeout_s = tool_timeout_s + 30
        self._on_event = on_event
        self._homes: dict[str, Home] = {}
        self._prompts: list[Home] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            for target in self._targets:
                await self._add(target)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def call(self, name: str, arguments: Object) -> ToolAnswer:
        """Run a tool by the name that it is offered under."""
        home = self._homes[name]
        result = await home.server.call(home.name, arguments)
        return ToolAnswer(read_result(result), is_error=result.get("isError") is True)

    async def prompt(self, name: str) -> str:
        """The text of the first server's prompt of that name.

        Raises:
            McpError: No server has it.
        """
        for home in self._prompts:
            if home.name == name:
                return await home.server.prompt(name)
        offered = ", ".join(home.name for home in self._prompts) or "none"
        raise McpError(f"no MCP server has a prompt {name!r}; there are: {offered}")

    async def _add(self, target: Target) -> None:
        server = McpServer(target, self._read_timeout_s, lambda why: self._on_event(Reopened(target.place, why)))
        self._stack.push_async_callback(server.close)
        await server.open()
        listed: dict[str, list[Object]] = {kind: await server.list(kind) for kind in ("tools", "prompts", "resources")}
        info = as_object(server.info.get("serverInfo"))
        label = as_text(info.get("name")) or "mcp"
        names = [self._offer(server, label, tool) for tool in listed["tools"]]
        self._prompts += [Home(server, as_text(prompt.get("name"))) for prompt in listed["prompts"]]
        described = {"place": target.place, "name": label, "version": info.get("version"), "tools": names}
        described["prompts"] = [_few(prompt, ("name", "description")) for prompt in listed["prompts"]]
        described["resources"] = [_few(one, ("uri", "name", "description")) for one in listed["resources"]]
        self.servers.append(described)
        self._on_event(Connected(described))

    def _offer(self, server: McpServer, label: str, tool: Object) -> str:
        own = as_text(tool.get("name"))
        name = _free_name(own, label, self._homes)
        self._homes[name] = Home(server, own)
        function: Object = {"name": name, "description": as_text(tool.get("description"))}
        function["parameters"] = as_object(tool.get("inputSchema")) or _NO_PARAMETERS
        self.tools.append({"type": "function", "function": function})
        return name


def _free_name(own: str, label: str, taken: "dict[str, Any]") -> str:
    """A name that no tool has yet: its own, else with its server's in front, else with a number, too."""
    plain = _FORBIDDEN.sub("_", own)[:NAME_CHARACTERS] or "tool"
    labelled = _FORBIDDEN.sub("_", f"{label}_{own}")[:NAME_CHARACTERS]
    numbered = (f"{labelled[: NAME_CHARACTERS - 4]}_{number}" for number in range(2, 1000))
    return next(name for name in (plain, labelled, *numbered) if name not in taken)


def _few(value: Object, names: Sequence[str]) -> Object:
    return {name: value[name] for name in names if name in value}
