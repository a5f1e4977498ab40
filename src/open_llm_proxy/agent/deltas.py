"""The pieces of a streamed chat completion put together again. Pure."""

from typing import Any

from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text


class Assembly:
    """One streamed answer: ``add`` each chunk, then read ``completion``, the answer as a plain call gives it."""

    def __init__(self) -> None:
        self.content = ""
        self.reasoning = ""
        self._refusal = ""
        self._calls: dict[int, Object] = {}
        self._finish_reason: str | None = None
        self._usage: Object | None = None
        self._model: str | None = None
        self._error: Any = None
        self.begun = False

    def add(self, chunk: Object) -> tuple[str, str]:
        """Take a chunk in; the text and the reasoning that it adds."""
        self._model = chunk.get("model") or self._model
        self._usage = chunk.get("usage") or self._usage
        self._error = chunk.get("error") or self._error
        text = reasoning = ""
        for choice in map(as_object, as_list(chunk.get("choices"))):
            if choice.get("index") or 0:
                continue  # one choice was asked for
            self.begun = True
            delta = as_object(choice.get("delta"))
            text += as_text(delta.get("content"))
            reasoning += as_text(delta.get("reasoning_content")) or as_text(delta.get("reasoning"))
            self._refusal += as_text(delta.get("refusal"))
            self._add_calls(as_list(delta.get("tool_calls")))
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self.content += text
        self.reasoning += reasoning
        return text, reasoning

    def _add_calls(self, deltas: list[Any]) -> None:
        for position, delta in enumerate(map(as_object, deltas)):
            index = delta.get("index")
            # Some servers leave the index out: then an id begins a new call, and what has none goes on with the last.
            if not isinstance(index, int):
                index = len(self._calls) if delta.get("id") else max(len(self._calls) - 1, position)
            call = self._calls.setdefault(index, {"function": {"name": "", "arguments": ""}})
            function = as_object(delta.get("function"))
            call |= {key: value for key, value in delta.items() if key != "function" and value is not None}
            call["function"]["name"] = as_text(function.get("name")) or call["function"]["name"]
            arguments = function.get("arguments")
            if isinstance(arguments, dict):  # whole, not as text
                call["function"]["arguments"] = arguments
            elif isinstance(call["function"]["arguments"], str):
                call["function"]["arguments"] += as_text(arguments)

    @property
    def finished(self) -> bool:
        """Whether the answer came to its end: a stream that just stops was cut."""
        return self._finish_reason is not None

    def completion(self) -> Object:
        """The answer so far in the form of a ``chat.completion``."""
        message: Object = {"role": "assistant", "content": self.content or None}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self._refusal:
            message["refusal"] = self._refusal
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason}
        value: Object = {"model": self._model, "usage": self._usage, "choices": [choice] if self.begun else []}
        return value | ({"error": self._error} if self._error else {})
