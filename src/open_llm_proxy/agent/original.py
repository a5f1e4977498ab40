"""A session that was, as what a replay needs of it: its questions, its turns with their tools, and what it was told.

From a transcript here, from the proxy's records in ``logged``.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text
from open_llm_proxy.agent.transcript import ToolCall, Turn, read_turns
from open_llm_proxy.errors import UserError


class Asked(NamedTuple):
    """A message of the user's. ``thread`` is the number of the conversation within the session that it belongs to."""

    text: str
    thread: int = 1


@dataclass
class Original:
    """A session that was.

    Attributes:
        name: What the user named it by.
        questions: In order; a turn's ``question`` is the number of one of them, from 1 on.
        system_prompt: Empty: there was none; None: it is not known.
        tools: Empty: none were offered; None: they are not known.
        temperature: None: none was sent.
        places: The URLs of its MCP servers, where they are known.
        is_summary: It was logged without its messages, prompt and tools.
        notes: What else a reader has to know.
    """

    name: str
    session_id: str | None = None
    origin: str | None = None
    model: str | None = None
    questions: list[Asked] = field(default_factory=list[Asked])
    turns: list[Turn] = field(default_factory=list[Turn])
    system_prompt: str | None = ""
    system_sha256: str | None = None
    tools: list[Object] | None = field(default_factory=list[Object])
    tools_sha256: str | None = None
    temperature: float | None = 0
    seed: int | None = None
    enable_thinking: bool | None = None
    places: list[str] = field(default_factory=list[str])
    is_summary: bool = False
    notes: list[str] = field(default_factory=list[str])

    @property
    def tool_calls(self) -> list[ToolCall]:
        """All of them, in order."""
        return [call for turn in self.turns for call in turn.tool_calls]


def read_transcript(path: Path) -> Original:
    """The session in a transcript's file.

    Raises:
        UserError: It cannot be read, or is none.
    """
    try:
        saved = as_object(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"{path} is no transcript: {error}", "agent run --transcript FILE writes one") from error
    questions = [text for text in as_list(saved.get("questions")) if isinstance(text, str)]
    if not questions or not isinstance(saved.get("turns"), list):
        raise UserError(
            f"{path} is no transcript: it has no questions or no turns", "agent run --transcript writes one"
        )
    return of_transcript(saved, str(path))


def of_transcript(saved: Object, name: str) -> Original:
    """The session in a transcript's JSON."""
    settings = as_object(saved.get("settings"))
    places = [as_text(as_object(server).get("place")) for server in as_list(saved.get("servers"))]
    return Original(
        name=name,
        session_id=as_text(saved.get("session_id")) or None,
        origin=as_text(saved.get("origin")) or None,
        model=as_text(saved.get("model")) or None,
        questions=[Asked(as_text(text)) for text in as_list(saved.get("questions"))],
        turns=read_turns(saved),
        system_prompt=as_text(saved.get("system_prompt")),
        system_sha256=as_text(saved.get("system_sha256")) or None,
        tools=[as_object(tool) for tool in as_list(saved.get("tools"))],
        tools_sha256=as_text(saved.get("tools_sha256")) or None,
        temperature=_number(settings.get("temperature")),
        seed=_whole(settings.get("seed")),
        enable_thinking=_flag(settings.get("enable_thinking")),
        places=[place for place in places if place.startswith(("http://", "https://"))],
    )


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
