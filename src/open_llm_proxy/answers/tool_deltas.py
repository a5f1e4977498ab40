"""Tool calls put together from deltas, as differently as providers cut them."""

from typing import Any, Final

from open_llm_proxy.answers.answer import Object, Text, ToolCall, as_list, as_object, as_text
from open_llm_proxy.answers.jsontext import dump, parse

MAX_CALLS: Final = 4096


def arguments_text(value: Any) -> str:
    """Arguments as the string that they are; some servers send an object (Ollama)."""
    return value if isinstance(value, str) else "" if value is None else dump(value)


def plain_calls(message: Object) -> list[ToolCall]:
    """The tool calls of a whole message, the older ``function_call`` among them."""
    calls: list[ToolCall] = []
    for item in _calls(message):
        call = as_object(item)
        function = as_object(call.get("function") or call.get("custom"))
        if call:
            text = arguments_text(function.get("arguments", function.get("input")))
            calls.append(ToolCall(as_text(call.get("id")), as_text(function.get("name")), text))
    return calls


def _calls(message: Object) -> list[Any]:
    calls = as_list(message.get("tool_calls"))
    if not calls and isinstance(message.get("function_call"), dict):
        return [{"function": message["function_call"]}]
    return calls


class _Slot:
    """One call that grows."""

    __slots__ = ("arguments", "characters", "id", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.arguments = Text()
        self.characters = 0

    def grow(self, piece: str) -> None:
        """Append a fragment, unless it is the whole call once more (Gemini's and some gateways' last chunk)."""
        # A fragment that could repeat the call is no shorter than what it repeats: checking costs no more than it.
        if piece.startswith("{") and 0 < self.characters <= len(piece) and self._is_whole():
            self.arguments, self.characters = Text(), 0
        self.arguments.add(piece)
        self.characters += len(piece)

    def _is_whole(self) -> bool:
        text = self.arguments.join() or ""
        try:
            return text.endswith("}") and parse(text) is not None
        except ValueError:
            return False


class ToolDeltas:
    """The tool calls of one choice of a stream.

    A delta belongs to the call of its ``index``; where there is none, or where another ``id`` comes under an index that
    is taken (servers that number every call 0), its ``id`` tells; a delta with neither continues the last call.
    """

    __slots__ = ("_by_id", "_by_index", "_slots")

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._by_id: dict[str, _Slot] = {}
        self._by_index: dict[int, _Slot] = {}

    def add(self, delta: Object) -> None:
        """Take the tool calls of one ``delta``."""
        for item in _calls(delta):
            call = as_object(item)
            function = as_object(call.get("function") or call.get("custom"))
            slot = self._slot(call.get("index"), as_text(call.get("id")), as_text(function.get("name")))
            if slot is not None:
                slot.grow(arguments_text(function.get("arguments", function.get("input"))))

    def _slot(self, index: Any, call_id: str | None, name: str | None) -> _Slot | None:
        number = index if isinstance(index, int) else None
        slot = self._by_index.get(number) if number is not None else self._find(call_id, name)
        if slot is None or (call_id and slot.id and call_id != slot.id):
            slot = (self._by_id.get(call_id) if call_id else None) or self._open(number)
        if slot is not None:
            slot.name = slot.name or name
            if call_id and not slot.id:
                slot.id = call_id
                self._by_id.setdefault(call_id, slot)
        return slot

    def _find(self, call_id: str | None, name: str | None) -> _Slot | None:
        """The last call, unless the delta names another one."""
        last = self._slots[-1] if self._slots else None
        if last is not None and call_id is None and name and last.name and last.id is None and name != last.name:
            return None
        return last

    def _open(self, number: int | None) -> _Slot | None:
        if len(self._slots) >= MAX_CALLS:
            return None
        slot = _Slot()
        self._slots.append(slot)
        if number is not None:
            self._by_index[number] = slot
        return slot

    def join(self) -> list[ToolCall]:
        """The calls in the order in which they began."""
        return [ToolCall(slot.id, slot.name, slot.arguments.join() or "") for slot in self._slots]
