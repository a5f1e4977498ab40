"""A conversation as JSON, for programs: the fields of ``logs.conversation``, ``null`` where something is not known."""

import json

import msgspec

from open_llm_proxy.logs.conversation import Conversation


def render(conversation: Conversation) -> str:
    """An indented JSON object, with a newline at its end; lone surrogates, which records may hold, are escaped."""
    return json.dumps(msgspec.to_builtins(conversation), indent=2) + "\n"
