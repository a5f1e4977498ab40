import json
from dataclasses import replace

import pytest
from tests.agent.test_replay import calls, says
from tests.logs.conftest import Scribe
from tests.logs.test_told import prompts
from tests.parts import answers
from tests.parts.model_upstream import run_upstream

from open_llm_proxy.agent.mcp import Target
from open_llm_proxy.agent.replay_run import Wanted, find, replay_wanted, settle
from open_llm_proxy.errors import UserError

FULL = {
    "messages": [{"role": "user", "content": "How many?"}],
    "system_sha256": "5" * 64,
    "tools_sha256": "7" * 64,
    "tools_count": 1,
}


@pytest.fixture(scope="module")
def upstream():
    with run_upstream() as running:
        yield running


@pytest.fixture
def logs(tmp_path):
    """A folder with a session of now, in full mode; what else it holds is the test's to say."""

    def write(*more, summary=False):
        from datetime import UTC, datetime

        now = datetime.now(UTC)
        day = f"{now:%Y-%m-%d}"
        scribe = Scribe(start=f"{day}T00:00:05")
        told = {key: value for key, value in FULL.items() if not (summary and key == "messages")}
        scribe.ask("How many?", **told)
        scribe.answer("42")
        records = [*scribe.records, *([] if summary else prompts(day)), *more]
        (tmp_path / "logs" / day).mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps(one) + "\n" for one in records)
        (tmp_path / "logs" / day / "00-00-10-host-1-00ff.1.1.jsonl").write_text(lines)
        return str(tmp_path / "logs")

    return write


@pytest.fixture
def wanted(upstream, logs):
    upstream.reset()
    return Wanted("s-1", model="other", proxy_url=upstream.url, api_key="the-key", from_dir=logs())


def test_a_session_of_the_logs(wanted, upstream):
    said = []
    upstream.play(says("42"))
    comparison, status = replay_wanted(wanted, said.append)
    assert (status, comparison.is_same, said) == (0, True, [])
    seen = upstream.seen[0]
    assert seen.json()["messages"][0]["content"] == "You are a geographer"
    assert seen.header("authorization") == "Bearer the-key"
    assert seen.header("origin") == "https://geo.example.org/maps/replay"


def test_a_transcript_and_the_replays_own(wanted, upstream, tmp_path):
    kept = tmp_path / "kept.json"
    upstream.play(says("42"))
    replay_wanted(wanted._replace(transcript=str(kept)), pytest.fail)
    upstream.play(says("43"))
    comparison, _ = replay_wanted(wanted._replace(session=str(kept), model=None), pytest.fail)
    assert comparison.replay.model == "other"
    assert comparison.replay.origin == "https://geo.example.org/maps/replay/replay"
    assert not comparison.is_same


def test_another_prompt(wanted, upstream, tmp_path):
    (tmp_path / "prompt.md").write_text("Be brief")
    replay_wanted(wanted._replace(system_prompt=str(tmp_path / "prompt.md")), pytest.fail)
    assert upstream.seen[0].json()["messages"][0]["content"] == "Be brief"
    with pytest.raises(UserError, match="--system-prompt"):
        replay_wanted(wanted._replace(system_prompt="/nowhere/prompt.md"), pytest.fail)


def test_a_session_in_summary_mode(wanted, upstream, logs):
    said = []
    summary = wanted._replace(from_dir=logs(summary=True))
    replay_wanted(summary, said.append)
    assert len(said) == 2
    assert all(one.startswith("The session s-1 was logged in summary mode: its ") for one in said)
    assert "tools" not in upstream.seen[0].json()
    upstream.reset()
    (folder,) = {summary.from_dir}
    assert find(summary, pytest.fail).is_summary, folder


def test_what_stops_it_is_said(wanted, upstream):
    said = []
    upstream.play(calls(("query", "{}")))
    _, status = replay_wanted(wanted._replace(max_calls=1), said.append)
    assert (status, said[-1]) == (3, "--max-calls 1: no call is left")
    upstream.play(answers.answer(answers.dump(answers.openai_error(401, "x", "Invalid key")), 401))
    _, status = replay_wanted(wanted, said.append)
    assert (status, said[-1]) == (4, "the proxy answered 401: Invalid key")


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"session": "nope"}, "There is no session or call 'nope'"),
        ({"session": "nope.json"}, "There is no transcript nope.json"),
        ({"session": "some/where"}, "There is no transcript some/where"),
        ({"tools": "both"}, "--tools takes recorded or live, not 'both'"),
        ({"transcript": "/nowhere/t.json"}, "--transcript /nowhere/t.json cannot be written"),
    ],
)
def test_wrong_usage_sends_nothing(wanted, upstream, changed, match):
    with pytest.raises(UserError, match=match):
        replay_wanted(wanted._replace(**changed), pytest.fail)
    assert upstream.seen == []


def test_terms(wanted):
    original = find(wanted, pytest.fail)
    original.temperature, original.seed, original.enable_thinking = 0.5, 3, True
    terms, notes = settle(original, wanted._replace(model=None, max_turns=4, timeout_s=60, max_cost=1.5, max_calls=7))
    settings = terms.settings
    assert (settings.model, settings.temperature, settings.seed, settings.enable_thinking) == ("kimi", 0.5, 3, True)
    assert (settings.max_turns, settings.timeout_s, settings.tool_result_max) == (4, 60, 0)
    assert (terms.max_cost, terms.max_calls, terms.targets, notes) == (1.5, 7, None, [])
    assert settings.session_id not in {"s-1", None}
    live = settle(original, wanted._replace(tools="live"))[0]
    assert live.settings.tool_result_max == 16000
    with pytest.raises(UserError, match="names no model"):
        settle(replace(original, model=None), wanted._replace(model=None))


def test_targets():
    assert Wanted("s").targets is None
    assert Wanted("s", mcp_urls=("none",)).targets == ()
    assert Wanted("s", mcp_urls=("http://a/mcp",), mcp_commands=("b",)).targets == (
        Target(url="http://a/mcp"),
        Target(command="b"),
    )
