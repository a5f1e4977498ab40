"""Against a real server from hell; versions 1 and 2 of the client are tried in tests/e2e/test_agent_bare.py."""

import asyncio
import re
import sys
import time

import pytest
from tests.parts.mcp_server import EXAMPLE, HELL, command_line, run_mcp_server

from open_llm_proxy.agent import mcp as module
from open_llm_proxy.agent.exits import McpError
from open_llm_proxy.agent.mcp import McpServer, Target


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with run_mcp_server(tmp_path_factory.mktemp("hell")) as running:
        yield running.url


def with_server(target, use, reopened=None):
    async def work():
        server = McpServer(target, 30, (reopened if reopened is not None else []).append)
        try:
            await server.open()
            return await use(server)
        finally:
            await server.close()

    return asyncio.run(work())


def text_of(result):
    return result["content"][0]["text"]


def test_what_a_server_offers(url):
    async def use(server):
        return server.info, await server.list("tools"), await server.list("resources")

    info, tools, resources = with_server(Target(url), use)
    assert info["serverInfo"]["name"] == "hell"
    assert [tool["name"] for tool in tools][:3] == ["echo", "hang", "block"]
    assert tools[0]["inputSchema"]["required"] == ["text"]
    assert resources == []


def test_results_of_all_kinds(url):
    async def use(server):
        return [
            await server.call("echo", {"text": "ü"}),
            await server.call("fail", {"why": "because"}),
            await server.call("rows", {}),
            await server.call("echo", {"wrong": 1}),
            await server.call("nope", {}),
            await server.call("megabyte", {}),
        ]

    echo, failed, rows, wrong, unknown, megabyte = with_server(Target(url), use)
    assert text_of(echo) == "ü"
    assert failed["isError"]
    assert "because" in text_of(failed)
    assert rows["structuredContent"] == {"rows": [1, 2]}
    assert wrong["isError"]
    assert unknown["isError"]
    assert "nope" in text_of(unknown)
    assert text_of(megabyte) == "m" * 1_000_000


def test_calls_side_by_side_while_one_hangs(url):
    async def use(server):
        hanging = asyncio.ensure_future(server.call("hang", {}))
        texts = [
            text_of(one) for one in await asyncio.gather(*[server.call("echo", {"text": str(n)}) for n in range(5)])
        ]
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)
        return texts, text_of(await server.call("echo", {"text": "after"}))

    assert with_server(Target(url), use) == (["0", "1", "2", "3", "4"], "after")


def test_a_call_that_takes_long_is_no_lost_session(url, monkeypatch):
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.05)

    async def use(server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await server.call("hang", {})

    reopened = []
    with_server(Target(url), use, reopened)
    assert reopened == []


def test_a_server_that_starts_again_is_met_again(tmp_path):
    reopened = []

    async def use(server):
        assert text_of(await server.call("echo", {"text": "before"})) == "before"
        first.__exit__(None, None, None)
        second.append(run_mcp_server(tmp_path / "second", port=port))
        starting = asyncio.get_running_loop().run_in_executor(None, second[0].__enter__)
        try:
            # Two at once: one new session serves both.
            answers = await asyncio.gather(*[server.call("echo", {"text": text}) for text in ("a", "b")])
        finally:
            await starting
        return [text_of(answer) for answer in answers]

    first, second = run_mcp_server(tmp_path / "first"), []
    running = first.__enter__()
    port = int(running.url.rsplit(":", 1)[1].split("/")[0])
    try:
        assert with_server(Target(running.url), use, reopened) == ["a", "b"]
    finally:
        second[0].__exit__(None, None, None)
    assert len(reopened) == 1


@pytest.mark.slow
def test_a_tool_that_ends_its_server_is_called_once_more_and_then_the_model_hears_of_it(tmp_path):
    reopened = []

    async def use(server):
        return await server.call("crash", {"once": str(tmp_path / "mark")}), await server.call("crash", {})

    survived, twice = with_server(Target(command=command_line()), use, reopened)
    assert text_of(survived) == "still here"
    assert twice["isError"]
    assert "ended during this call, twice" in text_of(twice)
    assert len(reopened) == 2


@pytest.mark.slow
def test_the_transport_before_streamable_http(tmp_path):
    async def use(server):
        return text_of(await server.call("echo", {"text": "ü"}))

    with run_mcp_server(tmp_path / "hell", (*HELL, "--sse")) as running:
        assert with_server(Target(running.url.replace("/mcp", "/sse")), use) == "ü"


@pytest.mark.slow
def test_a_server_that_is_stuck_in_a_call_that_was_given_up_is_left(monkeypatch):
    monkeypatch.setattr(module, "PROBE_S", 0.3)
    monkeypatch.setattr(module, "CLOSE_S", 3)

    async def use(server):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await server.call("block", {})
        return text_of(await server.call("echo", {"text": "after"}))

    reopened = []
    assert with_server(Target(command=command_line()), use, reopened) == "after"
    assert reopened == ["it answers no ping within 0.3 s after a call that was given up"]


def test_a_server_that_is_gone_for_good(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "COMES_BACK_S", 0.1)

    async def use(server):
        await server.call("crash", {})

    # Its own exit is no 0: the block may fail at its end, but only after the call.
    with run_mcp_server(tmp_path / "hell") as running, pytest.raises(McpError, match=re.escape(running.url)):
        with_server(Target(running.url), use)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (Target("http://127.0.0.1:9/mcp"), "connect"),
        (Target(command="no-such-program"), "no-such-program"),
        (Target(command=f"{sys.executable} -c 'import sys; sys.exit(\"no data today\")'"), "no data today"),
    ],
)
def test_a_server_that_cannot_be_reached(target, why):
    with pytest.raises(McpError, match=why):
        with_server(target, None)


def test_without_the_clients_package_the_extra_is_named(monkeypatch):
    def import_module(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr(module, "import_module", import_module)
    with pytest.raises(McpError, match=r"the package mcp is not installed; .*'open-llm-proxy\[agent\]'"):
        with_server(Target("http://127.0.0.1:9/mcp"), None)


def test_a_server_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "CONNECT_S", 0.5)
    monkeypatch.setattr(module, "CLOSE_S", 0.5)
    begun = time.monotonic()
    with pytest.raises(McpError, match=r"no answer within 0\.5 s"):
        with_server(Target(command="sleep 3600"), None)
    assert time.monotonic() - begun < 30


def test_the_prompts_and_resources_of_the_example(tmp_path):
    async def use(server):
        prompts, resources = await server.list("prompts"), await server.list("resources")
        text = await server.prompt("analyst")
        with pytest.raises(McpError):
            await server.prompt("nope")
        counted = await server.call("query", {"sql": "SELECT count(*) AS n FROM parks"})
        refused = await server.call("query", {"sql": "FROM '/etc/passwd'"})
        return prompts, resources, text, counted, refused

    target = Target(command=command_line(EXAMPLE))
    prompts, resources, text, counted, refused = with_server(target, use)
    assert [prompt["name"] for prompt in prompts] == ["analyst"]
    assert [resource["uri"] for resource in resources] == ["parks://about"]
    assert "Answer from the table alone" in text
    assert text_of(counted) == "| n |\n| --- |\n| 48 |"
    assert refused["isError"]


def test_a_page_after_the_other():
    class Page:
        def __init__(self, cursor):
            self.cursor = cursor

        def model_dump(self, **_):
            following = {None: "1", "1": "2"}.get(self.cursor)
            return {"tools": [{"name": f"t{self.cursor}"}]} | ({"nextCursor": following} if following else {})

    class New:
        async def list_tools(self, *, params=None):
            return Page(params.cursor if params else None)

    class Old:
        async def list_tools(self, cursor=None):
            return Page(cursor)

    async def use(session):
        server = McpServer(Target("http://a"), 1, [].append)
        server.info = {"capabilities": {"tools": {}}}
        server._session, server._owner = session, asyncio.ensure_future(asyncio.sleep(60))
        try:
            return [tool["name"] for tool in await server.list("tools")]
        finally:
            server._owner.cancel()
            await server.close()

    for session in (New(), Old()):
        assert asyncio.run(use(session)) == ["tNone", "t1", "t2"]
