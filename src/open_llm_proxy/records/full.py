"""Full mode: whole conversations, their system prompts and tools apart, since thousands of requests share them."""

from collections.abc import Container
from typing import Any

from open_llm_proxy.answers.answer import Object, as_list, as_object
from open_llm_proxy.answers.api import Api
from open_llm_proxy.records.context import Texts
from open_llm_proxy.records.conversation import SYSTEM_ROLES, text_of
from open_llm_proxy.records.digest import sha256_of
from open_llm_proxy.records.fields import Fields, value_of
from open_llm_proxy.records.omit import omit_binary
from open_llm_proxy.records.scrub import Scrubber
from open_llm_proxy.records.types import DedupRecord, SystemPromptRecord, ToolsRecord


def dedup_key(record: DedupRecord) -> str:
    """What is the same for equal records of a day: type and hash."""
    sha256 = record.tools_sha256 if isinstance(record, ToolsRecord) else record.system_sha256
    return f"{record.type}:{sha256}"


class DedupRecords:
    """The shared records of one request, without those that are known already."""

    def __init__(self, timestamp: str, origin: str | None, scrubber: Scrubber, known: Container[str]) -> None:
        self._timestamp = timestamp
        self._origin = origin
        self._scrubber = scrubber
        self._known = known
        self._here: set[str] = set()
        self.records: list[DedupRecord] = []

    def add_prompt(self, role: str, text: str) -> Object:
        """What stands in ``messages`` for a system prompt, whose record is made."""
        sha256 = sha256_of(text)
        if self._is_new("system_prompt", sha256):
            content = self._scrubber.text(text)
            record = SystemPromptRecord(
                timestamp=self._timestamp, origin=self._origin, system_sha256=sha256, content=content
            )
            self.records.append(record)
        return {"role": role, "system_sha256": sha256, "content_len": len(text), "_dedup": True}

    def add_tools(self, raw: bytes, sha256: str) -> None:
        """Make the record of a ``tools`` value."""
        if self._is_new("tools", sha256):
            tools = self._scrubber.text(raw.decode("utf-8", "replace"))
            record = ToolsRecord(timestamp=self._timestamp, origin=self._origin, tools_sha256=sha256, tools=tools)
            self.records.append(record)

    def _is_new(self, kind: str, sha256: str) -> bool:
        key = f"{kind}:{sha256}"
        if key in self._known or key in self._here:
            return False
        self._here.add(key)
        return True


def read_messages(fields: Fields, api: Api, dedup: DedupRecords, texts: Texts) -> list[Any] | None:
    """The conversation, scrubbed, system prompts by their hash; None where the API has none.

    A prompt that stands outside the messages (``system``, ``instructions``) comes first.
    """
    items = _read_items(fields, api)
    if items is None:
        return None
    outside = {"messages": "system", "responses": "instructions"}.get(api, "")
    prompt = text_of(value_of(fields.get(outside)))
    kept: list[Any] = [dedup.add_prompt("system", prompt)] if prompt is not None else []
    try:
        kept += [_keep_item(item, dedup, texts.scrubber) for item in items]
    except RecursionError:
        texts.note_cut("messages")
        return None
    return kept


def _read_items(fields: Fields, api: Api) -> list[Any] | None:
    field = {"responses": "input", "completions": "prompt"}.get(api, "messages")
    if field not in fields:
        return None
    value = value_of(fields[field])
    return [{"role": "user", "content": value}] if isinstance(value, str) else as_list(value)


def _keep_item(item: Any, dedup: DedupRecords, scrubber: Scrubber) -> Any:
    message = as_object(item)
    role = message.get("role")
    if isinstance(role, str) and role in SYSTEM_ROLES:
        text = text_of(message.get("content"))
        if text is not None:
            return dedup.add_prompt(role, text)
    return scrubber.value(omit_binary(item))
