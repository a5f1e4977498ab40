"""What an MCP tool gave (``CallToolResult``), as the text that goes back to the model. Pure."""

import json
from typing import Any, Final

from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text

NOTHING: Final = "(the tool gave nothing)"
NOTHING_BUT_FAILURE: Final = "the tool failed and did not say why"


def read_result(result: Object) -> str:
    """The text of a ``CallToolResult``: its parts in order, and structured content that the text does not say already.

    Binary parts are named, not sent: a tool's message is text (image and audio parts are for users' messages only).
    """
    parts = [as_object(part) for part in as_list(result.get("content"))]
    texts = [text for part in parts if (text := _read_part(part))]
    structured = result.get("structuredContent")
    if structured is not None and not _says(texts, structured):
        texts.append(json.dumps(structured, ensure_ascii=False))
    return "\n".join(texts) or (NOTHING_BUT_FAILURE if result.get("isError") else NOTHING)


def cut(text: str, limit: int) -> str:
    """The first ``limit`` characters and a line that says so; ``limit`` 0 is none."""
    if not limit or len(text) <= limit:
        return text
    return f"{text[:limit]}\n[cut: the first {limit} of {len(text)} characters]"


def _read_part(part: Object) -> str:
    kind = part.get("type")
    if kind == "text":
        return as_text(part.get("text"))
    if kind in {"image", "audio"}:
        return f"[{kind}, {part.get('mimeType')}, {_decoded_bytes(part.get('data'))} bytes]"
    if kind == "resource":
        resource = as_object(part.get("resource"))
        if isinstance(resource.get("text"), str):
            return as_text(resource["text"])
        size = _decoded_bytes(resource.get("blob"))
        return f"[resource {resource.get('uri')}, {resource.get('mimeType')}, {size} bytes]"
    if kind == "resource_link":
        return f"[resource {part.get('name')}: {part.get('uri')}]"
    return json.dumps(part, ensure_ascii=False)


def _decoded_bytes(base64_text: Any) -> int:
    text = as_text(base64_text)
    return len(text) * 3 // 4 - text[-2:].count("=")


def _says(texts: list[str], structured: Any) -> bool:
    """Whether the text parts are the structured content over again, as the protocol wants them to be.

    The official server wraps what is no object as ``{"result": …}`` and writes a list as one part an item.
    """
    wrapped = as_object(structured).get("result", structured)
    said = [_parse(text) for text in texts]
    whole = _parse("\n".join(texts))
    return whole in (structured, wrapped) or said == wrapped or "\n".join(texts) == wrapped or texts == wrapped


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
