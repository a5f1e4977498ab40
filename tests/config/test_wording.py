import msgspec
import pytest
from msgspec import inspect

from open_llm_proxy.config import wording
from open_llm_proxy.config.schema import Config, Cors, Limits, Listen, Port, Provider, Seconds, ThinkingForm
from open_llm_proxy.config.validation import _KINDS, _SCALARS


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (str, "a string"),
        (Port, "a whole number from 0 to 65535"),
        (Seconds, "a number above 0, 31536000 at most"),
        (tuple[str, ...], "a list of strings"),
        (tuple[Port, ...], "a list of whole numbers from 0 to 65535"),
        (str | None, "a string or null"),
        (bool, "true or false"),
        (dict[str, str], "an object"),
        (ThinkingForm, "an object"),
        (str | ThinkingForm, "a string or an object"),
    ],
)
def test_types_in_words(wanted, words):
    assert wording.described(inspect.type_info(wanted)) == words


def every_type(wanted, seen):
    seen.append(wanted)
    for name in ("type", "key_type", "value_type", "item_type"):
        if isinstance(inner := getattr(wanted, name, None), inspect.Type):
            every_type(inner, seen)
    for inner in getattr(wanted, "types", ()):
        every_type(inner, seen)
    for field in getattr(wanted, "fields", ()):
        every_type(field.type, seen)
    return seen


def test_every_type_that_the_structs_use_has_words_and_a_check():
    """A field of a new kind needs an entry there: this fails, rather than a user's start."""
    containers = {
        inspect.Metadata,
        inspect.StructType,
        inspect.DictType,
        inspect.VarTupleType,
        inspect.UnionType,
        inspect.AnyType,
    }
    types = every_type(inspect.type_info(Config), [])
    assert len(types) > 100
    for wanted in types:
        assert type(wanted) in wording._WORDS
        assert type(wanted) in containers | set(_SCALARS)
        assert getattr(wanted, "pattern", None) is None
        assert getattr(wanted, "max_length", None) is None
        if isinstance(wanted, inspect.UnionType):
            assert {type(wording.bare(inner)) for inner in wanted.types} <= set(_KINDS)


@pytest.mark.parametrize("struct", [Config, Provider, ThinkingForm, Listen, Cors, Limits])
def test_every_field_is_described(struct):
    made = inspect.type_info(struct)
    assert isinstance(made, inspect.StructType)
    for field in made.fields:
        inner = wording.bare(field.type)
        told = inner.cls.__doc__ if isinstance(inner, inspect.StructType) else wording.description(field.type)
        assert (told or "").endswith("."), field.name


def test_places_name_each_field_once():
    places = wording.places(inspect.type_info(Config))
    assert len(set(places)) == len(places)
    assert {"listen.port", "providers.<name>.models", "providers", "timeouts.drain_s"} <= set(places)


def test_only_texts_have_formats():
    for wanted in every_type(inspect.type_info(Config), []):
        if isinstance(wanted, inspect.Metadata) and wording.format_name(wanted):
            assert isinstance(wording.bare(wanted), inspect.StrType)


def test_struct_defaults_keep_their_own_bounds():
    empty = msgspec.convert({"providers": {}}, Config)
    assert msgspec.convert(msgspec.to_builtins(empty), Config) == empty
