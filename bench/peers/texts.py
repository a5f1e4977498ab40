"""What an answer says: peers that write the JSON anew are held to the text, not to the bytes."""

import json


def read_plain(body: bytes) -> str:
    """The text of a chat completion."""
    return json.loads(body)["choices"][0]["message"]["content"]


def read_stream(body: bytes) -> str:
    """The text of a streamed chat completion, put together."""
    parts: list[str] = []
    for line in body.split(b"\n"):
        data = line.removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data != b"[DONE]":
            choices = json.loads(data).get("choices", [])
            parts += [choice.get("delta", {}).get("content") or "" for choice in choices]
    return "".join(parts)
