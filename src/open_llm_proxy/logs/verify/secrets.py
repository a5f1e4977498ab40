"""Secrets that slipped through: what the recorder would redact today."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from open_llm_proxy.answers.jsontext import parse
from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.verify.unit import Finding, Unit
from open_llm_proxy.records.scrub import Scrubber


def check_secrets(press: Press, unit: Unit, scrubber: Scrubber) -> Iterator[Finding]:
    """Records in which redaction would change something; told are the fields, never the text."""
    for records in unit.record_statements(press):
        where = unit.tables["consolidated"].key if "read_ndjson" not in records else f"{unit.period}/"
        fields: Counter[str] = Counter()
        count, example = 0, ""
        for request_id, entry in press.stream(f"SELECT coalesce(request_id, type), entry FROM ({records})"):
            changed = changed_fields(entry, scrubber)
            if changed:
                fields.update(changed)
                count, example = count + 1, example or request_id
        if count:
            told = ", ".join(sorted(fields))
            yield Finding(
                "secrets", where, count, f"records with secrets in {told}, such as {example}: logs scrub takes them out"
            )


def changed_fields(entry: str, scrubber: Scrubber) -> list[str]:
    """Top-level fields of a record that hold something to redact."""
    try:
        record = parse(entry)
    except (ValueError, RecursionError):
        return ["entry"] if scrubber.text(entry) != entry else []
    cleaned = scrubber.value(record)
    if cleaned is record or not isinstance(record, dict):
        return []
    fields = cast("dict[str, Any]", record)
    return [name for name, value in fields.items() if cleaned.get(name) != value]
