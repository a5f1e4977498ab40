import asyncio
import json
from dataclasses import replace

import pytest
from tests.parts import answers
from tests.parts.model_upstream import Close, Cut, Pause, run_upstream

from open_llm_proxy.agent import model as module
from open_llm_proxy.agent.events import Delta, Retried
from open_llm_proxy.agent.exits import ModelError
from open_llm_proxy.agent.model import ProxyModel

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
OK = answers.answer(answers.dump(answers.chat()), headers={"x-llm-request-id": "id-of-the-record"})


@pytest.fixture(scope="module")
def shared_upstream():
    with run_upstream() as running:
        yield running


@pytest.fixture
def upstream(shared_upstream):
    shared_upstream.reset()
    return shared_upstream


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "RETRY_PAUSE_S", 0.01)
    monkeypatch.setattr(module, "RETRY_AFTER_MAX_S", 0.01)


@pytest.fixture
def ask(settings, upstream):
    """Ask once; what came, and what happened."""

    def ask(body=BODY, **changed):
        seen = []

        async def work():
            async with ProxyModel(replace(settings, proxy_url=f"{upstream.url}/v1", **changed)) as model:
                return await model.complete(body, seen.append)

        return asyncio.run(work()), seen

    return ask


def failure(status, text="no"):
    return answers.answer(answers.dump(answers.openai_error(status, "x", text)), status, {"x-llm-request-id": "failed"})


def test_a_plain_answer(ask, upstream):
    upstream.play(OK)
    completion, seen = ask()
    assert completion.choice["message"]["content"] == "Hello, world"
    assert (completion.request_id, completion.attempts, completion.ttft_ms) == ("id-of-the-record", 1, None)
    assert seen == []


def test_what_is_sent(ask, upstream):
    body = {
        **BODY,
        "tools": [answers.TOOL],
        "tool_choice": "auto",
        "user": "s",
        "temperature": 0,
        "enable_thinking": False,
    }
    ask(body, api_key="sk-mine", origin="https://app.invalid/tag")
    sent = upstream.seen[0]
    assert sent.json() == body | {"stream": False}
    assert sent.target == "/v1/chat/completions"
    assert sent.header("authorization") == "Bearer sk-mine"
    assert sent.header("origin") == "https://app.invalid/tag"
    assert sent.header("x-client").startswith("agent_runner/")
    ask()
    assert upstream.seen[1].header("origin") is None


def test_a_stream_is_put_together_and_told_as_it_comes(ask, upstream):
    upstream.play(*answers.stream(answers.chat_events(*answers.CONTENT_DELTAS)))
    completion, seen = ask(stream=True)
    assert completion.choice == {
        "index": 0,
        "message": {"role": "assistant", "content": "Hello, world"},
        "finish_reason": "stop",
    }
    assert completion.value["usage"] == answers.USAGE
    assert completion.ttft_ms is not None
    assert seen == [Delta("Hello", ""), Delta(", world", "")]
    assert upstream.seen[0].json()["stream_options"] == {"include_usage": True}


def test_streamed_tool_calls_and_reasoning(ask, upstream):
    deltas = [{"reasoning_content": "hm"}, *answers.TOOL_DELTAS]
    upstream.play(*answers.stream(answers.chat_events(*deltas, finish="tool_calls")))
    completion, seen = ask(stream=True)
    message = completion.choice["message"]
    assert message["reasoning_content"] == "hm"
    assert message["tool_calls"][0]["function"] == {"name": "look_up", "arguments": '{"place":"Rome"}'}
    assert seen == [Delta("", "hm")]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [500, 502, 503])
def test_one_more_try_after_a_5xx(ask, upstream, status, stream):
    upstream.play(failure(status, "overloaded"))
    completion, seen = ask(stream=stream)
    assert completion.attempts == 2
    assert seen[0] == Retried(f"the proxy answered {status}: overloaded")
    assert len(upstream.seen) == 2


def test_not_two(ask, upstream):
    upstream.play(failure(500))
    upstream.play(failure(502, "still not"))
    with pytest.raises(ModelError, match="the proxy answered 502: still not") as caught:
        ask()
    assert caught.value.request_id == "failed"
    assert len(upstream.seen) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 422, 429])
def test_none_after_a_4xx(ask, upstream, status):
    upstream.play(failure(status))
    with pytest.raises(ModelError, match=f"the proxy answered {status}: no"):
        ask()
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("step", [Cut(), Close()])
def test_one_more_try_after_a_broken_connection(ask, upstream, step):
    upstream.play(step)
    completion, seen = ask()
    assert completion.attempts == 2
    assert "no answer from" in seen[0].reason


def test_one_more_try_after_a_stream_that_broke(ask, upstream):
    pieces = answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))
    upstream.play(*pieces[:3], Cut())
    completion, seen = ask(stream=True)
    assert completion.choice["message"]["content"] == "Hello, world"
    assert [type(event) for event in seen] == [Delta, Retried, Delta, Delta]


def test_a_stream_that_ends_before_its_answer_does_is_broken_too(ask, upstream):
    upstream.play(*answers.stream(answers.chat_events({"content": "Hel"})[:1]))
    completion, seen = ask(stream=True)
    assert completion.attempts == 2
    assert "the stream ended before the answer did" in seen[1].reason


def test_an_error_event_in_a_stream(ask, upstream):
    broken = answers.event({"error": {"message": "the provider broke off", "code": "upstream_broken"}})
    upstream.play(*answers.stream([*answers.chat_events({"content": "Hel"})[:1], broken]))
    completion, seen = ask(stream=True)
    assert completion.attempts == 2
    assert seen[1] == Retried("the model failed: the provider broke off")


def test_an_error_event_of_the_clients_own_making_is_not_tried_again(ask, upstream):
    upstream.play(*answers.stream([answers.event({"error": {"message": "too long", "code": 400}})]))
    with pytest.raises(ModelError, match="too long"):
        ask(stream=True)
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_time_out_is_not_tried_again(ask, upstream, stream):
    upstream.play(Pause(30))
    with pytest.raises(ModelError, match=r"no answer within 0\.2 s"):
        ask(stream=stream, llm_timeout_s=0.2)
    assert len(upstream.seen) == 1


def test_the_time_is_for_the_whole_answer(ask, upstream):
    pieces = answers.stream(answers.chat_events(*[{"content": "x"}] * 100))
    upstream.play(*[step for piece in pieces for step in (piece, Pause(0.1))])
    with pytest.raises(ModelError, match="no answer within 1 s"):
        ask(stream=True, llm_timeout_s=1)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>a gateway", "no JSON: '<html>a gateway'"),
        (b"{}", "no choices"),
        (b'{"choices": null}', "no choices"),
        (b'{"choices": [null]}', "no choices"),
        (b"[]", "no choices"),
        (b'{"error": {"message": "quota"}}', "quota"),
        (b'{"error": "quota"}', "quota"),
    ],
)
def test_a_200_that_is_no_answer(ask, upstream, body, why):
    upstream.play(answers.answer(body))
    with pytest.raises(ModelError, match=why):
        ask()
    assert len(upstream.seen) == 1


def test_half_an_emoji_in_an_answer(ask, upstream):
    upstream.play(answers.answer(json.dumps(answers.chat("cut \ud83d")).encode()))
    assert ask()[0].choice["message"]["content"] == "cut \ufffd"


def test_a_proxy_that_is_not_there(settings):
    async def work():
        async with ProxyModel(replace(settings, proxy_url="http://127.0.0.1:9/v1")) as model:
            await model.complete(BODY)

    with pytest.raises(ModelError, match=r"no answer from http://127\.0\.0\.1:9/v1"):
        asyncio.run(work())


def test_a_proxy_that_is_killed_and_comes_back_is_waited_for(settings, upstream):
    retried = asyncio.Event()

    async def work():
        first = await asyncio.start_server(serve_once, "127.0.0.1", 0)
        port = first.sockets[0].getsockname()[1]
        async with ProxyModel(replace(settings, proxy_url=f"http://127.0.0.1:{port}/v1")) as model:
            await model.complete(BODY)
            first.close()
            await first.wait_closed()
            call = asyncio.ensure_future(model.complete(BODY, lambda _: retried.set()))
            await retried.wait()
            async with await asyncio.start_server(serve_once, "127.0.0.1", port):
                return await call

    async def serve_once(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
        if head:
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
            await writer.drain()
        writer.close()

    assert asyncio.run(work()).attempts == 2


def test_odd_headers_and_bodies_of_errors(ask, upstream):
    upstream.play(answers.answer(b"not json", 503, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}))
    upstream.play(answers.answer(json.dumps({"detail": "no"}).encode(), 404))
    with pytest.raises(ModelError, match="the proxy answered 404"):
        ask()
