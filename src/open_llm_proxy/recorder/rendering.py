"""A frame's records as JSON lines: for the chunk file whole, for stdout as its reader wants them."""

from typing import Final, NamedTuple

from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.records.bounds import readable_part
from open_llm_proxy.records.build import (
    Context,
    build_ended,
    build_request,
    build_response,
    dedup_key,
    encode,
    encode_line_for_stdout,
)
from open_llm_proxy.records.context import context_of
from open_llm_proxy.records.line import format_line
from open_llm_proxy.records.response import make_ended_header
from open_llm_proxy.records.scrub import scrubber_of
from open_llm_proxy.records.types import Record, SystemPromptRecord, ToolsRecord
from open_llm_proxy.spool.frame import Frame, RequestHeader
from open_llm_proxy.spool.segment import SegmentHeader

UNREADABLE_BYTES: Final = 4 << 20
DAYS_REMEMBERED: Final = 3


class Rendered(NamedTuple):
    """Lines without their newline. ``stdout`` may be fewer, shorter or other than those of the chunk file.

    ``answered``: the call that has ended with this frame; None for a request's.
    """

    lines: list[bytes]
    stdout: list[bytes]
    answered: Answered | None = None


class Renderer:
    """Holds what must be known beside the frame. ``cut_stdout``: the chunk files are safe, stdout may be short."""

    def __init__(self, settings: RecorderSettings, *, only_stdout: bool) -> None:
        self._log = settings.log
        self._secrets = settings.secrets
        self._only_stdout = only_stdout
        self._contexts: dict[tuple[str, str], Context] = {}
        self._seen: dict[str, set[str]] = {}
        self.cut_stdout = False

    def render(self, frame: Frame, segment: SegmentHeader, day: str) -> Rendered:
        """The lines of one frame."""
        context = self._context(segment)
        if isinstance(frame.header, RequestHeader):
            seen = self._seen_on(day)
            built = build_request(Frame(frame.header, readable_part(frame.body)), context, seen)
            seen.update(map(dedup_key, built.dedup))
            return self._encode([built.record, *built.dedup])
        record = build_response(frame, context)
        return self._encode([record], Answered(frame.header, record))

    def render_ended(self, header: RequestHeader, at_ns: int, segment: SegmentHeader) -> Rendered:
        """The response record's lines for a call whose worker died."""
        record = build_ended(header, at_ns, self._context(segment))
        return self._encode([record], Answered(make_ended_header(header, at_ns), record))

    def forget(self) -> None:
        """What was given out may not have been kept: give prompts and tools out again."""
        self._seen.clear()

    def unreadable(self, reason: str, about: str, body: bytes) -> bytes:
        """The text that is kept of a frame of which no record could be made: scrubbed, at most 4 MiB."""
        kept = body[:UNREADABLE_BYTES].decode("utf-8", "replace")
        cut = "" if len(body) <= UNREADABLE_BYTES else f" (the first {UNREADABLE_BYTES} bytes)"
        text = f"{reason}\n{about}\n{len(body)} bytes{cut}:\n{kept}\n"
        return scrubber_of(self._secrets).text(text).encode("utf-8", "replace")

    def _context(self, segment: SegmentHeader) -> Context:
        key = segment.host, segment.version
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = context_of(self._log, self._secrets, *key)
        return context

    def _seen_on(self, day: str) -> set[str]:
        """Prompts and tools that were given out on a day: once a day each."""
        seen = self._seen.setdefault(day, set())
        if len(self._seen) > DAYS_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return seen

    def _encode(self, records: list[Record], answered: Answered | None = None) -> Rendered:
        lines: list[bytes] = []
        stdout: list[bytes] = []
        for record in records:
            line = encode(record)
            lines.append(line)
            told = self._tell(record, line)
            if told is not None:
                stdout.append(told)
        return Rendered(lines, stdout, answered)

    def _tell(self, record: Record, line: bytes) -> bytes | None:
        """What stdout gets of a record."""
        if self._log.stdout_format == "line":
            short = format_line(record)
            return short.encode("utf-8", "replace") if short else None
        if self._only_stdout:
            return line
        if isinstance(record, (SystemPromptRecord, ToolsRecord)):
            return None
        limit = self._log.stdout_max_field if self.cut_stdout else 0
        return encode_line_for_stdout(record, limit, line) if limit else line
