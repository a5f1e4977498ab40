import json

import pytest
from tests.parts.model_upstream import Pause, run_upstream


@pytest.fixture
def upstream():
    with run_upstream() as running:
        yield running


@pytest.fixture
def kept(run, upstream, here):
    assert (
        run("agent", "run", "Hello?", "--proxy-url", upstream.url, "--mcp-url", "none", "--transcript", "t.json").status
        == 0
    )
    return "t.json"


def test_a_transcript_is_replayed(run, upstream, kept, here):
    said = run("agent", "replay", kept, "--model", "other", "--proxy-url", upstream.url, "--transcript", "u.json")
    assert (said.status, said.err) == (0, "")
    assert said.out.rstrip().endswith("answered · nothing differs")
    assert json.loads((here / "u.json").read_text())["model"] == "other"


def test_in_another_form(run, upstream, kept, here):
    said = run("agent", "replay", kept, "--proxy-url", upstream.url, "-o", "r.json")
    assert (said.status, said.out) == (0, "")
    assert json.loads((here / "r.json").read_text())["same"] is True


def test_its_exit_status_is_the_runners(run, upstream, kept):
    said = run("agent", "replay", kept, "--proxy-url", upstream.url, "--model", "error-400")
    assert said.status == 4
    assert "the proxy answered 400" in said.err
    said = run("agent", "replay", kept, "--proxy-url", upstream.url, "--max-cost", "0")
    assert said.status == 3
    upstream.play(Pause(60))
    assert run("agent", "replay", kept, "--proxy-url", upstream.url, "--timeout", "0.5").status == 6


@pytest.mark.parametrize(
    "arguments",
    [
        ("nope.json",),
        ("t.json", "--tools", "both"),
        ("t.json", "--format", "html"),
        ("t.json", "--since", "soon"),
        ("t.json", "--max-calls", "0"),
    ],
)
def test_wrong_usage_is_2(run, kept, arguments):
    said = run("agent", "replay", *arguments)
    assert (said.status, said.out) == (2, "")


def test_a_session_that_is_not_there_is_2(run, here):
    (here / "logs").mkdir()
    said = run("agent", "replay", "nope", "--from-dir", "logs")
    assert said.status == 2
    assert "There is no session or call 'nope'" in said.err
