"""With what a session is run: where calls go, how the model is asked, how long to wait."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from open_llm_proxy import __version__
from open_llm_proxy.errors import UserError

PROXY_URL: Final = "https://open-llm-proxy.nrp-nautilus.io/v1"
MCP_URL: Final = "https://duckdb-mcp.nrp-nautilus.io/mcp"
MODEL: Final = "nemotron"
CLIENT: Final = f"agent_runner/{__version__}"
NO_KEY: Final = "EMPTY"
CHAT_PATH: Final = "/chat/completions"


def fresh_session_id() -> str:
    """An id for a session of one's own."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Settings:
    """A session's settings.

    Attributes:
        temperature: None sends none.
        enable_thinking: None leaves it to the model.
        tool_result_max: Characters of a tool's result that go to the model; 0: all.
        timeout_s: For the whole run, MCP servers included; None: no limit.
        llm_timeout_s: For one answer of the model.
        origin: What the records are to name as the app; also ``…/replay`` or an experiment's tag as its path.
        session_id: Sent as ``user``, which is what groups the records.
    """

    proxy_url: str = PROXY_URL
    api_key: str = field(default=NO_KEY, repr=False)
    model: str = MODEL
    origin: str | None = None
    session_id: str = field(default_factory=fresh_session_id)
    client: str = CLIENT
    temperature: float | None = 0
    seed: int | None = None
    enable_thinking: bool | None = None
    stream: bool = False
    max_turns: int = 20
    timeout_s: float | None = None
    llm_timeout_s: float = 1200
    tool_timeout_s: float = 120
    tool_result_max: int = 16000


def resolve_key(given: str | None, environment: Mapping[str, str]) -> str:
    """The proxy key: the option, ``OPENAI_API_KEY``, ``PROXY_KEY``, else a stand-in that needs no key.

    Raises:
        UserError: It cannot be a header's value.
    """
    key = (given or environment.get("OPENAI_API_KEY") or environment.get("PROXY_KEY") or "").strip() or NO_KEY
    if not key.isascii() or not key.isprintable():
        raise UserError("the proxy key holds a character that no header takes", "Set it again, in quotes")
    return key


def resolve_proxy_url(given: str | None, environment: Mapping[str, str]) -> str:
    """The proxy's base URL: the option, ``OPENAI_BASE_URL``, else the group's own.

    A root without a path means its ``/v1``; the URL of chat completions means what stands before it.
    """
    url = (given or environment.get("OPENAI_BASE_URL") or PROXY_URL).rstrip("/").removesuffix(CHAT_PATH)
    return url if "/" in url.partition("://")[2] else f"{url}/v1"
