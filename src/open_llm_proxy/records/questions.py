"""What a request asks: the messages of chat completions, and the same read from the other forms."""

from typing import Any

import msgspec

from open_llm_proxy.answers.assemble import as_list, as_object, as_text

Object = dict[str, Any]


class Asked(msgspec.Struct):
    """The parts of a request that a record shows, unscrubbed."""

    messages: list[Object] = []
    first_user: str | None = None
    last_user: str | None = None
    tool_results: list[tuple[str | None, str]] | None = None
    system: str | None = None
    tools_count: int = 0


def read_messages(body: Object) -> list[Object]:
    """The messages of any form: ``messages``; ``input`` of Responses; ``prompt`` of completions."""
    if isinstance(body.get("messages"), list):
        return [as_object(message) for message in as_list(body["messages"])]
    given = body.get("input") if "input" in body else body.get("prompt")
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return [as_object(item) for item in as_list(given) if isinstance(item, dict)]


def content_text(message: Object) -> str:
    """A message's content as one text; parts without text (images, audio) add nothing."""
    text = as_text(message.get("content"))
    if text is None and isinstance(message.get("output"), str):  # Responses: function_call_output
        text = message["output"]
    return text or ""


def read(body: Object) -> Asked:
    """What ``body`` asks."""
    messages = read_messages(body)
    asked = Asked(messages=messages, tools_count=len(as_list(body.get("tools"))))
    users = [message for message in messages if message.get("role") == "user" and not _holds_results(message)]
    if users:
        asked.first_user = content_text(users[0])
        asked.last_user = content_text(users[-1])
    asked.system = _system(body, messages)
    asked.tool_results = _tool_results(messages)
    return asked


def _holds_results(message: Object) -> bool:
    parts = [as_object(part) for part in as_list(message.get("content"))]
    return bool(parts) and all(part.get("type") == "tool_result" for part in parts)


def _system(body: Object, messages: list[Object]) -> str | None:
    for key in ("system", "instructions"):
        if key in body and (text := as_text(body[key])) is not None:
            return text
    for message in messages:
        if message.get("role") in ("system", "developer"):
            return content_text(message)
    return None


def _tool_results(messages: list[Object]) -> list[tuple[str | None, str]] | None:
    """The role:tool messages after the last assistant message, in order."""
    results: list[tuple[str | None, str]] = []
    for message in reversed(messages):
        if message.get("role") == "assistant" or message.get("type") == "function_call":
            break
        if message.get("role") == "tool":
            results.insert(0, (message.get("tool_call_id"), content_text(message)))
        elif message.get("type") == "function_call_output":
            results.insert(0, (message.get("call_id"), content_text(message)))
        elif _holds_results(message):
            parts = [as_object(part) for part in as_list(message["content"])]
            results[:0] = [(part.get("tool_use_id"), as_text(part.get("content")) or "") for part in parts]
    return results or None
