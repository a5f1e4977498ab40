"""A session in the proxy's records, as what a replay needs of it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text
from open_llm_proxy.agent.original import Asked, Original
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Turn
from open_llm_proxy.errors import UserError
from open_llm_proxy.logs import conversation as logged
from open_llm_proxy.logs.reach import read_unshipped
from open_llm_proxy.logs.show import find_conversation
from open_llm_proxy.logs.source import sources_of
from open_llm_proxy.logs.told import read_told
from open_llm_proxy.logs.window import Window

SENT_AGAIN: Final = {"temperature", "seed", "tool_choice", "stream_options", "n"}
"""Of ``params``: what a replay sends, or what says nothing of the answer."""


def find_original(  # noqa: PLR0917 - the options of a command
    wanted: str,
    window: Window | None,
    from_dir: str | None,
    store: str | None,
    environ: Mapping[str, str],
    say: Callable[[str], None],
) -> Original:
    """The session that a name means, from the records.

    Args:
        wanted: As ``logs show`` takes it: a session's id or key, a call's id, ``last``.
        window: When it was; None: within 7 days, or when the id says.
        from_dir: ``--from-dir``.
        store: ``--store``.
        environ: The variables.
        say: Told of what cannot be read.

    Raises:
        UserError: There is none, or its questions are not in the records.
    """
    sources = sources_of(from_dir, store, environ)
    unshipped = read_unshipped(from_dir, store, environ, cwd=Path.cwd(), say=say)
    found = find_conversation(wanted, sources, window, now=datetime.now(UTC), unshipped=unshipped)
    return read_original(wanted, found, read_told(found, sources, unshipped))


def read_original(name: str, found: logged.Conversation, records: Iterable[Object]) -> Original:
    """A conversation and the records of its calls, put together.

    Raises:
        UserError: Its questions are not in the records.
    """
    records = list(records)
    reading = _Reading()
    for number, thread in enumerate(found.threads, 1):
        reading.read_thread(number, thread)
    if not reading.questions:
        why = "it was logged without content" if reading.hidden else "it has no message of a user's"
        raise UserError(f"The session {name} cannot be asked again: {why}", "Replay another one, or a transcript")
    original = Original(name, found.session_id or found.session_key, found.origin, next(iter(found.models), None))
    original.questions, original.turns, original.notes = reading.questions, reading.turns, reading.notes()
    _read_told(original, records)
    return original


class _Reading:
    """Threads, read one after the other to questions and turns."""

    def __init__(self) -> None:
        self.questions: list[Asked] = []
        self.turns: list[Turn] = []
        self.hidden = 0
        self._cut = 0
        self._unseen = 0
        self._threads = 0

    def read_thread(self, number: int, thread: logged.Thread) -> None:
        """Read one thread; its questions begin a conversation of their own."""
        self._threads += 1
        self._open: dict[str, ToolCall] = {}
        self._earlier: Turn | None = None
        for turn in thread.turns:
            self._unseen += turn.earlier_messages
            for item in turn.sent:
                self._read_sent(item, number)
            self._add(_turn_of(turn))
            self._earlier = None
            for item in turn.answer:
                self._read_answer(item, self.turns[-1])

    def notes(self) -> list[str]:
        """What a reader has to know."""
        counted = [
            (self.hidden, "messages were logged without content and are not asked again"),
            (self._cut, "questions or results are cut in their records"),
            (self._unseen, "messages before the first one that was read are in no record"),
            (self._threads - 1, "more conversations are in the session; each is asked from its beginning"),
        ]
        return [f"{count} {what}" for count, what in counted if count > 0]

    def _read_sent(self, item: logged.Item, thread: int) -> None:
        self._cut += item.cut and item.kind in {"user", "tool_result"}
        if item.kind == "user":
            self.hidden += item.text is None
            self._earlier = None
            if item.text is not None:
                self.questions.append(Asked(item.text, thread))
        elif item.kind == "tool_result":
            self._earlier = None
            call = self._open.pop(item.call_id or "", None)
            if call is not None and item.text is not None:
                call.result = ToolResult(item.text, source="logged", characters=len(item.text))
        elif item.kind != "system":  # an answer of before the first record
            if self._earlier is None:
                self._add(Turn(0, started_at=""))
                self._earlier = self.turns[-1]
            self._read_answer(item, self._earlier)

    def _read_answer(self, item: logged.Item, turn: Turn) -> None:
        if item.kind == "assistant":
            turn.content = item.text
        elif item.kind == "reasoning":
            turn.reasoning_content = item.text
        elif item.kind == "refusal":
            turn.refusal = item.text
        elif item.kind == "tool_call":
            call = ToolCall(item.call_id or "", item.name or "", item.text or "")
            turn.tool_calls.append(call)
            self._open[call.id] = call

    def _add(self, turn: Turn) -> None:
        turn.number = len(self.turns) + 1
        turn.question = max(1, len(self.questions))
        self.turns.append(turn)


def _turn_of(turn: logged.Turn) -> Turn:
    usage = turn.usage
    counts = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "cost": usage.cost_usd,
    }
    known: Object = {name: count for name, count in counts.items() if count is not None}
    if usage.cached is not None:
        known["prompt_tokens_details"] = {"cached_tokens": usage.cached}
    return Turn(
        number=0,
        started_at=turn.requested_at or "",
        request_id=turn.request_id,
        attempts=1,
        latency_ms=turn.latency_ms,
        ttft_ms=turn.ttft_ms,
        finish_reason=turn.finish_reason,
        usage=known or None,
        error=turn.error or (None if turn.outcome == "ok" else turn.outcome),
    )


def _read_told(original: Original, records: Sequence[Object]) -> None:
    """What the session's model was told: its prompt, its tools, its parameters."""
    requests = [one for one in records if one.get("type") == "request"]
    first = next((one for one in requests if one.get("tools_sha256")), requests[0] if requests else {})
    original.is_summary = "messages" not in first
    original.system_sha256 = as_text(first.get("system_sha256")) or None
    original.tools_sha256 = as_text(first.get("tools_sha256")) or None
    if original.system_sha256:
        original.system_prompt = _named(records, "system_prompt", "system_sha256", original.system_sha256, "content")
    if original.tools_sha256 or first.get("tools_count"):
        original.tools = _tools(_named(records, "tools", "tools_sha256", original.tools_sha256 or "", "tools"))
    for name, what in (("system_sha256", "system prompts"), ("tools_sha256", "lists of tools")):
        several = {as_text(one.get(name)) for one in requests if one.get(name)}
        if len(several) > 1:
            original.notes.append(f"it had {len(several)} {what}; the first one is used")
    original.enable_thinking = first.get("enable_thinking") if isinstance(first.get("enable_thinking"), bool) else None
    _read_params(original, first.get("params"))
    upstream = {as_text(one.get("request_id")): as_text(one.get("upstream_model")) for one in records}
    for turn in original.turns:
        turn.upstream_model = upstream.get(turn.request_id or "") or None


def _named(records: Sequence[Object], kind: str, key: str, sha256: str, member: str) -> str | None:
    return next(
        (as_text(one.get(member)) for one in records if one.get("type") == kind and one.get(key) == sha256), None
    )


def _tools(text: str | None) -> list[Object] | None:
    if text is None:
        return None
    try:
        tools = [as_object(tool) for tool in as_list(json.loads(text))]
    except ValueError:
        return None
    return tools if all(as_text(as_object(tool.get("function")).get("name")) for tool in tools) else None


def _read_params(original: Original, text: Any) -> None:
    if not isinstance(text, str):
        return  # an older record: as the browser app asks
    try:
        params = as_object(json.loads(text))
    except ValueError:
        return
    temperature, seed = params.get("temperature"), params.get("seed")
    original.temperature = temperature if isinstance(temperature, int | float) else None
    original.seed = seed if isinstance(seed, int) else None
    others = sorted(set(params) - SENT_AGAIN)
    if others:
        original.notes.append(f"it was asked with {', '.join(others)}, too, which the replay does not send")
