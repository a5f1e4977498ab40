"""A conversation as a person reads it: threads of turns, each message once. Values only; what makes them is ``weave``.

::

    Conversation            a session: all its calls in the window
    └── Thread              one run of messages that grows; a session may hold several
        └── Turn            one call: what was new in its request, and the answer
            └── Item        one message, tool call or tool result
"""

from typing import Literal, TypeAlias, TypeVar

import msgspec

Kind: TypeAlias = Literal["system", "user", "assistant", "reasoning", "tool_call", "tool_result", "refusal"]
Outcome: TypeAlias = Literal["ok", "error", "unanswered"]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of a conversation.

    ``text`` is what was said; of a tool call its arguments, as the string that the model wrote; None: it is not in the
    records. ``name`` is the tool's; ``call_id`` joins a tool's call and its result. ``cut``: the record holds its
    beginning only.
    """

    kind: Kind
    text: str | None
    name: str | None = None
    call_id: str | None = None
    cut: bool = False


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of a turn, or of many together, and what they cost; None where the provider did not say."""

    prompt: int | None = None
    completion: int | None = None
    total: int | None = None
    cached: int | None = None
    cost_usd: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """Both together; what only one of them knows is that one's."""
        return Usage(
            prompt=_add(self.prompt, other.prompt),
            completion=_add(self.completion, other.completion),
            total=_add(self.total, other.total),
            cached=_add(self.cached, other.cached),
            cost_usd=_add(self.cost_usd, other.cost_usd),
        )


Number = TypeVar("Number", int, float)


def _add(one: Number | None, other: Number | None) -> Number | None:
    return other if one is None else one if other is None else one + other


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One call.

    Attributes:
        sent: What its request adds to the conversation so far.
        answer: Reasoning, content, refusal and tool calls, in this order.
        choices: The other answers, where several were asked for.
        earlier_messages: Messages of its request that come before ``sent`` and are in no record that was read.
        retry: The request before it came to nothing and was sent again.
        status: HTTP, to the client. Times are ISO 8601 in UTC.
        content_logged: False: the caller or the configuration keeps texts out of the records.
    """

    request_id: str
    requested_at: str | None
    answered_at: str | None
    outcome: Outcome
    error: str | None = None
    status: int | None = None
    provider: str | None = None
    model: str | None = None
    latency_ms: int | None = None
    ttft_ms: int | None = None
    finish_reason: str | None = None
    usage: Usage = Usage()
    content_logged: bool = True
    retry: bool = False
    earlier_messages: int = 0
    sent: list[Item] = []
    answer: list[Item] = []
    choices: list[list[Item]] = []
    upstream_request_id: str | None = None
    completion_id: str | None = None


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """Turns of which each goes on where an earlier one ended."""

    turns: list[Turn]

    @property
    def started_at(self) -> str | None:
        """When its first request came."""
        return self.turns[0].requested_at or self.turns[0].answered_at

    @property
    def finished_at(self) -> str | None:
        """When its last answer was out; of an unanswered one, when it was asked."""
        return self.turns[-1].answered_at or self.turns[-1].requested_at


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """A session's threads. ``wanted``: the request that was asked for, where it was not a session."""

    session_key: str | None = None
    session_id: str | None = None
    origin: str | None = None
    app: str | None = None
    client: str | None = None
    models: list[str] = []
    usage: Usage = Usage()
    threads: list[Thread] = []
    wanted: str | None = None

    @property
    def turns(self) -> list[Turn]:
        """All turns, thread by thread."""
        return [turn for thread in self.threads for turn in thread.turns]

    @property
    def question(self) -> str | None:
        """What the first user asked."""
        items = (item for turn in self.turns for item in turn.sent)
        return next((item.text for item in items if item.kind == "user"), None)
