"""Arguments that fit a tool's JSON Schema: the smallest that the demo model can think of."""

from typing import Any, Final, cast

DEPTH: Final = 12
SQL_NAMES: Final = ("sql", "query", "sql_query")
_FORMATS: Final = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "demo@example.org",
    "uri": "https://example.org/",
    "url": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
Schema = dict[str, Any]


def as_object(value: Any) -> dict[str, Any]:
    """``value`` where it is a JSON object, else an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """``value`` where it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def make_arguments(schema: Any) -> dict[str, Any]:
    """An object that fits ``schema`` (JSON Schema, the subset that tools use); no schema: no arguments."""
    root = as_object(schema)
    return as_object(_make(root, root, "", 0)) if root else {}


def _resolve(schema: Schema, root: Schema) -> Schema:
    """Follow ``$ref`` within the document (JSON Pointer, RFC 6901)."""
    for _ in range(DEPTH):
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        found: Any = root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = as_object(found).get(key)
        schema = as_object(found)
    return {}


def _make(schema: Schema, root: Schema, name: str, depth: int) -> Any:
    schema = _resolve(schema, root)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if as_list(schema.get(key)):
            return schema[key][0]
    for key in ("anyOf", "oneOf"):
        branches = [as_object(branch) for branch in as_list(schema.get(key))]
        if branches:
            filled = [branch for branch in branches if branch.get("type") != "null"] or branches
            return _make(filled[0], root, name, depth + 1)
    if as_list(schema.get("allOf")):
        schema = _merge(schema, root)
    return _make_typed(schema, root, name, depth)


def _merge(schema: Schema, root: Schema) -> Schema:
    merged: Schema = {}
    properties: Schema = {}
    required: list[Any] = []
    for branch in (schema, *as_list(schema["allOf"])):
        part = _resolve(as_object(branch), root)
        properties |= as_object(part.get("properties"))
        required += as_list(part.get("required"))
        merged |= {key: value for key, value in part.items() if key != "allOf"}
    return merged | {"properties": properties, "required": required} if properties else merged


def _make_typed(schema: Schema, root: Schema, name: str, depth: int) -> Any:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in as_list(kind) if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    if kind == "object":
        return _make_object(schema, root, depth)
    if kind == "array":
        count = min(int(schema.get("minItems", 1 if depth < 3 else 0)), 100) if depth < DEPTH else 0
        return [_make(as_object(schema.get("items")), root, name, depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        return _make_number(schema, whole=kind == "integer")
    if kind == "boolean":
        return True
    return None if kind == "null" else _make_string(schema, name)


def _make_object(schema: Schema, root: Schema, depth: int) -> Schema:
    properties = as_object(schema.get("properties"))
    wanted = as_list(schema.get("required"))
    if depth == 0 and not wanted:
        wanted = list(properties)[:1]
    return {key: _make(as_object(properties.get(key)), root, key, depth + 1) for key in wanted} if depth < DEPTH else {}


def _make_number(schema: Schema, *, whole: bool) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value: float = 1 if low is None or low < 1 else low
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        value = schema["exclusiveMinimum"] + 1
    step = schema.get("multipleOf")
    if step and value % step:
        value = (value // step + 1) * step
    exclusive = "exclusiveMaximum" in schema
    if high is not None and (value > high or (exclusive and value == high)):
        value = high - 1 if exclusive else high
    return int(value) if whole else value


def _make_string(schema: Schema, name: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = "SELECT 42 AS answer" if name.lower() in SQL_NAMES else "demo"
    text = text.ljust(int(schema.get("minLength", 0)), "o")
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text
