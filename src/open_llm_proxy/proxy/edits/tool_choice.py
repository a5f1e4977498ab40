"""``drop_tool_choice_without_tools``: some servers answer 400 to a ``tool_choice`` without ``tools``."""

from collections.abc import Mapping
from typing import Final

import msgspec

from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.request import Body

_LOOK_BYTES: Final = 64


def may_be_alone(values: Mapping[str, msgspec.Raw]) -> bool:
    """Whether ``tools`` is not seen at a glance to hold one: a tool is an object."""
    tools = values.get("tools")
    return tools is None or b"{" not in bytes(memoryview(tools)[:_LOOK_BYTES])


def drop_without_tools(body: Body, _model: str, changes: Changes) -> None:
    """Take ``tool_choice`` out of a body whose ``tools`` are absent, null or empty."""
    if "tool_choice" in body.values and not body.get("tools"):
        changes.drop("tool_choice")
        changes.names.append("drop_tool_choice_without_tools")
