"""The program in this process; Ctrl-C and the real proxy are tried in tests/e2e/test_agent.py."""

import json

import openai
import pytest
from tests.parts import answers
from tests.parts.mcp_server import EXAMPLE, command_line
from tests.parts.model_upstream import Pause, run_upstream

from open_llm_proxy.agent.runner import main


@pytest.fixture(scope="module")
def shared_upstream():
    assert openai.AsyncOpenAI(api_key="none").chat.completions  # all of it imported, before a test counts seconds
    with run_upstream() as running:
        yield running


@pytest.fixture
def upstream(shared_upstream):
    shared_upstream.reset()
    return shared_upstream


@pytest.fixture
def run(upstream, capfd, monkeypatch):
    """Run it; status, stdout, stderr."""
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "PROXY_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, mcp="none"):
        tools = ("--mcp-url", mcp) if mcp else ()
        status = main(["Hello?", "--proxy-url", f"{upstream.url}/v1", "--model", "m", *tools, *arguments])
        said = capfd.readouterr()
        return status, said.out, said.err

    return run


def test_answered(run):
    status, out, err = run("--session-id", "the-session")
    assert (status, err) == (0, "")
    assert "ask   Hello?" in out
    assert "Hello, world" in out
    assert out.splitlines()[-1].startswith("answered · 1 turn · 0 tool calls · 3 + 2 tokens · ")
    assert out.splitlines()[-1].endswith("session the-session")


def test_quiet_is_the_answer_and_nothing_else(run):
    assert run("--quiet") == (0, "Hello, world\n", "")
    assert run("--quiet", "--stream") == (0, "Hello, world\n", "")


def test_streamed(run):
    status, out, _ = run("--stream")
    assert status == 0
    assert out.count("Hello, world") == 1


def test_json_is_one_object_on_stdout(run):
    status, out, err = run("--json")
    assert out.count("\n") == 1
    assert json.loads(out)["answer"] == "Hello, world"
    assert json.loads(out)["exit"]["code"] == status == 0
    assert "Hello, world" in err
    assert run("--json", "--quiet")[2] == ""


def test_the_environment(run, upstream, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"{upstream.url}/v1")
    monkeypatch.setenv("PROXY_KEY", "sk-proxy")
    assert main(["Hello?", "--mcp-url", "none", "--quiet"]) == 0
    assert upstream.seen[0].header("authorization") == "Bearer sk-proxy"
    assert upstream.seen[0].json()["model"] == "nemotron"


def test_the_system_prompt_from_a_file_and_the_servers(run, upstream, tmp_path):
    (tmp_path / "prompt.md").write_text("Be brief")
    command = ("--mcp-command", command_line(EXAMPLE), "--mcp-prompt", "analyst")
    assert run("--system-prompt", str(tmp_path / "prompt.md"), *command, mcp="")[0] == 0
    system = upstream.seen[0].json()["messages"][0]
    assert system["role"] == "system"
    assert system["content"].startswith("Be brief\n\nAnswer from the table alone")


def test_wrong_usage(run, monkeypatch):
    status, out, err = run("--system-prompt", "/nowhere/prompt.md", "--quiet")
    assert (status, out) == (2, "")
    assert err.startswith("agent_runner: --system-prompt /nowhere/prompt.md")
    monkeypatch.setenv("PROXY_KEY", "sk-ü")
    assert run("--quiet")[::2] == (
        2,
        "agent_runner: the proxy key holds a character that no header takes. Set it again, in quotes\n",
    )
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2


@pytest.mark.parametrize("how", [(), ("--quiet",), ("--json",)])
def test_a_models_error(run, upstream, how, tmp_path):
    kept = tmp_path / "t.json"
    upstream.play(answers.answer(answers.dump(answers.openai_error(401, "x", "Invalid key")), 401))
    status, out, err = run("--transcript", str(kept), *how)
    assert status == 4
    assert err.splitlines()[-1] == "agent_runner: the proxy answered 401: Invalid key"
    assert json.loads(kept.read_text())["exit"]["reason"] == "model_error"
    if how == ("--quiet",):
        assert (out, err.count("\n")) == ("", 1)
    if how == ("--json",):
        assert json.loads(out)["turns"][0]["error"] == "the proxy answered 401: Invalid key"


def test_an_mcp_error(run, upstream, tmp_path):
    kept = tmp_path / "t.json"
    status, _, err = run("--transcript", str(kept), mcp="http://127.0.0.1:9/mcp")
    assert status == 5
    assert "MCP server http://127.0.0.1:9/mcp: " in err
    assert json.loads(kept.read_text())["exit"]["reason"] == "mcp_error"
    assert upstream.seen == []


def test_out_of_time(run, upstream, tmp_path):
    kept = tmp_path / "t.json"
    pieces = answers.stream(answers.chat_events({"content": "Hel"}, {"content": "lo"}))
    upstream.play(*pieces[:2], Pause(60))
    status, _, err = run("--transcript", str(kept), "--timeout", "1.5", "--stream")
    assert status == 6
    assert "not done within 1.5 s" in err
    saved = json.loads(kept.read_text())
    assert saved["exit"]["code"] == 6
    assert saved["turns"][0]["content"] == "Hel"


def test_out_of_turns(run, upstream):
    upstream.play(answers.answer(answers.dump(answers.chat(None, tool_calls=[answers.TOOL_CALL]))))
    status, out, err = run("--max-turns", "1")
    assert status == 3
    assert "agent_runner: no answer after 1 turns" in err
    assert "out of turns · 1 turn · 1 tool call" in out


def test_a_transcript_that_cannot_be_kept_is_said_and_does_not_end_the_session(run, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("open_llm_proxy.agent.transcript.Transcript.save", fail)
    status, out, err = run("--transcript", str(tmp_path / "t.json"), "--quiet")
    assert (status, out) == (0, "Hello, world\n")
    assert "the transcript is not kept: disk full" in err
