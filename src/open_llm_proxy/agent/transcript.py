"""What is left of a session: each turn, tool call and result, and the history as the model saw it, as JSON.

Format 1 is the members below, as they are; later versions add members and never change one.
"""

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from open_llm_proxy.agent.exits import Exit
from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, compact
from open_llm_proxy.agent.settings import Settings

FORMAT: Final = 1


def now() -> str:
    """The time as the proxy's records write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass
class ToolResult:
    """What went back to the model for a call.

    Attributes:
        content: The text, cut at the limit.
        source: Who answered: ``live`` (the tool), ``recorded`` (a log), ``runner`` (nobody was asked: malformed
            arguments, an unknown tool, a tool that took too long).
        characters: Of the whole text, before the cut.
    """

    content: str
    is_error: bool = False
    source: str = "live"
    latency_ms: int = 0
    characters: int = 0


@dataclass
class ToolCall:
    """A call that the model made; ``arguments`` as the model wrote them, ``problem`` when they were no JSON object."""

    id: str
    name: str
    arguments: str
    problem: str = ""
    result: ToolResult | None = None


@dataclass
class Turn:
    """One call of the model. ``request_id`` finds its records; ``question`` is the number of the one it is about."""

    number: int
    question: int = 1
    started_at: str = field(default_factory=now)
    request_id: str | None = None
    attempts: int = 0
    latency_ms: int | None = None
    ttft_ms: int | None = None
    upstream_model: str | None = None
    finish_reason: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] = field(default_factory=list[ToolCall])
    usage: Object | None = None
    error: str | None = None


@dataclass
class Usage:
    """Sums over the turns; ``cost`` is None, not 0, where no provider named one."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    cost: float | None = None


@dataclass
class Transcript:
    """A session from its first question on. Whatever ends it, ``to_json`` is valid and ``messages`` can be sent on."""

    settings: Settings
    system_prompt: str = ""
    questions: list[str] = field(default_factory=list[str])
    tools: list[Object] = field(default_factory=list[Object])
    servers: list[Object] = field(default_factory=list[Object])
    turns: list[Turn] = field(default_factory=list[Turn])
    messages: list[Object] = field(default_factory=list[Object])
    started_at: str = field(default_factory=now)
    finished_at: str | None = None
    answer: str | None = None
    exit: Exit | None = None

    def end(self, how: Exit) -> Exit:
        """Note how the session (or its last question) ended."""
        self.exit = how
        self.finished_at = now()
        return how

    @property
    def usage(self) -> Usage:
        """What all turns used together."""
        total = Usage()
        for used in (turn.usage or {} for turn in self.turns):
            total.prompt_tokens += _whole(used.get("prompt_tokens"))
            total.completion_tokens += _whole(used.get("completion_tokens"))
            total.total_tokens += _whole(used.get("total_tokens"))
            total.cached_tokens += _whole(as_object(used.get("prompt_tokens_details")).get("cached_tokens"))
            if isinstance(cost := used.get("cost"), int | float):
                total.cost = (total.cost or 0) + cost
        return total

    @property
    def system_sha256(self) -> str | None:
        """As the proxy's records name the prompt."""
        return hashlib.sha256(self.system_prompt.encode(errors="replace")).hexdigest() if self.system_prompt else None

    @property
    def tools_sha256(self) -> str | None:
        """As the proxy's records name the list of tools."""
        return hashlib.sha256(compact(self.tools).encode(errors="replace")).hexdigest() if self.tools else None

    def to_json(self) -> Object:
        """The whole as JSON values; the key is not in it."""
        settings = asdict(self.settings)
        del settings["api_key"]
        own = {name: settings.pop(name) for name in ("session_id", "model", "origin", "client", "proxy_url")}
        return {
            "format": FORMAT,
            **own,
            "question": self.questions[0] if self.questions else None,
            "answer": self.answer,
            "exit": asdict(self.exit) if self.exit else None,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "usage": asdict(self.usage),
            "settings": settings,
            "system_prompt": self.system_prompt or None,
            "system_sha256": self.system_sha256,
            "tools_sha256": self.tools_sha256,
            "tools": self.tools,
            "servers": self.servers,
            "questions": self.questions,
            "turns": [asdict(turn) for turn in self.turns],
            "messages": self.messages,
        }

    def save(self, path: Path) -> None:
        """Write the JSON; the file is whole at each moment, the old or the new one."""
        write_whole(path, json.dumps(self.to_json(), ensure_ascii=False, indent=2))


def write_whole(path: Path, text: str) -> None:
    """Write a file of a text and a newline; it is whole at each moment, the old or the new one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(text.encode(errors="replace") + b"\n")
    Path(file.name).chmod(0o666 & ~_umask())
    Path(file.name).replace(path)


def read_turns(saved: Object) -> list[Turn]:
    """The turns of a saved transcript; members that this version does not know are left out."""
    turns: list[Turn] = []
    for turn in map(as_object, as_list(saved.get("turns"))):
        calls: list[ToolCall] = []
        for call in map(as_object, as_list(turn.get("tool_calls"))):
            result = as_object(call.get("result"))
            kept = {"result": ToolResult(**_known(ToolResult, result)) if result else None}
            calls.append(ToolCall(**_known(ToolCall, call | kept)))
        turns.append(Turn(**_known(Turn, turn | {"tool_calls": calls})))
    return turns


def _known(kind: type[Any], members: Object) -> Object:
    return {name: value for name, value in members.items() if name in kind.__dataclass_fields__}


def _whole(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
