"""A conversation as JSON, for programs: the fields of ``logs.conversation``, ``null`` where something is not known."""

import msgspec

from open_llm_proxy.logs.conversation import Conversation


def render(conversation: Conversation) -> str:
    """An indented JSON object, with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(conversation), indent=2).decode() + "\n"
