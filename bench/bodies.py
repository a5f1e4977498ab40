"""What clients ask and providers answer, byte for byte the same in every round."""

import json
import random
from dataclasses import dataclass

MODEL = "bench-model"
CLIENT_KEY = "sk-bench-client-0123456789abcdef"
PROVIDER_KEY = "sk-bench-provider-0123456789abcdef"
PATH = "/v1/chat/completions"
# As the geo-agent browser app sends them.
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "*/*",
    "Authorization": f"Bearer {CLIENT_KEY}",
    "X-Client": "geo-agent/v3.13.1",
    "Origin": "https://boettiger-lab.github.io",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0.0.0 Safari/537.36",
}
_VOCABULARY = (
    "protected area carbon hexagon parquet county species richness query the of and in by a wetland layer tile zoom "
    "bucket overlap fraction hectare index join select group order limit “quoted” naïve São \\path"
)
_WORDS = tuple(_VOCABULARY.split())
_FILLER = "and by county, protected or not, in hectares; "
_SESSION = "6f1d8c1e-3a52-4f0b-9d0e-2b7f4c1a9e55"


@dataclass(frozen=True, slots=True)
class Script:
    """One answer's bytes, and the offsets where each write of it ends (see ``provider.c``)."""

    data: bytes
    ends: tuple[int, ...]

    @property
    def body(self) -> bytes:
        """What a client gets as the body: for a stream, the chunks without HTTP's framing."""
        head = self.data.index(b"\r\n\r\n") + 4
        if len(self.ends) == 1:
            return self.data[head:]
        bounds = zip(self.ends, self.ends[1:], strict=False)
        return b"".join(self.data[start:end].split(b"\r\n", 2)[1] for start, end in bounds)

    @property
    def chunks(self) -> int:
        """Transfer chunks of a stream; 0 for a plain answer."""
        return len(self.ends) - 1


def _write_text(rng: random.Random, size: int) -> str:
    words: list[str] = []
    length = 0
    while length < size:
        word = rng.choice(_WORDS) + ("\n" if rng.random() < 0.06 else "")
        words.append(word)
        length += len(word.encode()) + 1
    return " ".join(words)


def _encode(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _make_tool(name: str, description: str) -> dict[str, object]:
    parameters = {"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _fill(body: dict[str, object], message: dict[str, object], size: int) -> bytes:
    """The body, with the message's text grown so that it has this many bytes."""
    missing = size - len(_encode(body))
    message["content"] = f"{message['content']}{(_FILLER * (missing // len(_FILLER) + 1))[:missing]}"
    return _encode(body)


def make_request(size: int, *, stream: bool = False) -> bytes:
    """A chat request of a browser agent, ``size`` bytes: a system prompt, tools, and as many turns as fit."""
    rng = random.Random(size)
    question: dict[str, object] = {"role": "user", "content": "How much carbon is in protected wetland? "}
    messages: list[dict[str, object]] = [{"role": "system", "content": _write_text(rng, size // 6)}]
    body: dict[str, object] = {
        "model": MODEL,
        "messages": messages,
        "tools": [_make_tool("query", _write_text(rng, max(40, size // 60))) for _ in range(1 if size < 8192 else 12)],
        "tool_choice": "auto",
        "user": _SESSION,
        "temperature": 0,
    }
    if stream:
        body["stream"] = True
    turn = 0
    while len(_encode(body)) < size - 6000:
        call = {"id": f"call_{turn:08}", "type": "function"}
        sql = json.dumps({"sql": _write_text(rng, 400)}, ensure_ascii=False)
        messages += [
            {"role": "user", "content": _write_text(rng, 300)},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{**call, "function": {"name": "query", "arguments": sql}}],
            },
            {"role": "tool", "tool_call_id": call["id"], "content": _write_text(rng, 3000)},
        ]
        turn += 1
    messages.append(question)
    return _fill(body, question, size)


def make_answer(size: int) -> Script:
    """A plain answer with a body of ``size`` bytes."""
    message: dict[str, object] = {"role": "assistant", "content": _write_text(random.Random(size), size // 4)}
    usage = {
        "prompt_tokens": 212,
        "completion_tokens": 96,
        "total_tokens": 308,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    body: dict[str, object] = {
        "id": "chatcmpl-bench000000000000000001",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage,
    }
    encoded = _fill(body, message, size)
    head = (
        "HTTP/1.1 200 OK\r\ndate: Tue, 01 Jul 2025 12:00:00 GMT\r\nserver: uvicorn\r\n"
        f"content-type: application/json\r\nx-request-id: bench-0001\r\ncontent-length: {len(encoded)}\r\n\r\n"
    )
    data = head.encode() + encoded
    return Script(data, (len(data),))


def make_stream(chunks: int, chunk_bytes: int) -> Script:
    """A streamed answer of transfer chunks, each an event of ``chunk_bytes`` bytes; the last is ``[DONE]``."""
    data = bytearray(
        b"HTTP/1.1 200 OK\r\ndate: Tue, 01 Jul 2025 12:00:00 GMT\r\nserver: uvicorn\r\n"
        b"content-type: text/event-stream; charset=utf-8\r\nx-request-id: bench-0002\r\n"
        b"transfer-encoding: chunked\r\n\r\n"
    )
    ends = [len(data)]
    for number in range(chunks):
        payload = _make_event(number, chunks, chunk_bytes)
        data += b"%x\r\n%s\r\n" % (len(payload), payload)
        if number == chunks - 1:
            data += b"0\r\n\r\n"
        ends.append(len(data))
    return Script(bytes(data), tuple(ends))


def _make_event(number: int, chunks: int, size: int) -> bytes:
    if number == chunks - 1:
        end = b"\n\ndata: [DONE]\n\n"
        return b":" + b" " * (size - 1 - len(end)) + end
    delta: dict[str, object] = {"content": f" w{number}"}
    choice = {"index": 0, "delta": delta, "finish_reason": "stop" if number == chunks - 2 else None}
    head = {"id": "chatcmpl-bench2", "object": "chat.completion.chunk", "created": 1_750_000_000, "model": MODEL}
    body: dict[str, object] = {**head, "choices": [choice]}
    frame = len(b"data: \n\n")
    return b"data: " + _fill(body, delta, size - frame) + b"\n\n"
