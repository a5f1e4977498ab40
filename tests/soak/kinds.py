"""The kinds of calls that people make: each is one function, its row in ``KINDS`` says how often it comes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.parts import answers
from tests.parts.load import SLOW_MODEL
from tests.parts.node import run_script
from tests.soak.person import Person
from tests.soak.said import BROKEN, ERROR, LEFT

PATIENCE_S: Final = 0.1
PROVIDER_ERRORS: Final = (400, 429, 500, 503)
NODE_NAME: Final = "node"
NODE_KEY: Final = "sk-key-of-the-client-for-node"
NODE_CALLS: Final = 12
"""Calls of one run that are recorded; one more has a wrong key."""
NODE_S: Final = 60
AUDIO: Final = ("speech.wav", b"RIFF" + bytes(5000), "audio/wav")


def _messages(question: str) -> Any:
    return [{"role": "user", "content": question}]


async def _ask(person: Person, model: str, question: str, headers: dict[str, str], **more: Any) -> Any:
    """One plain completion; the message."""
    raw = await person.openai.chat.completions.with_raw_response.create(
        model=model, messages=_messages(question), extra_headers=headers, **more
    )
    person.now.begun(raw.headers)
    return raw.parse().choices[0].message


def _plain(model: str) -> Callable[[Person, str], Awaitable[None]]:
    async def make(person: Person, kind: str) -> None:
        question = person.ask()
        message = await _ask(person, model, question, person.begin(kind, question))
        person.now.whole(message.content)

    return make


async def _large(person: Person, kind: str) -> None:
    question = person.ask(person.length())
    message = await _ask(person, "m", question, person.begin(kind, question))
    person.now.whole(message.content)


async def _unlogged(person: Person, kind: str) -> None:
    question = person.ask()
    headers = person.begin(kind, question, logged=False) | {"x-log-content": "none"}
    message = await _ask(person, "m", question, headers)
    person.now.whole(message.content)


async def _open_stream(person: Person, kind: str, model: str, **more: Any) -> Any:
    question = person.ask()
    raw = await person.openai.chat.completions.with_raw_response.create(
        model=model, messages=_messages(question), stream=True, extra_headers=person.begin(kind, question), **more
    )
    person.now.begun(raw.headers)
    return raw.parse()


def _streamed(model: str) -> Callable[[Person, str], Awaitable[None]]:
    async def make(person: Person, kind: str) -> None:
        content = ""
        async with await _open_stream(person, kind, model, stream_options={"include_usage": True}) as stream:
            async for chunk in stream:
                content += "".join(choice.delta.content or "" for choice in chunk.choices)
        person.now.whole(content)

    return make


async def _left(person: Person, kind: str) -> None:
    """Somebody has read enough of an answer."""
    pieces = person.rng.randrange(1, 30)
    async with await _open_stream(person, kind, "long") as stream:
        async for _ in stream:
            pieces -= 1
            if not pieces:
                break
    person.now.end = LEFT


async def _left_early(person: Person, kind: str) -> None:
    """Somebody does not wait for an answer."""
    question = person.ask()
    call = _ask(person, SLOW_MODEL, question, person.begin(kind, question))
    try:
        await asyncio.wait_for(call, PATIENCE_S)
    except TimeoutError:
        person.now.end = LEFT
    else:
        person.now.whole()


async def _tool_loop(person: Person, kind: str) -> None:
    question = person.ask()
    called = await _ask(person, "m", question, person.begin(kind, question), tools=[answers.TOOL])
    person.now.whole()
    assert called.tool_calls[0].function.arguments == '{"place":"Rome"}'
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "a city"}
    messages: Any = [*_messages(question), called.model_dump(exclude_none=True), result]
    raw = await person.openai.chat.completions.with_raw_response.create(
        model="m", messages=messages, tools=[answers.TOOL], extra_headers=person.begin(kind, question)
    )
    person.now.begun(raw.headers)
    person.now.whole(raw.parse().choices[0].message.content)


async def _tool_streamed(person: Person, kind: str) -> None:
    arguments = ""
    async with await _open_stream(person, kind, "m", tools=[answers.TOOL]) as stream:
        async for chunk in stream:
            for choice in chunk.choices:
                arguments += "".join(one.function.arguments or "" for one in choice.delta.tool_calls or ())
    assert arguments == '{"place":"Rome"}'
    person.now.whole()


async def _claude(person: Person, kind: str) -> None:
    question = person.ask()
    raw = await person.anthropic.messages.with_raw_response.create(
        model="m", max_tokens=10, messages=_messages(question), extra_headers=person.begin(kind, question)
    )
    person.now.begun(raw.headers)
    person.now.whole((await raw.parse()).content[0].text)


async def _claude_streamed(person: Person, kind: str) -> None:
    question = person.ask()
    headers = person.begin(kind, question)
    content = ""
    async with person.anthropic.messages.stream(
        model="m", max_tokens=10, messages=_messages(question), extra_headers=headers
    ) as stream:
        person.now.begun(stream.response.headers)
        async for text in stream.text_stream:
            content += text
    person.now.whole(content)


async def _embeddings(person: Person, kind: str) -> None:
    raw = await person.openai.embeddings.with_raw_response.create(
        model="m", input="text", encoding_format="float", extra_headers=person.begin(kind)
    )
    person.now.begun(raw.headers)
    assert raw.parse().data[0].embedding == [0.5, -0.5]
    person.now.whole()


async def _audio(person: Person, kind: str) -> None:
    raw = await person.openai.audio.transcriptions.with_raw_response.create(
        model="m", file=AUDIO, extra_headers=person.begin(kind)
    )
    person.now.begun(raw.headers)
    assert raw.parse().text == "Hello, world"
    person.now.whole()


async def _provider_error(person: Person, kind: str) -> None:
    question = person.ask()
    await _ask(person, f"error-{person.rng.choice(PROVIDER_ERRORS)}", question, person.begin(kind, question))


async def _wrong_key(person: Person, kind: str) -> None:
    stranger = person.openai.with_options(api_key="sk-wrong")
    headers = person.begin(kind, recorded=False)
    await stranger.chat.completions.create(model="m", messages=_messages(person.ask()), extra_headers=headers)


def _bad(method: str, path: str, body: bytes, status: int, **more: Any) -> Callable[[Person, str], Awaitable[None]]:
    async def make(person: Person, kind: str) -> None:
        answer = await person.http.request(method, path, content=body, headers=person.begin(kind, **more))
        assert answer.status_code == status, answer.text
        person.now.begun(answer.headers, answer.status_code)
        person.now.end = ERROR

    return make


async def _lists(person: Person, kind: str) -> None:
    headers = person.begin(kind, recorded=False)
    raw = await person.openai.models.with_raw_response.list(extra_headers=headers)
    person.now.begun(raw.headers)
    assert "m" in [model.id for model in raw.parse().data]
    person.now.whole()


async def _node(person: Person, kind: str) -> None:
    """All that the client for Node does, a call after the other, in a process of its own."""
    person.begin(kind, recorded=False)  # its calls carry no tag: they are known by their key
    arguments = {"baseURL": person.base_url, "apiKey": NODE_KEY, "tool": answers.TOOL}
    try:
        results = await asyncio.to_thread(run_script, "openai_client", arguments, Path.cwd(), NODE_S)
    except AssertionError:  # a worker was killed at one of its calls
        person.now.end = BROKEN
    else:
        assert results["plain"]["content"] == results["streamed"]["content"] == "answer to Hello"
        person.now.whole()


class Row(NamedTuple):
    """``share`` of all calls, against those of the other rows; how it is made."""

    share: float
    make: Callable[[Person, str], Awaitable[None]]


KINDS: Final[dict[str, Row]] = {
    "plain": Row(15, _plain("m")),
    "streamed": Row(15, _streamed("m")),
    "tool loop": Row(6, _tool_loop),
    "tool streamed": Row(4, _tool_streamed),
    "large question": Row(4, _large),
    "second provider": Row(4, _plain("second/m")),
    "unlogged": Row(4, _unlogged),
    "slow": Row(2, _plain(SLOW_MODEL)),
    "long stream": Row(1, _streamed("long")),
    "large answer": Row(2, _plain("huge")),
    "compressed": Row(2, _plain("compressed")),
    "closed behind it": Row(4, _plain("closes")),
    "messages": Row(4, _claude),
    "messages streamed": Row(4, _claude_streamed),
    "embeddings": Row(3, _embeddings),
    "audio": Row(2, _audio),
    "left": Row(6, _left),
    "left early": Row(4, _left_early),
    "provider's error": Row(4, _provider_error),
    "cut": Row(3, _plain("cut")),
    "cut stream": Row(3, _streamed("cut")),
    "reset": Row(2, _plain("reset")),
    "silent": Row(0.7, _plain("silent")),
    "unreachable": Row(2, _plain("gone")),
    "wrong key": Row(3, _wrong_key),
    "no json": Row(2, _bad("POST", "/chat/completions", b'{"model":', 400)),
    "no model": Row(2, _bad("POST", "/chat/completions", b'{"messages":[]}', 400)),
    "bad method": Row(1, _bad("PUT", "/chat/completions", b"{}", 405, recorded=False)),
    "models": Row(2, _lists),
}

NODE: Final = {"node": Row(1, _node)}
"""What one more person does, now and then: it starts a process."""
