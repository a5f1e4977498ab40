"""JSON from outside, narrowed: a value of another type than hoped for reads as an empty one."""

import json
from typing import Any, cast

Object = dict[str, Any]


def as_object(value: Any) -> Object:
    """``value`` where it is a JSON object, else an empty one."""
    return cast("Object", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """``value`` where it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """``value`` where it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def compact(value: Any) -> str:
    """JSON without spaces, as the OpenAI client sends it: its bytes are what the proxy's records hash."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def whole(value: Any) -> Any:
    """JSON that can be written as UTF-8: half an emoji, as JavaScript cuts one, becomes U+FFFD, at any depth."""
    if isinstance(value, str):
        return value if _is_whole(value) else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [whole(one) for one in as_list(value)]
    if isinstance(value, dict):
        return {whole(key): whole(one) for key, one in as_object(value).items()}
    return value


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
