"""How the scripted provider answers when nothing is scripted: as a well-behaved one, by path and model.

``error-<status>`` as the model gives that error; offered tools, the model calls the first one, until it has a result.
"""

from typing import TYPE_CHECKING, Any

from tests.parts import answers

if TYPE_CHECKING:
    from tests.parts.model_upstream import Seen

KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
LIMITS = {"retry-after": "7", "x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "7"}


def answer_ordinarily(seen: "Seen") -> list[bytes]:
    """The answer's pieces."""
    path = seen.target.partition("?")[0]
    if seen.method == "GET":
        return [answers.answer(answers.dump({"object": "list", "data": [{"id": "m", "object": "model"}]}))]
    if (seen.header("content-type") or "").startswith("multipart/"):
        return [answers.answer(answers.dump({"text": "Hello, world"}))]
    body = seen.json()
    if str(body["model"]).startswith("error-"):
        return [_error(int(body["model"].removeprefix("error-")), anthropic=path.endswith("/messages"))]
    if path.endswith("/messages"):
        return _messages(body)
    if path.endswith("/embeddings"):
        return [answers.answer(answers.dump(_embeddings(body)))]
    return _chat(body)


def _error(status: int, *, anthropic: bool) -> bytes:
    kind = KINDS.get(status, "rate_limit_error" if status == 429 else "server_error")
    value = answers.openai_error(status, kind)
    if anthropic:
        value = {"type": "error", "error": {"type": kind, "message": "no"}}
    headers = {"x-request-id": "req-of-provider"} | (LIMITS if status == 429 else {})
    return answers.answer(answers.dump(value), status, headers)


def _chat(body: dict[str, Any]) -> list[bytes]:
    calls = bool(body.get("tools")) and body["messages"][-1]["role"] != "tool"
    if body.get("stream"):
        deltas = answers.TOOL_DELTAS if calls else answers.CONTENT_DELTAS
        return answers.stream(answers.chat_events(*deltas, finish="tool_calls" if calls else "stop"))
    value = answers.chat(None, tool_calls=[answers.TOOL_CALL]) if calls else answers.chat()
    return [answers.answer(answers.dump(value), headers={"x-request-id": "req-of-provider"})]


def _messages(body: dict[str, Any]) -> list[bytes]:
    calls = bool(body.get("tools"))
    use = {"type": "tool_use", "id": "call_1", "name": "look_up", "input": {"place": "Rome"}}
    stop = "tool_use" if calls else "end_turn"
    if not body.get("stream"):
        block = use if calls else {"type": "text", "text": "Hello, world"}
        return [answers.answer(answers.dump(answers.message([block], stop)))]
    if calls:
        pieces = [{"type": "input_json_delta", "partial_json": part} for part in ('{"place":', '"Rome"}')]
        return answers.stream(answers.message_events({**use, "input": {}}, pieces, stop))
    pieces = [{"type": "text_delta", "text": part} for part in ("Hello", ", world")]
    return answers.stream(answers.message_events({"type": "text", "text": ""}, pieces, stop))


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}]
    return {"object": "list", "model": body["model"], "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
