"""Event streams (WHATWG HTML §9.2.6), parsed from the whole of the captured bytes."""

from typing import Final, NamedTuple

_BOM: Final = b"\xef\xbb\xbf"
_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")


class Event(NamedTuple):
    """One event: its name (empty where none was given) and its data lines, joined."""

    name: bytes
    data: bytes


class Stream(NamedTuple):
    """The events that were ended by a blank line, and the one that was not (which a browser would drop)."""

    events: list[Event]
    tail: Event | None


def looks_like_events(data: bytes) -> bool:
    """Whether a body begins as an event stream does, whatever its content type says."""
    return data[:64].removeprefix(_BOM).lstrip().startswith(_FIELDS)


def parse(data: bytes) -> Stream:
    """The events of a stream; comments, ``id`` and ``retry`` are dropped."""
    data = data.removeprefix(_BOM)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    blocks = data.split(b"\n\n")
    tail = blocks.pop()
    events: list[Event] = []
    for block in blocks:
        if block.startswith(b"data: ") and b"\n" not in block:  # nearly all of them
            events.append(Event(b"", block[6:]))
        elif event := _parse_block(block):
            events.append(event)
    return Stream(events, _parse_block(tail))


def _parse_block(block: bytes) -> Event | None:
    name = b""
    lines: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value
    return Event(name, b"\n".join(lines)) if lines else None
