import hashlib
import json
import stat

import pytest

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Transcript, Turn, read_turns

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


@pytest.fixture
def transcript():
    made = Transcript(Settings(api_key="sk-secret", model="m", session_id="s", origin="https://app.invalid"))
    made.questions.append("How many?")
    result = ToolResult("42", latency_ms=3, characters=2)
    made.turns = [
        Turn(1, usage=USAGE, tool_calls=[ToolCall("a", "look", "{}", result=result), ToolCall("b", "look", "{}")]),
        Turn(2, usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 1}, "cost": 0.25}, content="42"),
    ]
    return made


def test_the_json_names_the_session_and_holds_no_key(transcript):
    transcript.answer = "42"
    transcript.end(exits.ANSWERED)
    saved = transcript.to_json()
    assert "sk-secret" not in json.dumps(saved)
    assert (saved["format"], saved["session_id"], saved["model"], saved["origin"]) == (
        1,
        "s",
        "m",
        "https://app.invalid",
    )
    assert saved["exit"] == {"code": 0, "reason": "answered", "message": ""}
    assert saved["question"] == "How many?"
    assert saved["settings"]["max_turns"] == 20
    assert saved["finished_at"] > saved["started_at"]


def test_a_session_that_has_not_ended_has_no_exit(transcript):
    assert transcript.to_json()["exit"] is None


def test_usage_is_summed_and_a_cost_is_null_until_one_is_named(transcript):
    assert transcript.to_json()["usage"] == {
        "prompt_tokens": 6,
        "completion_tokens": 4,
        "total_tokens": 10,
        "cached_tokens": 1,
        "cost": 0.25,
    }
    assert Transcript(Settings()).usage.cost is None


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many", "prompt_tokens_details": None, "cost": "much"}])
def test_odd_usage_counts_as_none(usage):
    made = Transcript(Settings(), turns=[Turn(1, usage=usage)])
    assert made.usage.prompt_tokens == 0


def test_hashes_are_null_where_there_is_nothing_and_else_of_the_text():
    assert Transcript(Settings()).system_sha256 is None
    assert Transcript(Settings()).tools_sha256 is None
    made = Transcript(Settings(), system_prompt="Be brief", tools=[{"a": "ü"}])
    assert made.system_sha256 == hashlib.sha256(b"Be brief").hexdigest()
    assert made.tools_sha256 == hashlib.sha256('[{"a":"ü"}]'.encode()).hexdigest()


def test_saved_and_read_again(transcript, tmp_path):
    path = tmp_path / "t.json"
    transcript.save(path)
    assert read_turns(json.loads(path.read_text())) == transcript.turns
    assert [file.name for file in tmp_path.iterdir()] == ["t.json"]
    assert not stat.S_IMODE(path.stat().st_mode) & stat.S_IXUSR


def test_a_later_formats_members_are_passed_over():
    turn = {
        "number": 1,
        "started_at": "then",
        "new": 1,
        "tool_calls": [{"id": "a", "name": "f", "arguments": "{}", "new": 1}],
    }
    assert read_turns({"turns": [turn]}) == [Turn(1, started_at="then", tool_calls=[ToolCall("a", "f", "{}")])]
    assert read_turns({}) == []


def test_half_an_emoji_does_not_stop_the_saving(transcript, tmp_path):
    transcript.answer = "cut \ud83d"
    transcript.system_prompt = "\ud83d"
    transcript.save(tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text())["answer"] == "cut ?"


def test_a_folder_that_is_gone_is_an_os_error(transcript, tmp_path):
    with pytest.raises(OSError):
        transcript.save(tmp_path / "gone" / "t.json")
