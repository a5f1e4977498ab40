import json
import socket

import pytest

from open_llm_proxy.proxy.demo import MODEL, DemoApplication, complete, events, text_of

TOOL = {
    "type": "function",
    "function": {"name": "run", "parameters": {"properties": {"sql": {"type": "string"}}, "required": ["sql"]}},
}
OTHER = {"type": "function", "function": {"name": "other"}}


def user(content="Hello there"):
    return {"role": "user", "content": content}


def completed(*messages, **request):
    return complete({"messages": list(messages), **request}, list(messages), "d" * 24)


def message(*messages, **request):
    return completed(*messages, **request)["choices"][0]["message"]


@pytest.fixture
def demo(start):
    """A rig whose only provider is the stand-in."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1/chat/completions"
    rig = start(providers={"demo": {"endpoint": url, "models": [MODEL], "model_prefixes": [], "key": None}})
    server = rig.loop.run_until_complete(DemoApplication(rig.loop).listen(listener))
    yield rig
    server.close()


def ask(rig, **request):
    client = rig.client()
    client.send(rig.request(json.dumps({"model": MODEL, "messages": [user()], **request}).encode()))
    return client.receive()


# --- through the proxy -----------------------------------------------------------------------------------------------


def test_a_call_takes_the_same_road_as_any_other(demo):
    answer = ask(demo)
    assert answer.status == 200
    assert answer.header("x-llm-provider") == "demo"
    body = answer.json()
    assert body["object"] == "chat.completion"
    assert body["model"] == MODEL
    assert "stand-in" in body["choices"][0]["message"]["content"]
    assert "Hello there" in body["choices"][0]["message"]["content"]
    assert demo.call()[1].body == answer.body


def test_the_same_question_has_the_same_answer(demo):
    assert ask(demo).body == ask(demo).body
    assert ask(demo).body != ask(demo, seed=1).body


def parse(stream):
    *parts, last, rest = stream.split(b"\n\n")
    assert (last, rest) == (b"data: [DONE]", b"")
    return [json.loads(part.removeprefix(b"data: ")) for part in parts]


@pytest.mark.parametrize("usage", [True, False])
def test_a_stream_says_the_same(demo, usage):
    plain = ask(demo).json()
    answer = ask(demo, stream=True, **({"stream_options": {"include_usage": True}} if usage else {}))
    assert answer.header("content-type") == "text/event-stream"
    chunks = parse(answer.body)
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    assert text.rstrip() == plain["choices"][0]["message"]["content"]
    assert choices[0]["delta"]["role"] == "assistant"
    assert choices[-1]["finish_reason"] == "stop"
    assert ("usage" in chunks[-1] and chunks[-1]["usage"] is not None) == usage
    if usage:
        assert chunks[-1]["usage"] == plain["usage"]


def test_its_model_list(demo):
    listed = demo.ask(demo.request(path="/v1/models", method="GET")).json()
    assert [row["id"] for row in listed["data"]] == [MODEL]
    assert listed["providers"]["demo"]["status"] == "ok"


@pytest.mark.parametrize("messages", [None, "x", {}])
def test_messages_must_be_a_list(demo, messages):
    answer = ask(demo, messages=messages)
    assert answer.status == 400
    assert answer.error["param"] == "messages"


def test_other_endpoints_are_not_there(demo):
    client = demo.client()
    client.send(demo.request(b'{"model":"demo"}', path="/v1/embeddings"))
    answer = client.receive()
    assert answer.status == 404
    assert "stand-in" in answer.error["message"]


def test_a_client_that_leaves_a_stream_ends_it(demo):
    client = demo.client()
    body = {"model": MODEL, "stream": True, "messages": [user("word " * 90)]}
    client.send(demo.request(json.dumps(body).encode()))
    client.head()
    client.chunk()
    client.close()
    assert demo.record()[1].error.startswith("Client disconnected")


# --- straight to it --------------------------------------------------------------------------------------------------


@pytest.fixture
def straight(demo):
    """A client of the stand-in itself; what the proxy refuses comes only so."""
    port = demo.app.setup.providers["demo"].origin.port
    client = demo.client()
    client.sock.close()
    client.sock = socket.create_connection(("127.0.0.1", port))
    client.sock.setblocking(False)
    return client


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"[" * 100_000])
def test_a_body_that_is_no_object_has_no_messages(demo, straight, body):
    straight.send(demo.request(body))
    answer = straight.receive()
    assert (answer.status, answer.error["param"]) == (400, "messages")


@pytest.mark.parametrize(
    "bad", [b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx\r\n"]
)
def test_it_refuses_what_breaks_http(straight, bad):
    straight.send(bad)
    answer = straight.receive()
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert straight.ending()[0] == b""


def test_its_own_fault_is_for_whoever_runs_it_to_see(demo, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("open_llm_proxy.proxy.demo.complete", fail)
    assert ask(demo).error["code"] == "provider_cut_off"
    (fault,) = demo.faults
    assert isinstance(fault["exception"], ZeroDivisionError)
    demo.faults.clear()


# --- what it answers -------------------------------------------------------------------------------------------------


def test_usage_adds_up():
    usage = completed(user("one two three"), user("four"))["usage"]
    assert usage["prompt_tokens"] == 4
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] > 0


def test_it_repeats_the_last_question_and_not_all_of_it():
    assert message(user("first"), {"role": "assistant", "content": "x"}, user("second"))["content"].endswith("second")
    assert len(message(user("x" * 10_000))["content"]) < 700


def test_offered_tools_it_calls_the_first_with_arguments_that_fit():
    made = completed(user(), tools=[TOOL, OTHER])
    (choice,) = made["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert (call["type"], call["function"]["name"]) == ("function", "run")
    assert json.loads(call["function"]["arguments"]) == {"sql": "SELECT 42 AS answer"}
    assert call["id"]


def test_the_tool_that_was_chosen_is_called():
    chosen = {"type": "function", "function": {"name": "other"}}
    assert message(user(), tools=[TOOL, OTHER], tool_choice=chosen)["tool_calls"][0]["function"]["name"] == "other"


@pytest.mark.parametrize(
    "request_", [{"tools": [TOOL], "tool_choice": "none"}, {"tools": []}, {"tools": None}, {"tools": [{}, 7]}]
)
def test_without_a_tool_to_call_it_answers(request_):
    assert "tool_calls" not in message(user(), **request_)


def test_after_a_tools_result_it_answers_with_what_that_gave():
    results = [{"role": "tool", "content": "41"}, {"role": "tool", "content": [{"type": "text", "text": "42"}]}]
    made = completed(user(), {"role": "tool", "content": "old"}, {"role": "assistant"}, *results, tools=[TOOL])
    assert made["choices"][0]["message"] == {"role": "assistant", "content": "The tool gave: 41\n42"}
    assert made["choices"][0]["finish_reason"] == "stop"


def test_with_nothing_but_results_it_tells_them_all():
    results = [{"role": "tool", "content": text} for text in ("1", "2", "3")]
    assert message(*results)["content"] == "The tool gave: 1\n2\n3"


def test_a_streamed_tool_call_is_the_same_call():
    made = completed(user(), tools=[TOOL])
    chunks = parse(b"".join(events(made, usage=False)))
    deltas = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    (call,) = made["choices"][0]["message"]["tool_calls"]
    assert deltas[0]["id"] == call["id"]
    assert deltas[0]["function"]["name"] == "run"
    assert "".join(delta["function"]["arguments"] for delta in deltas) == call["function"]["arguments"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a", "a"),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "image_url"}, {"text": "b"}], "a\n\nb"),
        (7, ""),
    ],
)
def test_the_text_of_a_content(content, text):
    assert text_of(content) == text
