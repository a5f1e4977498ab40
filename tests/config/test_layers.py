import json
from pathlib import Path

from open_llm_proxy.config.layers import Layers, leaves

ENDPOINT = "https://x.example/v1/chat/completions"
PATH = Path("/c.json")


def layers(config):
    return Layers(config if isinstance(config, bytes) else json.dumps(config).encode(), PATH)


def test_a_value_laid_over_the_file_wins_and_leaves_its_neighbours():
    made = layers({"providers": {}, "timeouts": {"drain_s": 5, "head_s": 6}})
    made.put("timeouts.drain_s", 7.0, name="DRAIN_SECONDS", source="environment DRAIN_SECONDS")
    made.put("listen.port", 1, name="--port", source="flag --port")
    config = made.config()
    assert (config.timeouts.drain_s, config.timeouts.head_s, config.listen.port) == (7, 6, 1)
    assert made.sources == {
        "timeouts.drain_s": "environment DRAIN_SECONDS",
        "timeouts.head_s": "file /c.json",
        "listen.port": "flag --port",
    }
    assert made.problems == []


def test_a_wrong_value_names_what_gave_it():
    made = layers({"providers": {}})
    made.put("listen.port", 70000, name="--port", source="flag --port")
    made.put("listen.host", "a:1", name="--host", source="flag --host")
    assert [problem.path for problem in made.problems] == ["--port", "--host"]
    assert made.sources == {}
    assert made.config().listen.port == 8002


def test_a_file_that_says_nothing_is_broken_and_its_problem_kept():
    for data in (b"{", b"[]", b"{}", b"", b"[" * 100_000, b'{"providers": 3}'):
        made = layers(data)
        assert made.broken
        assert len(made.problems) == 1
        assert made.config().providers == {}


def test_nesting_that_the_parser_takes_and_we_do_not_is_a_problem():
    deep = b'{"providers": {"a": {"endpoint": "%s", "default_params": {"x": %s}}}}'
    said = set()
    for depth in range(800, 1000):
        made = layers(deep % (ENDPOINT.encode(), b"[" * depth + b"]" * depth))
        said |= {problem.message for problem in made.problems}
        assert made.broken is bool(made.problems)
    assert said == {"not read: nested too deeply"}


def test_a_byte_order_mark_is_a_problem_and_the_rest_is_read():
    made = layers(b'\xef\xbb\xbf{"providers": {"a": {"endpoint": 3}}}')
    assert not made.broken
    assert [problem.path for problem in made.problems] == ["", "providers.a.endpoint"]


def test_each_setting_has_a_place():
    values = {
        "providers": {"a": {"endpoint": ENDPOINT, "default_params": {"x": {"y": 1}}}, "b": {}},
        "listen": {"port": 1},
        "workers": 2,
    }
    assert dict(leaves(values)) == {
        ("providers", "a", "endpoint"): ENDPOINT,
        ("providers", "a", "default_params"): {"x": {"y": 1}},
        ("listen", "port"): 1,
        ("workers",): 2,
    }
