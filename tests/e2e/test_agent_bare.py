"""``agent_runner.py`` where nothing is installed but what its users install: other versions of ``openai`` and ``mcp``.

Of this project there is the checkout only. The proxy and the MCP servers are the lock file's, over HTTP and pipes.
"""

import json
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.parts import answers
from tests.parts.mcp_server import EXAMPLE, HELL, command_line, run_mcp_server
from tests.parts.model_upstream import ModelUpstream
from tests.parts.ports import free_port, is_open
from tests.parts.processes import plain_environment, run_program
from tests.parts.proxy import KEY, Proxy
from tests.parts.requirement import BARE, require

ROOT: Final = Path(__file__).parents[2]
RUNNER: Final = ROOT / "agent_runner.py"
Run = Callable[..., subprocess.CompletedProcess[str]]
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def hell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_mcp_server(tmp_path_factory.mktemp("hell"), HELL) as running:
        yield running.url


@pytest.fixture(params=BARE)
def python(request: pytest.FixtureRequest) -> Path:
    return require(f"bare {request.param}")


@pytest.fixture
def run(python: Path, proxy: Proxy, upstream: ModelUpstream, tmp_path: Path) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, RUNNER, "How many?", "--proxy-url", proxy.base_url, *arguments],
            env={"PATH": plain_environment(tmp_path)["PATH"], "HOME": str(tmp_path), "PROXY_KEY": KEY},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def calls(*functions: tuple[str, Any]) -> bytes:
    written = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for number, (name, arguments) in enumerate(functions)
    ]
    return answers.answer(answers.dump(answers.chat(None, tool_calls=written)))


@slow
def test_there_is_nothing_else(python: Path):
    for name in ("rich", "typer", "msgspec", "duckdb", "open_llm_proxy"):
        done = subprocess.run([python, "-I", "-c", f"import {name}"], capture_output=True, text=True, check=False)
        assert f"No module named '{name}'" in done.stderr


@slow
def test_a_session(run: Run, upstream: ModelUpstream, hell: str):
    upstream.play(
        calls(
            ("echo", {"text": "ü"}),
            ("rows", {}),
            ("megabyte", {}),
            ("hang", {}),
            ("fail", {"why": "no data"}),
            ("nope", {}),
        )
    )
    upstream.play(calls(("echo", {"text": "after"})))
    done = run("--mcp-url", hell, "--tool-timeout", "3")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    told = [one["content"] for one in upstream.seen[-1].json()["messages"] if one["role"] == "tool"]
    echoed, rows, megabyte, hung, failed, unknown, after = told
    assert (echoed, json.loads(rows), after) == ("ü", {"rows": [1, 2]}, "after")
    assert megabyte.endswith("[cut: the first 16000 of 1000000 characters]")
    assert hung == "the tool gave no result within 3 s"
    assert "no data" in failed
    assert "there is no tool 'nope'" in unknown


@slow
def test_streams_and_standard_streams(run: Run, upstream: ModelUpstream):
    deltas = [dict(delta) for delta in answers.TOOL_DELTAS]
    deltas[1] = {"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "query", "arguments": ""}}]}
    deltas[2:] = [
        {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in ('{"sql": "SELECT', ' 6 * 7"}')
    ]
    upstream.play(*answers.stream(answers.chat_events(*deltas, finish="tool_calls")))
    done = run("--mcp-command", command_line(EXAMPLE), "--mcp-prompt", "analyst", "--stream", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    saved = json.loads(done.stdout)
    assert saved["answer"] == "Hello, world"
    assert saved["turns"][0]["tool_calls"][0]["result"]["content"].endswith("| 42 |")
    assert [one["uri"] for one in saved["servers"][0]["resources"]] == ["parks://about"]
    assert saved["system_prompt"].startswith("Answer from the table alone")


@slow
def test_lost_sessions(run: Run, upstream: ModelUpstream, tmp_path: Path):
    port = free_port()
    again_and_again = f"while :; do {' '.join(HELL)} --port {port}; done"
    with run_program(["sh", "-c", again_and_again], env=plain_environment(tmp_path), folder=tmp_path) as server:
        server.wait_until(lambda: is_open(port), "an MCP server")
        upstream.play(calls(("crash", {"once": str(tmp_path / "http")})))
        done = run("--mcp-url", f"http://127.0.0.1:{port}/mcp", "--json")
        server.kill_all()
    assert done.returncode == 0, done.stderr
    assert "opened again" in done.stderr
    assert upstream.seen[-1].json()["messages"][-1]["content"] == "still here"
    upstream.reset()
    upstream.play(calls(("crash", {"once": str(tmp_path / "stdio")})))
    done = run("--mcp-command", command_line(HELL), "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert upstream.seen[-1].json()["messages"][-1]["content"] == "still here"


@slow
def test_ends(run: Run, upstream: ModelUpstream, hell: str):
    for _ in range(2):
        upstream.play(answers.answer(answers.dump(answers.openai_error(500, "x", "overloaded")), 500))
    done = run("--mcp-url", "none")
    assert (done.returncode, done.stderr) == (4, "agent_runner: the proxy answered 500: overloaded\n")
    assert "once more" in done.stdout
    assert run("--mcp-url", "none", "--api-key", "wrong", "--quiet").returncode == 4
    upstream.play(calls(("hang", {})))
    done = run("--mcp-url", hell, "--timeout", "6", "--quiet")
    assert (done.returncode, done.stderr) == (6, "agent_runner: not done within 6 s\n")
    done = run("--mcp-url", "http://127.0.0.1:9/mcp", "--quiet")
    assert done.returncode == 5
    assert done.stderr.startswith("agent_runner: MCP server http://127.0.0.1:9/mcp: ")


def test_what_the_script_asks_for_is_what_the_extra_has():
    lines = RUNNER.read_text().partition("# /// script\n")[2].partition("# ///\n")[0].splitlines()
    metadata = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata["dependencies"] == project["optional-dependencies"]["agent"]
    assert metadata["requires-python"] == project["requires-python"]
