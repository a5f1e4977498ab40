import msgspec
import pytest
import trustme

from open_llm_proxy.config import rules
from open_llm_proxy.config.problems import Problem
from open_llm_proxy.config.schema import Config

ENDPOINT = "https://x.example/v1/chat/completions"


def config(providers=None, **fields):
    rows = {"a": {}} if providers is None else providers
    rows = {name: {"endpoint": ENDPOINT, **row} for name, row in rows.items()}
    return msgspec.convert({"providers": rows, **fields}, Config)


def broken(*args, **fields):
    return [str(problem) for problem in rules.contradictions(config(*args, **fields), [])]


def test_the_defaults_break_no_rule():
    assert broken() == []


def test_no_provider():
    assert broken({}) == ["providers: no provider is configured"]


def test_ports_that_clash():
    assert broken(listen={"port": 9002}) == [
        "metrics.port: 9002 is listen.port, too; choose another, or 0 for no metrics"
    ]
    assert broken(listen={"port": 0}, metrics={"port": 0}) == []


def test_sizes_that_do_not_fit_into_one_another():
    assert broken(limits={"segment_bytes": 20, "spool_bytes": 10}) == [
        "limits.segment_bytes: 20 is more than spool_bytes (10): the spool could not hold one segment"
    ]
    assert broken(limits={"body_bytes": 20, "buffer_bytes": 10}) == [
        "limits.body_bytes: 20 is more than buffer_bytes (10): a body of that length could never be taken in"
    ]
    assert broken(limits={"segment_bytes": 10, "spool_bytes": 10}) == []


def test_a_header_that_is_set_twice():
    assert broken({"a": {"extra_headers": {"X-Title": "a", "x-title": "b"}}}) == [
        "providers.a.extra_headers.x-title: the same header is set twice (capitals do not count)"
    ]


def test_headers_that_the_models_auth_sets():
    headers = {"X-Api-Key": "a", "Anthropic-Version": "b"}
    assert broken({"a": {"extra_headers": headers}}) == []
    assert broken({"a": {"extra_headers": headers, "models_auth": "x-api-key"}}) == [
        'providers.a.extra_headers.X-Api-Key: the proxy sets this header itself with models_auth "x-api-key"',
        'providers.a.extra_headers.Anthropic-Version: the proxy sets this header itself with models_auth "x-api-key"',
    ]


def test_a_call_needs_its_model():
    assert broken({"a": {"drop_params": ["user", "model"]}}) == [
        "providers.a.drop_params[1]: no call works without model"
    ]


def test_a_thinking_form_says_something():
    assert broken({"a": {"thinking_models": {"m": {}, "n": {"off": {"x": 1}}}}}) == [
        'providers.a.thinking_models.m: expected keys under "on" or "off", got neither'
    ]


@pytest.mark.parametrize("known", ["listen.port", "metrics.port"])
def test_a_rule_about_a_value_that_is_wrong_itself_is_not_reported(known):
    clash = config(listen={"port": 9002})
    assert rules.contradictions(clash, [Problem(known, "expected something else")]) == []
    assert len(rules.contradictions(clash, [Problem("listen.host", "…")])) == 1


def test_no_provider_left_is_no_second_mistake():
    assert rules.contradictions(config({}), [Problem("providers.a.endpoint", "missing")]) == []


def odd(*args, **fields):
    return list(rules.oddities(config(*args, **fields)))


def test_nothing_is_odd_about_the_defaults():
    assert odd() == []
    assert odd(default_provider=None) == []


def test_a_default_provider_that_is_not_there():
    assert odd(default_provider="gone") == [
        "default_provider names gone, which is not configured: unknown models are refused"
    ]


def test_a_model_or_prefix_that_another_provider_has_already():
    said = odd(
        {"a": {"models": ["m", "m"], "model_prefixes": ["p/"]}, "b": {"models": ["m"], "model_prefixes": ["p/", "q/"]}}
    )
    assert said == [
        "providers.b.models: m goes to a, which names it first",
        "providers.b.model_prefixes: p/ goes to a, which names it first",
    ]


def test_an_endpoint_that_is_only_a_base():
    assert len(odd({"a": {"endpoint": "https://x.example/v1"}})) == 1
    assert odd({"a": {"endpoint": f"{ENDPOINT}?api-version=1"}}) == []


def test_no_extra_authorities(tmp_path):
    assert rules.authorities(None, tmp_path) == (None, [])


def test_extra_authorities_are_relative_to_the_file_that_names_them(tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    path = str(tmp_path / "ca.pem")
    assert rules.authorities("ca.pem", tmp_path) == (path, [])
    assert rules.authorities(path, tmp_path / "elsewhere") == (path, [])


def test_authorities_that_can_not_be_loaded(tmp_path):
    (tmp_path / "text.pem").write_text("no certificate")
    (tmp_path / "empty.pem").write_text("")
    for name, said in (
        ("gone.pem", "can't be read: "),
        ("text.pem", "holds no certificates in PEM form"),
        ("empty.pem", "holds no certificates in PEM form"),
        (".", ""),
    ):
        path, (problem,) = rules.authorities(name, tmp_path)
        assert path is None
        assert problem.path == "ca_file"
        assert said in problem.message
