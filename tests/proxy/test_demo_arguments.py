import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.proxy.demo_arguments import as_list, as_object, make_arguments


def one(schema, **root):
    """What is made for a property with ``schema``."""
    return make_arguments({"type": "object", "properties": {"p": schema}, "required": ["p"], **root})["p"]


@pytest.mark.parametrize(
    "schema", [None, {}, [], "x", {"type": "string"}, {"type": "object"}, {"type": "object", "properties": {}}]
)
def test_without_properties_there_are_no_arguments(schema):
    assert make_arguments(schema) == {}


def test_what_is_required_is_given_and_nothing_else():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "boolean"}},
        "required": ["c", "a"],
    }
    assert make_arguments(schema) == {"c": True, "a": "demo"}


def test_where_nothing_is_required_the_first_is_given():
    assert make_arguments({"properties": {"a": {"type": "number"}, "b": {}}}) == {"a": 1}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, "demo"),
        ({"type": "string"}, "demo"),
        ({"type": "null"}, None),
        ({"type": "boolean"}, True),
        ({"type": ["null", "integer"]}, 1),
        ({"type": ["null"]}, None),
        ({"const": 7, "type": "string"}, 7),
        ({"default": "d", "enum": ["e"]}, "d"),
        ({"enum": ["e", "f"]}, "e"),
        ({"examples": ["x"]}, "x"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, 1),
        ({"oneOf": [{"type": "boolean"}]}, True),
        ({"anyOf": [{"type": "null"}]}, None),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "string", "format": "unknown"}, "demo"),
        ({"type": "string", "minLength": 6}, "demooo"),
        ({"type": "string", "maxLength": 2}, "de"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [1, 1, 1]),
        ({"items": {"type": "boolean"}}, [True]),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {}),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 1}),
        (
            {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"b": {}}}]},
            {"a": 1},
        ),
    ],
)
def test_a_value_that_fits(schema, value):
    assert one(schema) == value


@pytest.mark.parametrize("kind", ["integer", "number"])
@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"minimum": 5},
        {"minimum": -5, "maximum": -2},
        {"maximum": 0},
        {"exclusiveMinimum": 3},
        {"exclusiveMaximum": 1},
        {"minimum": 7, "multipleOf": 5},
    ],
)
def test_a_number_within_its_bounds(kind, bounds):
    value = one({"type": kind, **bounds})
    assert value >= bounds.get("minimum", value)
    assert value <= bounds.get("maximum", value)
    assert value > bounds.get("exclusiveMinimum", value - 1)
    assert value < bounds.get("exclusiveMaximum", value + 1)
    assert value % bounds.get("multipleOf", 1) == 0


@pytest.mark.parametrize("name", ["sql", "query", "SQL_Query"])
def test_a_query_is_one_that_runs(name):
    made = make_arguments({"properties": {name: {"type": "string"}}, "required": [name]})
    assert made == {name: "SELECT 42 AS answer"}


def test_references_within_the_document_are_followed():
    defs = {"$defs": {"a/b": {"$ref": "#/$defs/c"}, "c": {"type": "integer"}}}
    assert one({"$ref": "#/$defs/a~1b"}, **defs) == 1


@pytest.mark.parametrize("reference", ["#/$defs/none", "#/$defs/loop", "https://elsewhere.example/x", 7])
def test_a_reference_that_leads_nowhere_is_no_harm(reference):
    assert one({"$ref": reference}, **{"$defs": {"loop": {"$ref": "#/$defs/loop"}}}) == "demo"


def test_a_schema_that_holds_itself_comes_to_an_end():
    tree = {"type": "object", "properties": {"child": {"$ref": "#/$defs/t"}}, "required": ["child"]}
    assert len(json.dumps(one({"$ref": "#/$defs/t"}, **{"$defs": {"t": tree}}))) < 1000


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number", "boolean", "null", "x", ["null", "string"]])}
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=2)}),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda made: {"type": "object", "properties": made, "required": list(made)}
        ),
    ),
    max_leaves=6,
)


@given(SCHEMAS)
def test_any_schema_gives_json_with_what_is_required(schema):
    made = make_arguments(schema)
    assert json.loads(json.dumps(made)) == made
    assert set(made) >= set(schema.get("required", ()))


def test_what_is_not_of_the_kind_is_empty():
    assert (as_object([1]), as_object({"a": 1}), as_list({}), as_list([1])) == ({}, {"a": 1}, [], [1])
