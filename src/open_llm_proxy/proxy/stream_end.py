"""How a stream says that it is whole, before HTTP does: clients stop reading there, so the record must be safe then."""

from typing import Final

from open_llm_proxy.proxy.capture import Captured

# No JSON string holds a raw line feed, so none of these can stand in a text.
DONE_EVENTS: Final = (b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data: [DONE]\r\n\r\n")
_LAST_EVENTS: Final = tuple(
    b"event: " + name for name in (b"message_stop", b"response.completed", b"response.incomplete", b"response.failed")
)
_LATER_LAST_EVENTS: Final = tuple(b"\n" + event for event in _LAST_EVENTS)
_EVENT_END: Final = (b"\n\n", b"\r\n\r\n")
LOOK_BACK_BYTES: Final = 40  # longer than any of these


class StreamEnd:
    """Looks for the last event of one stream: ``[DONE]``, and but for chat completions what ends the newer APIs'."""

    __slots__ = ("_begun", "_captured", "_chat")

    def __init__(self, captured: Captured, *, chat: bool) -> None:
        self._captured = captured
        self._chat = chat
        self._begun = False

    def reached(self, piece: bytes) -> bool:
        """Whether the last event is whole with ``piece``, the last one captured, however the stream was cut."""
        chat = self._chat
        window = piece
        if len(piece) < LOOK_BACK_BYTES or not chat:
            window = self._captured.tail(len(piece) + LOOK_BACK_BYTES) or piece
        if window.endswith(DONE_EVENTS):
            return True
        if chat:
            return False
        first = self._captured.size == len(window)
        if (first and window.startswith(_LAST_EVENTS)) or any(event in window for event in _LATER_LAST_EVENTS):
            self._begun = True
        return self._begun and window.endswith(_EVENT_END)
