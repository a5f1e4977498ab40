import asyncio
import re
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.events import Connected
from open_llm_proxy.agent.exits import McpError
from open_llm_proxy.agent.toolbox import NAME_CHARACTERS, Target, Toolbox, _free_name


class FakeServer:
    """A server as the toolbox sees one."""

    lists: ClassVar = {}
    all: ClassVar = []

    def __init__(self, target, read_timeout_s, on_reopened):
        self.target = target
        self.info = {"serverInfo": {"name": "parks", "version": "1.0"}}
        self.closed = False
        self.called = []
        FakeServer.all.append(self)

    async def open(self):
        if self.target.url == "http://down":
            raise McpError("down")

    async def close(self):
        self.closed = True

    async def list(self, kind):
        return self.lists.get(self.target.url, {}).get(kind, [])

    async def call(self, name, arguments):
        self.called.append((name, arguments))
        return {"content": [{"type": "text", "text": f"{name} of {self.target.url}"}], "isError": name == "fail"}

    async def prompt(self, name):
        return f"{name} of {self.target.url}"


@pytest.fixture(autouse=True)
def servers(monkeypatch):
    monkeypatch.setattr("open_llm_proxy.agent.toolbox.McpServer", FakeServer)
    monkeypatch.setattr(FakeServer, "all", [])
    schema = {"type": "object", "properties": {"sql": {"type": "string"}}}
    lists = {
        "http://a": {
            "tools": [{"name": "query", "description": "Run SQL", "inputSchema": schema}, {"name": "fail"}],
            "prompts": [{"name": "analyst", "description": "How to answer", "arguments": []}],
            "resources": [{"uri": "parks://about", "name": "about", "size": 3}],
        },
        "http://b": {"tools": [{"name": "query"}, {"name": "query"}, {"name": "a.dotted/name"}]},
    }
    monkeypatch.setattr(FakeServer, "lists", lists)
    return FakeServer.all


def within(targets, use, **how):
    async def work():
        async with Toolbox([Target(url) for url in targets], 120, **how) as box:
            return await use(box)

    return asyncio.run(work())


def test_tools_are_offered_as_a_chat_completion_has_them():
    async def use(box):
        return box.tools

    schema = {"type": "object", "properties": {"sql": {"type": "string"}}}
    assert within(["http://a"], use) == [
        {"type": "function", "function": {"name": "query", "description": "Run SQL", "parameters": schema}},
        {
            "type": "function",
            "function": {"name": "fail", "description": "", "parameters": {"type": "object", "properties": {}}},
        },
    ]


def test_a_name_that_is_taken_gets_its_servers_in_front(servers):
    async def use(box):
        names = [tool["function"]["name"] for tool in box.tools]
        return names, [await box.call(name, {"x": 1}) for name in names]

    names, answers = within(["http://a", "http://b"], use)
    assert names == ["query", "fail", "parks_query", "parks_query_2", "a_dotted_name"]
    assert [answer.text for answer in answers] == [
        "query of http://a",
        "fail of http://a",
        "query of http://b",
        "query of http://b",
        "a.dotted/name of http://b",
    ]
    assert [answer.is_error for answer in answers] == [False, True, False, False, False]
    assert servers[0].called[0] == ("query", {"x": 1})


def test_what_a_server_offers_is_told(servers):
    seen = []

    async def use(box):
        return box.servers

    described = within(["http://a"], use, on_event=seen.append)
    assert described == [
        {
            "place": "http://a",
            "name": "parks",
            "version": "1.0",
            "tools": ["query", "fail"],
            "prompts": [{"name": "analyst", "description": "How to answer"}],
            "resources": [{"uri": "parks://about", "name": "about"}],
        }
    ]
    assert seen == [Connected(described[0])]
    assert servers[0].closed


def test_prompts():
    async def use(box):
        return await box.prompt("analyst")

    assert within(["http://b", "http://a"], use) == "analyst of http://a"


def test_a_prompt_that_no_server_has():
    async def use(box):
        return await box.prompt("nope")

    with pytest.raises(McpError, match="no MCP server has a prompt 'nope'; there are: analyst"):
        within(["http://a"], use)


def test_a_server_that_is_down_closes_the_others(servers):
    with pytest.raises(McpError, match="down"):
        within(["http://a", "http://down"], None)
    assert [server.closed for server in servers] == [True, True]


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), max_size=6))
def test_names_are_such_that_a_model_may_call_them_and_differ(tools):
    taken = {}
    for own, label in tools:
        taken[_free_name(own, label, taken)] = None
    assert len(taken) == len(tools)
    assert all(re.fullmatch(f"[a-zA-Z0-9_-]{{1,{NAME_CHARACTERS}}}", name) for name in taken)
