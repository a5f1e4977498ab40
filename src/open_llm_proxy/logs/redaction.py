"""Scrubs stored records and counts what was redacted where; the report names places, never what stood there."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, cast

from open_llm_proxy.answers.jsontext import dump, parse
from open_llm_proxy.records.scrub import Scrubber

# What the proxy writes of itself. The recorder does not scrub it either: a short known key must not take out a name.
FIXED: Final = frozenset(
    (
        "timestamp",
        "ts",
        "type",
        "request_id",
        "provider",
        "key",
        "edits",
        "config_sha256",
        "request_sha256",
        "response_sha256",
        "system_sha256",
        "tools_sha256",
        "truncated",
        "proxy_version",
        "host",
    )
)
_NAME_CHARACTERS: Final = 64


class Redaction:
    """One file's. ``places``: how often something was redacted, by where: ``tool_calls[].arguments.token``."""

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self.places: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How much was redacted so far."""
        return self.places.total()

    def record(self, line: str, place: str = "") -> str:
        """A record's line, scrubbed; the same object where nothing is to be redacted. No JSON: any text."""
        if not self._scrubber.may_redact(line):
            return line
        try:
            value = parse(line)
        except ValueError:
            return self.text(line, place)
        if not isinstance(value, dict):
            return self.text(line, place)
        record = cast("dict[str, Any]", value)
        texts = {name: item for name, item in record.items() if name not in FIXED}
        scrubbed = self._scrubber.value(texts)
        if scrubbed is texts:
            return line
        self.places.update(find_changes(texts, scrubbed, place))
        rest = iter(scrubbed.items())
        return dump(dict((name, item) if name in FIXED else next(rest) for name, item in record.items()))

    def text(self, text: str, place: str = "") -> str:
        """Any text, or the JSON of a value, scrubbed; the same object where nothing is to be redacted."""
        scrubbed = self._scrubber.text(text)
        if scrubbed is not text:
            self.places.update(find_changes(text, scrubbed, place))
        return scrubbed


def find_changes(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Where a scrubbed value differs from what it was, as deep as its structure goes, JSON within strings included."""
    if isinstance(old, dict):
        pairs = zip(cast("dict[str, Any]", old).items(), cast("dict[str, Any]", new).items(), strict=False)
        for (old_name, old_item), (name, item) in pairs:
            inner = f"{place}.{_shown(name)}" if place else _shown(name)
            yield from [inner] if old_name != name else ()
            yield from find_changes(old_item, item, inner)
    elif isinstance(old, list):
        for old_item, item in zip(cast("list[Any]", old), cast("list[Any]", new), strict=True):
            yield from find_changes(old_item, item, f"{place}[]")
    elif old != new:
        structures = _structures(old, new)
        yield from find_changes(*structures, place) if structures else [place or "text"]


def _structures(old: Any, new: Any) -> tuple[Any, Any] | None:
    """Both texts as JSON, where they are JSON of one shape."""
    try:
        values = parse(old), parse(new)
    except (ValueError, TypeError):
        return None
    same = type(values[0]) in (dict, list) and type(values[0]) is type(values[1]) and len(values[0]) == len(values[1])
    return values if same and values[0] != values[1] else None


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name[:_NAME_CHARACTERS])
