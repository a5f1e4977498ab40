import json

import pytest
from tests.agent.conftest import keep

from open_llm_proxy.agent.cell import cells_of
from open_llm_proxy.agent.original import Asked, of_transcript, read_transcript
from open_llm_proxy.errors import UserError


@pytest.fixture
def saved(make_plan):
    cell = next(cells_of(make_plan(models=[{"id": "one", "seed": 7, "thinking": True, "temperature": "none"}])))
    server = {"place": "http://127.0.0.1:1/mcp", "name": "parks"}
    return keep(cell, servers=[server, {"place": "python server.py"}], questions=["How many?", "And lakes?"])


def test_a_transcript(saved, tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(saved))
    original = read_transcript(path)
    assert (original.name, original.session_id) == (str(path), "session-count.one.plain.1")
    assert original.origin == "https://parks.example.org/matrix/parks/count.one.plain.1"
    assert original.questions == [Asked("How many?"), Asked("And lakes?")]
    assert (original.model, original.temperature, original.seed, original.enable_thinking) == ("one", None, 7, True)
    assert [call.name for call in original.tool_calls] == ["query"]
    assert original.tools == saved["tools"]
    assert (original.system_prompt, original.is_summary) == ("", False)
    assert original.places == ["http://127.0.0.1:1/mcp"]


def test_members_of_other_types_are_as_if_they_were_not_there(saved):
    broken = saved | {"session_id": 7, "origin": None, "settings": [], "servers": {}, "tools": None}
    original = of_transcript(broken, "t")
    assert (original.session_id, original.origin, original.seed, original.tools) == (None, None, None, [])


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"questions": ["a"]}', '{"questions": [], "turns": []}'])
def test_what_is_none(tmp_path, text):
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(UserError, match="is no transcript"):
        read_transcript(path)


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_transcript(tmp_path)
