"""How a session can end, and the errors that end one."""

from dataclasses import dataclass
from typing import Final

from open_llm_proxy.errors import OpenLlmProxyError


@dataclass(frozen=True)
class Exit:
    """A session's end: the process's exit status, its name, and what there is to say of it."""

    code: int
    reason: str
    message: str = ""

    def with_message(self, message: str) -> "Exit":
        """The same end with something to say."""
        return Exit(self.code, self.reason, message)


ANSWERED: Final = Exit(0, "answered")
USAGE: Final = Exit(2, "usage")
OUT_OF_TURNS: Final = Exit(3, "out_of_turns")
MODEL_ERROR: Final = Exit(4, "model_error")
MCP_ERROR: Final = Exit(5, "mcp_error")
TIMEOUT: Final = Exit(6, "timeout")
INTERRUPTED: Final = Exit(130, "interrupted", "interrupted")


class SessionError(OpenLlmProxyError):
    """A session cannot go on. ``exit`` says how it ends."""

    exit = MODEL_ERROR


class ModelError(SessionError):
    """The proxy or the model gave no answer that could be used.

    Args:
        message: What happened.
        request_id: The call's id in the proxy's records, where it is known.
    """

    def __init__(self, message: str, request_id: str | None = None) -> None:
        super().__init__(message)
        self.request_id = request_id


class McpError(SessionError):
    """An MCP server cannot be reached, or does not have what was asked for."""

    exit = MCP_ERROR


class LostError(McpError):
    """An MCP session is gone, and whatever was asked has no answer."""
