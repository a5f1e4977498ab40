"""``drop_tool_choice_without_tools``: some servers answer 400 to a ``tool_choice`` without ``tools``."""

from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.request import Body


def drop_without_tools(body: Body, _model: str, changes: Changes) -> None:
    """Take ``tool_choice`` out of a body whose ``tools`` are absent, null or empty."""
    if "tool_choice" in body.values and not body.get("tools"):
        changes.drop("tool_choice")
        changes.names.append("drop_tool_choice_without_tools")
