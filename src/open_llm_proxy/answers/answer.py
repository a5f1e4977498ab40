"""The answer, whatever API it came by; and how JSON of unknown shape is read without raising."""

from typing import Any, Final, TypeAlias, cast

import msgspec

Object: TypeAlias = dict[str, Any]

_NOTHING: Final[Object] = {}


class ToolCall(msgspec.Struct, gc=False):
    """A tool call as the model wrote it: ``arguments`` is the string it is, JSON or not."""

    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the answers to a request; None where there was no such text, an empty text counts as none."""

    index: int = 0
    content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] = []
    finish_reason: str | None = None


class Answer(msgspec.Struct, gc=False):
    """What an answer's body says.

    ``usage`` is the provider's object as it came. ``error`` is the text in which the provider reported an error (the
    body, or the event's data). ``ended``: it came to the end that its form has. ``readable``: the body had the form
    that its API has; where False nothing else is known.
    """

    choices: list[Choice] = []
    usage: Object | None = None
    model: str | None = None
    id: str | None = None
    error: str | None = None
    streamed: bool = False
    ended: bool = False
    readable: bool = True

    @property
    def first(self) -> Choice:
        """Choice 0 (the lowest index), an empty one where there is none."""
        return self.choices[0] if self.choices else Choice()

    @property
    def content(self) -> str | None:
        """Choice 0's text."""
        return self.first.content

    @property
    def reasoning(self) -> str | None:
        """Choice 0's reasoning."""
        return self.first.reasoning

    @property
    def tool_calls(self) -> list[ToolCall]:
        """Choice 0's tool calls."""
        return self.first.tool_calls

    @property
    def refusal(self) -> str | None:
        """Choice 0's refusal."""
        return self.first.refusal

    @property
    def finish_reason(self) -> str | None:
        """Why choice 0 ended, in the provider's word."""
        return self.first.finish_reason

    def note(self, body: Object) -> None:
        """Take what all APIs have in common from a body or an event; what it lacks stays as it was."""
        if not self.model:
            self.model = as_text(body.get("model"))
        if not self.id:
            self.id = as_text(body.get("id"))
        usage = body.get("usage")
        if isinstance(usage, dict):
            self.usage = cast("Object", usage)


def as_object(value: Any) -> Object:
    """The value if it is a JSON object, else an empty one (not to be written to)."""
    return cast("Object", value) if isinstance(value, dict) else _NOTHING


def as_list(value: Any) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: Any) -> str | None:
    """The value if it is a string with something in it, else None."""
    return value if isinstance(value, str) and value else None


def as_index(value: Any, default: int) -> int:
    """The value if it is an integer, else ``default``."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def is_error(body: Object) -> bool:
    """Whether a body or an event reports an error: ``{"error": …}``, or vLLM's older ``{"object": "error"}``."""
    return bool(body.get("error")) or body.get("object") == "error" or body.get("type") == "error"


class Text:
    """A text that grows by deltas."""

    __slots__ = ("_pieces",)

    def __init__(self) -> None:
        self._pieces: list[str] = []

    def add(self, piece: Any) -> None:
        """Append a delta; what is no string is passed over."""
        if isinstance(piece, str) and piece:
            self._pieces.append(piece)

    def join(self) -> str | None:
        """All that came, None where nothing did."""
        return "".join(self._pieces) or None
