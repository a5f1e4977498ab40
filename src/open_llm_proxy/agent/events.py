"""What happens in a session, while it happens: what a view shows."""

from collections.abc import Callable
from dataclasses import dataclass

from open_llm_proxy.agent.exits import Exit
from open_llm_proxy.agent.jsonvalues import Object
from open_llm_proxy.agent.transcript import ToolCall, Turn


@dataclass(frozen=True)
class Connected:
    """An MCP server answered: its name, version, tools, prompts and resources, as in the transcript's ``servers``."""

    server: Object


@dataclass(frozen=True)
class Reopened:
    """A lost MCP session was opened again."""

    server: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """A question begins."""

    question: str


@dataclass(frozen=True)
class TurnStarted:
    """The model is called."""

    turn: Turn


@dataclass(frozen=True)
class Delta:
    """A piece of a streamed answer has come."""

    text: str
    reasoning: str


@dataclass(frozen=True)
class Retried:
    """A call failed and will be made once more."""

    reason: str


@dataclass(frozen=True)
class TurnEnded:
    """The model's answer is whole; its tool calls have not been run."""

    turn: Turn


@dataclass(frozen=True)
class ToolEnded:
    """A tool call has its result."""

    call: ToolCall


@dataclass(frozen=True)
class Ended:
    """The question has its answer, or has none."""

    exit: Exit
    answer: str | None


Event = Connected | Reopened | Asked | TurnStarted | Delta | Retried | TurnEnded | ToolEnded | Ended
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Take an event and show nothing."""
