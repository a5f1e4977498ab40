"""The agent runner as its users start it: real proxy, real MCP servers, a model that is the demo's or has a script."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.parts import answers
from tests.parts.mcp_server import EXAMPLE, HELL, RunningServer, command_line, run_mcp_server
from tests.parts.model_upstream import ModelUpstream, Pause
from tests.parts.processes import Program, plain_environment, run_program, wait_until
from tests.parts.proxy import KEY, Proxy, provider, run_proxy

from open_llm_proxy import __version__

RUNNER: Final = Path(__file__).parents[2] / "agent_runner.py"
ORIGIN: Final = "https://parks.example.org/a-test"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with run_proxy(tmp_path_factory.mktemp("demo"), env={"LOG_CAPTURE_MODE": "full"}, arguments=["--demo"]) as running:
        yield running


@pytest.fixture(scope="module")
def parks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with run_mcp_server(tmp_path_factory.mktemp("parks"), EXAMPLE) as running:
        yield running


@pytest.fixture(scope="module")
def hell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with run_mcp_server(tmp_path_factory.mktemp("hell"), HELL) as running:
        yield running


def command(base_url: str, *arguments: str) -> list[str | Path]:
    fixed = ["--proxy-url", base_url, "--api-key", KEY, "--origin", ORIGIN]
    return [sys.executable, RUNNER, "How many parks?", *fixed, *arguments]


def run(folder: Path, base_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(base_url, *arguments),
        env=plain_environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def calls(*functions: tuple[str, Any]) -> bytes:
    """An answer of the scripted model that calls tools."""
    written = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(functions)
    ]
    return answers.answer(answers.dump(answers.chat(None, tool_calls=written)))


def results(upstream: ModelUpstream) -> dict[str, str]:
    """What the model was last told by its tools."""
    messages = upstream.seen[-1].json()["messages"]
    return {one["tool_call_id"]: one["content"] for one in messages if one["role"] == "tool"}


@pytest.mark.parametrize("stream", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_demo_model_calls_the_example_servers_tool(demo: Proxy, parks: RunningServer, tmp_path: Path, stream: bool):
    kept = tmp_path / "t.json"
    arguments = ["--model", "demo", "--mcp-url", parks.url, "--mcp-prompt", "analyst", "--transcript", str(kept)]
    done = run(tmp_path, demo.base_url, *arguments, *(["--stream"] if stream else []))
    assert (done.returncode, done.stderr) == (0, "")
    assert "SELECT 42 AS answer" in done.stdout
    assert "The tool gave: | answer |" in done.stdout
    saved = json.loads(kept.read_text())
    assert [turn["finish_reason"] for turn in saved["turns"]] == ["tool_calls", "stop"]
    for turn in saved["turns"]:
        request, response = demo.records_of(turn["request_id"])
        assert (request["origin"], request["client"]) == (ORIGIN, f"agent_runner/{__version__}")
        assert request["session_id"] == saved["session_id"]
        assert request["user_question"] == "How many parks?"
        assert request["tools_sha256"] == saved["tools_sha256"]
        assert request["system_sha256"] == saved["system_sha256"]
        assert json.loads(request["params"]) | {"temperature": 0, "tool_choice": "auto"} == json.loads(
            request["params"]
        )
        assert response["tokens"] == turn["usage"]
    result = saved["turns"][0]["tool_calls"][0]["result"]
    assert request["tool_results_this_turn"][0]["content"] == result["content"] == "| answer |\n| --- |\n| 42 |"


@pytest.mark.slow
def test_tools_over_standard_streams(demo: Proxy, tmp_path: Path):
    done = run(tmp_path, demo.base_url, "--model", "demo", "--mcp-command", command_line(EXAMPLE), "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The tool gave: | answer |\n| --- |\n| 42 |\n"


@pytest.mark.slow
def test_two_servers_with_the_same_tools(demo: Proxy, parks: RunningServer, tmp_path: Path):
    two = ["--mcp-url", parks.url, "--mcp-command", command_line(EXAMPLE)]
    done = run(tmp_path, demo.base_url, "--model", "demo", "--json", "--quiet", *two)
    assert done.returncode == 0
    names = [tool["function"]["name"] for tool in json.loads(done.stdout)["tools"]]
    assert names == ["query", "describe", "parks_query", "parks_describe"]


@pytest.mark.slow
def test_thinking_reaches_the_record(proxy: Proxy, upstream: ModelUpstream, tmp_path: Path):
    for flag, asked in (("--thinking", True), ("--no-thinking", False)):
        done = run(tmp_path, proxy.base_url, "--mcp-url", "none", "--json", "--quiet", flag)
        turn = json.loads(done.stdout)["turns"][0]
        assert proxy.records_of(turn["request_id"]).request["enable_thinking"] is asked


def test_a_session_in_hell(proxy: Proxy, upstream: ModelUpstream, hell: RunningServer, tmp_path: Path):
    upstream.play(
        calls(
            ("hang", "{}"),
            ("megabyte", "{}"),
            ("fail", '{"why": "no data"}'),
            ("nope", "{}"),
            ("echo", '{"text": "brok'),
            ("rows", ""),
            ("echo", '{"text": "ü"}'),
        )
    )
    arguments = ["--mcp-url", hell.url, "--tool-timeout", "2", "--json"]
    done = run(tmp_path, proxy.base_url, *arguments)
    assert (done.returncode, json.loads(done.stdout)["answer"]) == (0, "Hello, world"), done.stderr
    told = results(upstream)
    assert list(told) == [f"call_{number}" for number in range(7)]
    hung, megabyte, failed, unknown, broken, rows, echoed = told.values()
    assert hung == "the tool gave no result within 2 s"
    assert megabyte == "m" * 16000 + "\n[cut: the first 16000 of 1000000 characters]"
    assert "no data" in failed
    assert unknown.startswith("there is no tool 'nope'; there are: echo, hang, ")
    assert "not valid JSON" in broken
    assert json.loads(rows) == {"rows": [1, 2]}
    assert echoed == "ü"
    assistant = upstream.seen[-1].json()["messages"][-8]
    assert [json.loads(call["function"]["arguments"]) for call in assistant["tool_calls"]] == [
        *[{}, {}, {"why": "no data"}, {}, {}, {}],
        {"text": "ü"},
    ]


@pytest.mark.slow
def test_a_tool_that_ends_its_server(proxy: Proxy, upstream: ModelUpstream, tmp_path: Path):
    upstream.play(calls(("crash", json.dumps({"once": str(tmp_path / "mark")}))))
    upstream.play(calls(("crash", "{}")))
    upstream.play(calls(("echo", '{"text": "alive"}')))
    done = run(tmp_path, proxy.base_url, "--mcp-command", command_line(HELL))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("opened again") == 3
    messages = upstream.seen[-1].json()["messages"]
    told = [one["content"] for one in messages if one["role"] == "tool"]
    assert told[0] == "still here"
    assert "ended during this call, twice" in told[1]
    assert told[2] == "alive"


@pytest.mark.slow
def test_a_proxy_that_is_killed_and_comes_back_in_the_middle(
    upstream: ModelUpstream, hell: RunningServer, tmp_path: Path
):
    config = provider(upstream.endpoint)
    mark = tmp_path / "mark"
    upstream.play(calls(("wait_for", json.dumps({"path": str(mark)}))))
    with run_proxy(tmp_path / "proxy", config) as first:
        with run_program(
            command(first.base_url, "--mcp-url", hell.url), env=plain_environment(tmp_path), folder=tmp_path
        ) as runner:
            runner.wait_until(lambda: "wait_for  call_0" in runner.stdout, "the tool's call")
            first.program.process.kill()
            first.program.process.wait()
            mark.touch()
            runner.wait_until(lambda: "once more" in runner.stdout, "the retry")
            with run_proxy(tmp_path / "proxy", config, arguments=["--port", str(first.port)]):
                assert runner.process.wait(60) == 0
        assert "2 attempts" in runner.stdout
        assert "Hello, world" in runner.stdout


def interrupted(
    folder: Path, base_url: str, until: str, *arguments: str, times: int = 1
) -> tuple[Program, dict[str, Any]]:
    """Press Ctrl-C when the runner has come that far."""
    kept = folder / "t.json"
    line = command(base_url, "--transcript", str(kept), *arguments)
    with run_program(line, env=plain_environment(folder), folder=folder) as runner:
        runner.wait_until(lambda: until in runner.stdout, until)
        for _ in range(times):
            os.kill(runner.process.pid, signal.SIGINT)
        assert runner.process.wait(30) == 130, runner.stderr
    assert "Traceback" not in runner.stderr
    saved = json.loads(kept.read_text())
    assert (saved["exit"]["code"], saved["exit"]["reason"]) == (130, "interrupted")
    assert saved["question"] == "How many parks?" or not saved["turns"]
    return runner, saved


def test_ctrl_c_while_the_model_answers(proxy: Proxy, upstream: ModelUpstream, tmp_path: Path):
    pieces = answers.stream(answers.chat_events({"content": "Hel"}, {"content": "lo"}))
    upstream.play(*pieces[:2], Pause(60))
    runner, saved = interrupted(tmp_path, proxy.base_url, "Hel", "--mcp-url", "none", "--stream")
    assert saved["turns"][0]["content"] == "Hel"
    assert "interrupted · 1 turn" in runner.stdout
    assert saved["messages"] == [{"role": "user", "content": "How many parks?"}]


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_while_a_tool_runs(proxy: Proxy, upstream: ModelUpstream, tmp_path: Path, times: int):
    upstream.play(calls(("hang", "{}")))
    _, saved = interrupted(tmp_path, proxy.base_url, "hang  call_0", "--mcp-command", command_line(HELL), times=times)
    assert saved["turns"][0]["tool_calls"][0]["result"] is None
    assert [message["role"] for message in saved["messages"]] == ["user"]


@pytest.mark.slow
def test_ctrl_c_while_a_server_is_connected_to(proxy: Proxy, tmp_path: Path):
    kept = tmp_path / "t.json"
    started = tmp_path / "started"
    silent = f"sh -c 'touch {started}; exec sleep 3600'"
    line = command(proxy.base_url, "--transcript", str(kept), "--mcp-command", silent)
    with run_program(line, env=plain_environment(tmp_path), folder=tmp_path) as runner:
        wait_until(started.exists, "the server's start")
        os.kill(runner.process.pid, signal.SIGINT)
        assert runner.process.wait(30) == 130
    saved = json.loads(kept.read_text())
    assert (saved["exit"]["reason"], saved["turns"]) == ("interrupted", [])


@pytest.mark.slow
def test_a_killed_runner_leaves_what_there_was(
    proxy: Proxy, upstream: ModelUpstream, hell: RunningServer, tmp_path: Path
):
    upstream.play(calls(("hang", "{}")))
    kept = tmp_path / "t.json"
    line = command(proxy.base_url, "--transcript", str(kept), "--mcp-url", hell.url)
    with run_program(line, env=plain_environment(tmp_path), folder=tmp_path) as runner:
        runner.wait_until(lambda: "hang  call_0" in runner.stdout and kept.exists(), "the tool's call")
        wait_until(lambda: json.loads(kept.read_text())["turns"][0]["tool_calls"], "the turn in the transcript")
        runner.process.kill()
    saved = json.loads(kept.read_text())
    assert (saved["exit"], saved["turns"][0]["finish_reason"]) == (None, "tool_calls")


@pytest.mark.slow
def test_a_reader_who_leaves_does_not_end_the_session(demo: Proxy, parks: RunningServer, tmp_path: Path):
    kept = tmp_path / "t.json"
    line = command(demo.base_url, "--model", "demo", "--mcp-url", parks.url, "--transcript", str(kept))
    with subprocess.Popen(
        line, env=plain_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as runner:
        assert runner.stdout
        assert runner.stderr
        runner.stdout.close()
        said = runner.stderr.read()
        assert runner.wait(60) == 0
    assert said == b""
    assert json.loads(kept.read_text())["exit"]["reason"] == "answered"


@pytest.mark.slow
def test_a_wrong_key_and_a_wrong_address(demo: Proxy, tmp_path: Path):
    done = run(tmp_path, demo.base_url, "--mcp-url", "none", "--model", "demo", "--api-key", "wrong")
    assert done.returncode == 4
    assert done.stderr.startswith("agent_runner: the proxy answered 401: ")
    done = run(tmp_path, "http://127.0.0.1:9/v1", "--mcp-url", "none")
    assert done.returncode == 4
    assert done.stderr.startswith("agent_runner: no answer from http://127.0.0.1:9/v1")


def test_without_its_packages_it_says_what_to_install(tmp_path: Path):
    code = f"import sys; sys.argv = ['agent_runner.py', 'Q', '--mcp-url', 'none']; import runpy; runpy.run_path({str(RUNNER)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "agent_runner.py needs openai: pip install openai mcp httpx\n"
