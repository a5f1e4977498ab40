"""Tools that answer from a log: what a session's tools gave, they give again for the same call."""

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, cast

from open_llm_proxy.agent.arguments import read_arguments
from open_llm_proxy.agent.jsonvalues import Object, compact
from open_llm_proxy.agent.loop import ToolAnswer
from open_llm_proxy.agent.transcript import ToolCall, ToolResult

RECORDED: Final = "recorded"


class Missing(NamedTuple):
    """A call that the log has no result for."""

    name: str
    arguments: str


def key_of(name: str, arguments: Any) -> str:
    """What makes two calls the same: the tool, and its arguments, whatever their order and white space."""
    return f"{name} {canonical(arguments)}"


def canonical(value: Any) -> str:
    """JSON in one form: members sorted, no spaces, a whole number without a fraction."""
    return compact(_sorted(value))


class RecordedTools:
    """A ``ToolSource`` that answers from a session's own calls.

    A call that was made several times gives its results in their order, then the last one again.

    Args:
        tools: What is offered to the model.
        calls: The calls that were made, in order.
    """

    def __init__(self, tools: list[Object], calls: Iterable[ToolCall]) -> None:
        self.tools = tools
        self.missing: list[Missing] = []
        self._results: dict[str, deque[ToolResult]] = defaultdict(deque)
        self._names: set[str] = set()
        for call in calls:
            read = read_arguments(call.arguments)
            if call.result is not None and not read.problem:
                self._results[key_of(call.name, read.values)].append(call.result)
                self._names.add(call.name)

    async def call(self, name: str, arguments: Object) -> ToolAnswer:
        """The recorded result; where there is none, an error that says so, and a note in ``missing``."""
        results = self._results.get(key_of(name, arguments))
        if not results:
            self.missing.append(Missing(name, compact(arguments)))
            known = "" if name in self._names else f"; {name} was never called in it"
            text = f"no recorded result exists for this call: the session that is replayed did not make it{known}"
            return ToolAnswer(text, is_error=True, source=RECORDED)
        result = results.popleft() if len(results) > 1 else results[0]
        return ToolAnswer(result.content, result.is_error, RECORDED)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        members = cast("Object", value)
        return {key: _sorted(members[key]) for key in sorted(members)}
    if isinstance(value, list):
        return [_sorted(item) for item in cast("list[Any]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
