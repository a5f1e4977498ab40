import pytest

from open_llm_proxy.agent.options import make_parser, parse
from open_llm_proxy.agent.settings import CLIENT, MCP_URL, PROXY_URL


def read(*arguments):
    return parse(["How many?", *arguments], "agent_runner.py")


def test_the_defaults():
    options = read()
    settings = options.settings({})
    assert (settings.model, settings.proxy_url, settings.api_key) == ("nemotron", PROXY_URL, "EMPTY")
    assert (settings.temperature, settings.seed, settings.enable_thinking) == (0, None, None)
    assert (settings.max_turns, settings.timeout_s, settings.llm_timeout_s) == (20, None, 1200)
    assert (settings.tool_timeout_s, settings.tool_result_max) == (120, 16000)
    assert (settings.stream, settings.origin, settings.client) == (False, None, CLIENT)
    assert len(settings.session_id) == 36
    assert options.mcp_places == [(MCP_URL, "")]
    assert PROXY_URL == "https://open-llm-proxy.nrp-nautilus.io/v1"
    assert MCP_URL == "https://duckdb-mcp.nrp-nautilus.io/mcp"


def test_everything_that_can_be_said(tmp_path):
    kept = tmp_path / "t.json"
    options = read(
        *("--model", "demo", "--proxy-url", "http://a:1", "--api-key", "k", "--origin", "https://app/tag"),
        *("--session-id", "s", "--no-thinking", "--stream", "--temperature", "0.5", "--seed", "7", "--max-turns", "3"),
        *("--timeout", "9", "--llm-timeout", "8", "--tool-timeout", "7.5", "--tool-result-max", "0"),
        *("--transcript", str(kept), "--json", "--quiet", "--mcp-prompt", "p", "--system-prompt", "x.md"),
    )
    settings = options.settings({"OPENAI_API_KEY": "other"})
    assert (settings.model, settings.proxy_url, settings.api_key) == ("demo", "http://a:1/v1", "k")
    assert (settings.origin, settings.session_id) == ("https://app/tag", "s")
    assert (settings.enable_thinking, settings.stream, settings.temperature, settings.seed) == (False, True, 0.5, 7)
    assert (settings.max_turns, settings.timeout_s, settings.llm_timeout_s, settings.tool_timeout_s) == (3, 9, 8, 7.5)
    assert settings.tool_result_max == 0
    assert (options.transcript, options.json, options.quiet) == (kept, True, True)
    assert (options.mcp_prompt, options.system_prompt) == ("p", "x.md")


def test_thinking_and_no_temperature():
    assert read("--thinking").settings({}).enable_thinking is True
    assert read("--temperature", "none").settings({}).temperature is None


@pytest.mark.parametrize(
    ("arguments", "places"),
    [
        (("--mcp-url", "http://a/mcp", "--mcp-url", "http://b/mcp"), [("http://a/mcp", ""), ("http://b/mcp", "")]),
        (("--mcp-command", "serve --stdio"), [("", "serve --stdio")]),
        (("--mcp-url", "http://a/mcp", "--mcp-command", "serve"), [("http://a/mcp", ""), ("", "serve")]),
        (("--mcp-url", "none"), []),
    ],
)
def test_mcp_servers(arguments, places):
    assert read(*arguments).mcp_places == places


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nope",),
        ("another",),
        ("--mod", "demo"),
        ("--model", ""),
        ("--proxy-url", "localhost:8002"),
        ("--proxy-url", "http://"),
        ("--mcp-url", "ftp://a/b"),
        ("--mcp-command", " "),
        ("--temperature", "hot"),
        ("--temperature", "-1"),
        ("--temperature", "nan"),
        ("--seed", "x"),
        ("--max-turns", "0"),
        ("--max-turns", "2.5"),
        ("--timeout", "0"),
        ("--timeout", "inf"),
        ("--timeout", "nan"),
        ("--tool-result-max", "-1"),
        ("--origin", "https://a\nX-Other: b"),
        ("--origin", "https://ü"),
        ("--session-id", ""),
        ("--session-id", "cut \udcff"),
        ("--api-key", "sk-ü"),
        ("--transcript", "/nowhere/t.json"),
        ("--transcript", "/"),
    ],
)
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        read(*arguments)
    said = capsys.readouterr()
    assert caught.value.code == 2
    assert said.out == ""
    assert said.err.startswith("Usage: agent_runner.py")
    assert "agent_runner.py: Error: " in said.err.splitlines()[-1]


@pytest.mark.parametrize("question", [[], [""], ["  "]])
def test_a_question_is_needed(question):
    with pytest.raises(SystemExit) as caught:
        parse(question, "agent_runner.py")
    assert caught.value.code == 2


def test_the_version(capsys):
    with pytest.raises(SystemExit) as caught:
        parse(["--version"], "agent_runner.py")
    assert (caught.value.code, capsys.readouterr().out) == (0, f"{CLIENT}\n")


def test_the_help_says_what_each_option_is_for():
    assert all(action.help for action in make_parser("agent_runner.py")._actions)
