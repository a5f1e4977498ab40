"""Fields of records whose JSON type has changed, or is not what it has to be for ever."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, get_args

import msgspec

from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.statements import quote_all, statement
from open_llm_proxy.logs.verify.unit import Finding, Unit
from open_llm_proxy.records.types import Record

Types = dict[tuple[str | None, str], dict[str, int]]
"""Of each type of record and field, how often it has which JSON type."""

_NUMBERS: Final = dict.fromkeys(("BIGINT", "UBIGINT", "DOUBLE", "HUGEINT", "UHUGEINT"), "number")
_NAMES: Final = _NUMBERS | {"VARCHAR": "string", "BOOLEAN": "boolean", "ARRAY": "array", "OBJECT": "object"}
_SHOWN: Final = 3


def check_drift(press: Press, unit: Unit, seen: Types) -> Iterator[Finding]:
    """Fields of another type than records have, or than they had up to here; ``seen`` is added to."""
    for (kind, field), types in sorted(_types_of(press, unit).items(), key=repr):
        wanted = EXPECTED.get((kind or "", field))
        before = seen.setdefault((kind, field), {})
        allowed = {wanted} if wanted else {max(before or types, key=lambda name: (before or types)[name])}
        other = {name: count for name, count in types.items() if name not in allowed}
        for name, count in types.items():
            before[name] = before.get(name, 0) + count
        if other:
            told = ", ".join(sorted(other))
            yield Finding(
                "schema drift", unit.period, sum(other.values()), f"{kind}.{field} is {told}, not {', '.join(allowed)}"
            )


def _types_of(press: Press, unit: Unit) -> Types:
    known: list[str] = sorted({field for _, field in EXPECTED})
    found, names = _count(press, unit, known)
    unknown = sorted(names - set(known) - {""})
    if unknown:
        for key, types in _count(press, unit, unknown)[0].items():
            found[key] = types
    return found


def _count(press: Press, unit: Unit, fields: Sequence[str]) -> tuple[Types, set[str]]:
    paths = quote_all(f'$."{field}"' for field in fields)
    found: Types = defaultdict(dict)
    names: set[str] = set()
    rows: list[tuple[str | None, list[str], list[str | None], int]] = press.run(
        statement("verify/shapes", fields=paths, records=unit.records(press))
    )
    for kind, keys, types, records in rows:
        names.update(key for key in keys if '"' not in key)
        for field, name in zip(fields, types, strict=True):
            if name is not None and name != "NULL":
                told = _NAMES.get(name, name)
                found[kind, field][told] = found[kind, field].get(told, 0) + records
    return found, names


def _expected() -> dict[tuple[str, str], str]:
    """The JSON type of each field of each record, from the records' own definitions."""
    found: dict[tuple[str, str], str] = {}
    for record in get_args(Record):
        fields = msgspec.json.schema(record)["$defs"][record.__name__]["properties"]
        kind = fields["type"]["enum"][0]
        for name, told in fields.items():
            types = {_json_type(one) for one in told.get("anyOf", [told])} - {"null"}
            if len(types) == 1:
                found[kind, name] = types.pop()
    return found


def _json_type(told: dict[str, Any]) -> str:
    named = "object" if "$ref" in told else "string" if "enum" in told else told.get("type", "any")
    return {"integer": "number"}.get(named, named)


EXPECTED: Final = _expected()
