import json

from open_llm_proxy.logs.export.json_text import render


def test_the_fields_are_the_models(conversation):
    value = json.loads(render(conversation))
    assert value["session_id"] == "s-1"
    assert len(value["threads"]) == 2
    first = value["threads"][0]["turns"][0]
    assert first["sent"] == [{"kind": "user", "text": "How many parks?", "name": None, "call_id": None, "cut": False}]
    assert first["usage"]["total"] == 15
