import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from open_llm_proxy.config import document
from open_llm_proxy.config.layers import CONFIG_TYPE
from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.validation import INVALID, validate
from open_llm_proxy.config.wording import bare, format_name

ENDPOINT = "https://x.example/v1/chat/completions"


def mistakes(config):
    data = config if isinstance(config, str) else json.dumps(config)
    value, problems = document.parse(data.encode())
    assert problems == []
    return [str(problem) for problem in validate(value, CONFIG_TYPE)[1]]


def provider(**fields):
    return {"providers": {"nimbus": {"endpoint": ENDPOINT, **fields}}}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"models": ["a", "b", 3]}, "providers.nimbus.models[2]: expected a string, got 3"),
        ({"models": "a"}, 'providers.nimbus.models: expected a list of strings, got "a"'),
        ({"models": [""]}, "providers.nimbus.models[0]: expected a string that is not empty"),
        ({"models": [None]}, "providers.nimbus.models[0]: expected a string, got null"),
        ({"model_prefixes": {}}, "providers.nimbus.model_prefixes: expected a list of strings or null, got an object"),
        ({"api_key_envv": "X"}, "providers.nimbus.api_key_envv: unknown key; did you mean api_key_env?"),
        ({"api_key_env": ""}, "providers.nimbus.api_key_env: expected a string that is not empty"),
        (
            {"models_auth": "x_api_key"},
            'providers.nimbus.models_auth: expected "bearer" or "x-api-key", got "x_api_key"',
        ),
        ({"on_client_gone": "stop"}, 'providers.nimbus.on_client_gone: expected "cancel" or "finish", got "stop"'),
        ({"log_content": 1}, "providers.nimbus.log_content: expected true or false or null, got 1"),
        ({"stream_usage": "yes"}, 'providers.nimbus.stream_usage: expected true or false, got "yes"'),
        ({"extra_headers": {"X-A": 3}}, "providers.nimbus.extra_headers.X-A: expected a string, got 3"),
        ({"extra_headers": ["X-A"]}, "providers.nimbus.extra_headers: expected an object, got a list"),
        (
            {"extra_headers": {"Host": "x"}},
            "providers.nimbus.extra_headers.Host: the proxy sets this header itself; leave it out",
        ),
        (
            {"thinking_models": {"glm-4.7": 3}},
            'providers.nimbus.thinking_models["glm-4.7"]: expected a string or an object, got 3',
        ),
        (
            {"thinking_models": {"a": {"onn": {}, "on": {}}}},
            "providers.nimbus.thinking_models.a.onn: unknown key; did you mean on?",
        ),
        (
            {"thinking_models": {"a": {"on": []}}},
            "providers.nimbus.thinking_models.a.on: expected an object, got a list",
        ),
        ({"default_params": []}, "providers.nimbus.default_params: expected an object, got a list"),
    ],
)
def test_a_mistake_in_a_provider(fields, problem):
    assert mistakes(provider(**fields)) == [problem]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"listen": {"port": 70000}}, "listen.port: expected a whole number from 0 to 65535, got 70000"),
        ({"listen": {"port": True}}, "listen.port: expected a whole number from 0 to 65535, got true"),
        ({"listen": {"port": "8002"}}, 'listen.port: expected a whole number from 0 to 65535, got "8002"'),
        ({"listen": {"port": 80.5}}, "listen.port: expected a whole number from 0 to 65535, got 80.5"),
        ({"listen": None}, "listen: expected an object, got null"),
        ({"workers": 0}, "workers: expected a whole number from 1 to 64, got 0"),
        ({"timeouts": {"drain_s": 0}}, "timeouts.drain_s: expected a number above 0, 31536000 at most, got 0"),
        ({"timeouts": {"drain_s": True}}, "timeouts.drain_s: expected a number above 0, 31536000 at most, got true"),
        ({"limits": {"head_bytes": -1}}, "limits.head_bytes: expected a whole number from 1, got -1"),
        ({"limits": {"head_bytes": 10**18}}, f"limits.head_bytes: expected a whole number from 1, got {10**18}"),
        ({"log_content": "no"}, 'log_content: expected true or false, got "no"'),
        ({"port": 8002}, "port: unknown key; did you mean listen.port?"),
        ({"models": []}, "models: unknown key; did you mean providers.<name>.models?"),
        ({"qqq": 1}, "qqq: unknown key; known here: " + ", ".join(Config.__struct_fields__)),
        ({"default_provider": 1}, "default_provider: expected a string or null, got 1"),
        ({"forward_headers": ["cookie"]}, "forward_headers[0]: a client's cookie never goes upstream; leave it out"),
    ],
)
def test_a_mistake_at_the_top(fields, problem):
    assert mistakes({**provider(), **fields}) == [problem]


def test_a_provider_without_endpoint_is_told_what_one_is():
    (said,) = mistakes({"providers": {"nrp": {"models": ["kimi"]}}})
    assert said.startswith("providers.nrp.endpoint: missing; expected a string (The chat URL, ")


@pytest.mark.parametrize("top", ["[]", "3", '"x"', "null"])
def test_a_file_that_is_no_object(top):
    (said,) = mistakes(top)
    assert said.startswith("expected an object, got ")


def test_providers_are_needed():
    (said,) = mistakes({})
    assert said.startswith("providers: missing; expected an object")


def test_all_mistakes_come_at_once():
    said = mistakes(
        {
            "providers": {"a": {"endpoint": 1, "models": [2]}, "b": {"endpont": ENDPOINT}, "c": 3},
            "workers": "many",
            "listen": {"hots": "x"},
        }
    )
    assert [line.partition(":")[0] for line in said] == [
        "providers.a.endpoint",
        "providers.a.models[0]",
        "providers.b.endpont",
        "providers.b.endpoint",
        "providers.c",
        "workers",
        "listen.hots",
    ]


def test_a_repeated_key_is_a_mistake_and_a_repeated_remark_is_none():
    text = '{"providers": {"a": {"endpoint": "https://x/", "endpoint": "https://y/"}}, "_why": 1, "_why": 2}'
    assert mistakes(text) == ["providers.a.endpoint: given twice; keep one"]
    text = '{"providers": {"a": {"endpoint": "https://x/"}, "a": {"endpoint": "https://x/"}}}'
    assert mistakes(text) == ["providers.a: given twice; keep one"]


def test_remarks_are_dropped_at_every_level_of_ours_and_kept_in_free_form_values():
    config = {
        "$schema": "https://…",
        "_top": [{"anything": 1}],
        "providers": {
            "//": "a remark about all",
            "_off": {"no": "provider"},
            "nrp": {
                "_why": "x",
                "endpoint": ENDPOINT,
                "extra_headers": {"_why": 3, "X-A": "b"},
                "thinking_models": {"//": 1, "a": {"_why": 1, "on": {"_kept": 1}}},
                "default_params": {"_kept": 1, "$kept": {"//": 2}},
            },
        },
        "listen": {"_why": "x", "port": 1},
    }
    cleaned, problems = validate(config, CONFIG_TYPE)
    assert problems == []
    assert cleaned == {
        "providers": {
            "nrp": {
                "endpoint": ENDPOINT,
                "extra_headers": {"X-A": "b"},
                "thinking_models": {"a": {"on": {"_kept": 1}}},
                "default_params": {"_kept": 1, "$kept": {"//": 2}},
            }
        },
        "listen": {"port": 1},
    }


def test_free_form_values_are_searched_for_what_could_not_be_sent():
    text = json.dumps(provider()).replace('"endpoint"', '"default_params": {"a": {"b": 1, "b": "\\ud800"}}, "endpoint"')
    assert mistakes(text) == [
        "providers.nimbus.default_params.a.b: given twice; keep one",
        "providers.nimbus.default_params.a.b: holds half a character (a lone \\ud800 to \\udfff)",
    ]


def test_what_is_right_is_kept_beside_what_is_wrong():
    config = {"providers": {"a": {"endpoint": ENDPOINT, "models": ["x", 1], "nope": 1}, "b": {}}, "workers": 0}
    cleaned, problems = validate(config, CONFIG_TYPE)
    assert len(problems) == 4
    assert cleaned == {"providers": {"a": {"endpoint": ENDPOINT, "models": ["x"]}}}
    assert validate([], CONFIG_TYPE)[0] is INVALID


TEXTS = {
    "url": st.sampled_from([ENDPOINT, "http://127.0.0.1:1/"]),
    "variable": st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True),
    "provider-name": st.from_regex(r"[a-z][a-z0-9.-]{0,9}", fullmatch=True).filter(lambda name: name != "unrouted"),
    "header-value": st.from_regex(r"[!-~]([ -~]{0,9}[!-~])?", fullmatch=True),
    "extra-header-name": st.from_regex(r"[Xx]-[A-Za-z0-9]{1,9}", fullmatch=True),
    "forward-header-name": st.from_regex(r"[Xx]-[A-EG-Za-eg-z0-9]{1,9}", fullmatch=True),
    "origin-glob": st.sampled_from(["*", "https://*.example.org"]),
    "host": st.sampled_from(["127.0.0.1", "::", "localhost"]),
}
NAMES = st.text(max_size=5).filter(lambda key: not document.is_comment(key))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


def right(wanted, name=None):  # noqa: PLR0911 - one a type
    """Values that ``wanted`` takes, made from the type alone."""
    match wanted:
        case inspect.Metadata():
            return right(wanted.type, format_name(wanted) or name)
        case inspect.StructType():
            needed = {field.encode_name: right(field.type) for field in wanted.fields if field.required}
            free = {field.encode_name: right(field.type) for field in wanted.fields if not field.required}
            return st.fixed_dictionaries(needed, optional=free)
        case inspect.DictType():
            keys = (
                st.text(max_size=5) if isinstance(bare(wanted.value_type), inspect.AnyType) else right(wanted.key_type)
            )
            return st.dictionaries(keys, right(wanted.value_type), max_size=3)
        case inspect.VarTupleType():
            return st.lists(right(wanted.item_type), max_size=3)
        case inspect.UnionType():
            return st.one_of([right(inner) for inner in wanted.types])
        case inspect.StrType():
            texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
            return TEXTS[name] if name else texts.filter(lambda text: not document.is_comment(text))
        case inspect.IntType():
            return st.integers(wanted.ge or 0, min(wanted.le or 99, 1 << 40))
        case inspect.FloatType():
            return st.floats(0.001, 1e6) | st.integers(1, 1000)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType():
            return st.sampled_from(wanted.values)
        case inspect.AnyType():
            return JSON
    raise AssertionError(wanted)


CONFIGS = right(CONFIG_TYPE)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CONFIGS)
def test_a_config_that_validates_survives_the_round_trip(config):
    value, problems = document.parse(json.dumps(config).encode())
    cleaned, found = validate(value, CONFIG_TYPE)
    assert problems + found == []
    assert cleaned == config
    made = msgspec.convert(cleaned, Config)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Config) == made
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Config) == made
    again, problems = validate(msgspec.json.decode(msgspec.json.encode(made)), CONFIG_TYPE)
    assert problems == []
    assert msgspec.convert(again, Config) == made


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(CONFIGS, st.data())
def test_the_walk_refuses_what_msgspec_refuses_and_what_it_keeps_msgspec_takes(config, data):
    """One value anywhere is put in another's place."""
    places = list(every_place(config))
    parent, key = data.draw(st.sampled_from(places))
    parent[key] = data.draw(JSON)
    value, _ = document.parse(json.dumps(config).encode())
    cleaned, problems = validate(value, CONFIG_TYPE)
    try:
        msgspec.convert(json.loads(json.dumps(config)), Config)
    except msgspec.ValidationError:
        assert problems
    if cleaned is not INVALID:
        msgspec.convert(cleaned, Config)


def every_place(value):
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from every_place(value[key])
