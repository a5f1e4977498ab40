import json

from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.deltas import Assembly


def chunk(finish=None, index=0, **delta):
    return {"model": "m", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def piece(arguments, index=0, **more):
    return {"index": index, "function": {"arguments": arguments}, **more}


def begun(name, identity, index=0, arguments=""):
    return {
        "index": index,
        "id": identity,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def assemble(*chunks):
    assembly = Assembly()
    for one in chunks:
        assembly.add(one)
    return assembly


def message_of(assembly):
    return assembly.completion()["choices"][0]["message"]


def test_text_reasoning_and_usage():
    assembly = Assembly()
    assert assembly.add(chunk(role="assistant", content="")) == ("", "")
    assert assembly.add(chunk(reasoning_content="hm")) == ("", "hm")
    assert assembly.add(chunk(reasoning="m")) == ("", "m")
    assert assembly.add(chunk(content="Hel")) == ("Hel", "")
    assert assembly.add(chunk(content="lo", finish="stop")) == ("lo", "")
    assembly.add({"choices": [], "usage": {"total_tokens": 5}})
    assert assembly.finished
    assert assembly.completion() == {
        "model": "m",
        "usage": {"total_tokens": 5},
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "reasoning_content": "hmm"},
                "finish_reason": "stop",
            }
        ],
    }


def test_calls_are_put_together_by_their_index_however_they_interleave():
    assembly = assemble(
        chunk(tool_calls=[begun("f", "a"), begun("g", "b", index=1)]),
        chunk(tool_calls=[piece('{"x"', index=1)]),
        chunk(tool_calls=[piece('{"y": 1}', index=0), piece(": 2}", index=1)]),
        chunk(finish="tool_calls"),
    )
    calls = message_of(assembly)["tool_calls"]
    assert [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls] == [
        ("a", "f", '{"y": 1}'),
        ("b", "g", '{"x": 2}'),
    ]


def test_a_server_that_leaves_the_index_out():
    first = begun("f", "a", arguments='{"y":')
    del first["index"]
    second = begun("g", "b", arguments="{}")
    del second["index"]
    rest = piece(" 1}")
    del rest["index"]
    calls = message_of(assemble(chunk(tool_calls=[first]), chunk(tool_calls=[rest]), chunk(tool_calls=[second])))
    assert [call["function"]["arguments"] for call in calls["tool_calls"]] == ['{"y": 1}', "{}"]


def test_a_call_in_one_piece_and_arguments_that_are_no_text():
    calls = message_of(assemble(chunk(tool_calls=[begun("f", "a", arguments={"x": 1})])))["tool_calls"]
    assert calls[0]["function"]["arguments"] == {"x": 1}


def test_other_choices_are_not_mixed_in():
    assert message_of(assemble(chunk(content="a"), chunk(index=1, content="b")))["content"] == "a"


def test_a_stream_that_just_stops_is_not_finished():
    assembly = assemble(chunk(content="Hel"))
    assert not assembly.finished
    assert message_of(assembly)["content"] == "Hel"
    assert Assembly().completion()["choices"] == []


def test_refusals_and_errors():
    assert message_of(assemble(chunk(refusal="No"), chunk(refusal=".")))["refusal"] == "No."
    assert assemble({"error": {"message": "boom"}}).completion()["error"] == {"message": "boom"}


@given(st.dictionaries(st.text(), st.integers()), st.integers(1, 7))
def test_arguments_in_pieces_of_any_size(arguments, size):
    text = json.dumps(arguments)
    pieces = [chunk(tool_calls=[piece(text[at : at + size])]) for at in range(0, len(text), size)]
    calls = message_of(assemble(chunk(tool_calls=[begun("f", "a")]), *pieces))["tool_calls"]
    assert json.loads(calls[0]["function"]["arguments"]) == arguments
