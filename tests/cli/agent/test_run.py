import pytest
from tests.parts.model_upstream import run_upstream

from open_llm_proxy.agent.options import make_parser


@pytest.fixture(scope="module")
def upstream():
    with run_upstream() as running:
        yield running


def test_it_is_the_runner(run, upstream):
    said = run("agent", "run", "Hello?", "--proxy-url", upstream.url, "--mcp-url", "none", "--quiet")
    assert said == (0, "Hello, world\n", "")


def test_options_may_stand_before_the_question(run, upstream):
    said = run("agent", "run", "--quiet", "--proxy-url", upstream.url, "--mcp-url", "none", "--", "Hello?")
    assert said == (0, "Hello, world\n", "")


def test_its_exit_status_is_the_commands(run):
    said = run("agent", "run", "Hello?", "--mcp-url", "http://127.0.0.1:9/mcp", "--quiet")
    assert said.status == 5


def test_wrong_usage_is_2(run):
    said = run("agent", "run", "Hello?", "--nope")
    assert (said.status, said.out) == (2, "")
    assert "open-llm-proxy agent run: Error: unrecognized arguments: --nope" in said.err


def test_the_help_is_the_runners(run):
    said = run("agent", "run", "--help").out
    assert all(option in said for action in make_parser("x")._actions for option in action.option_strings)
