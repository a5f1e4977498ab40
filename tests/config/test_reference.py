import json
import re
from pathlib import Path

import jsonschema
import pytest

from open_llm_proxy.config import env_file, reference
from open_llm_proxy.config.environment import VARIABLES
from open_llm_proxy.config.layers import Layers
from open_llm_proxy.config.rules import contradictions

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(reference.schema_text())
ENDPOINT = "https://x.example/v1/chat/completions"


@pytest.mark.parametrize("path", [reference.SCHEMA_PATH, reference.PAGE_PATH, reference.EXAMPLE_PATH], ids=str)
def test_what_is_generated_is_up_to_date(path):
    """Out of date? `python -m open_llm_proxy.config.reference` in the checkout writes all three."""
    assert (ROOT / path).read_text("utf-8") == reference.documents(ROOT)[path]


def valid(config):
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(config)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_shipped_file_names_the_schema_and_keeps_it():
    shipped = json.loads((ROOT / "config.json").read_bytes())
    assert shipped["$schema"] == reference.SCHEMA_URL == SCHEMA["$id"]
    assert reference.SCHEMA_URL.endswith(f"/main/{reference.SCHEMA_PATH}")
    assert valid(shipped)


@pytest.mark.parametrize(
    ("config", "right"),
    [
        ({"providers": {"a": {"endpoint": ENDPOINT}}}, True),
        ({"_x": 1, "//": 2, "providers": {"_a": 3, "a": {"$x": 1, "endpoint": ENDPOINT}}, "listen": {"_x": 1}}, True),
        ({"providers": {"a": {"endpoint": ENDPOINT, "extra_headers": {"_x": 1}, "default_params": {"_x": 1}}}}, True),
        ({"providers": {"a": {"endpoint": ENDPOINT, "thinking_models": {"m": {"on": {"x": 1}}, "n": "t"}}}}, True),
        ({}, False),
        ({"providers": {"a": {}}}, False),
        ({"providers": {"a": {"endpoint": ENDPOINT, "models": [3]}}}, False),
        ({"providers": {"a": {"endpoint": ENDPOINT, "extra_headers": {"x": 1}}}}, False),
        ({"providers": {"a": {"endpoint": ENDPOINT, "api_key_envv": "X"}}}, False),
        ({"providers": {}, "listen": {"port": 70000}}, False),
        ({"providers": {}, "timeouts": {"drain_s": 0}}, False),
        ({"providers": {}, "workers": True}, False),
    ],
)
def test_editors_judge_as_we_do(config, right):
    assert valid(config) is right
    assert (not Layers(json.dumps(config).encode(), ROOT).problems) is right


def test_every_configuration_on_the_page_is_accepted():
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page(), re.DOTALL)]
    assert len(blocks) >= 4
    for block in blocks:
        config = block if "providers" in block else {"providers": {"a": {"endpoint": ENDPOINT, **block}}}
        layers = Layers(json.dumps(config).encode(), ROOT)
        assert layers.problems == []
        assert contradictions(layers.config(), []) == []
        assert valid(config)


def page():
    return (ROOT / reference.PAGE_PATH).read_text("utf-8")


def test_the_messages_on_the_page_are_the_ones_that_are_said(loading):
    said = re.search(r"```text\n(.*?)```", page(), re.DOTALL)
    layers = Layers(
        json.dumps(
            {
                "providers": {
                    "nimbus": {"endpoint": ENDPOINT, "models": ["a", "b", 3]},
                    "nrp": {"endpoint": ENDPOINT, "api_key_envv": "X"},
                }
            }
        ).encode(),
        ROOT,
    )
    assert said
    assert all(str(problem) in said[1] for problem in layers.problems)
    assert len(layers.problems) == 2


@pytest.mark.parametrize("row", VARIABLES, ids=lambda row: row.name)
def test_every_variable_stands_on_the_page_and_in_the_example(row):
    assert f"| `{row.name}`" in page()
    assert f"\n#{row.name}=" in reference.example_text()


def test_the_example_sets_nothing_and_is_valid_when_taken_in():
    text = reference.example_text()
    assert env_file.parse(text.encode(), ".env.example") == ({}, [])
    taken = re.sub(r"(?m)^#([A-Z0-9_]+=)", r"\1", text)
    values, problems = env_file.parse(taken.encode(), ".env.example")
    assert problems == []
    assert {row.name for row in VARIABLES} < set(values)
    for row in VARIABLES:
        if values[row.name]:
            assert row.parse(values[row.name]) is not None
    assert set(reference.PROVIDER_KEYS) == {
        row["api_key_env"] for row in json.loads((ROOT / "config.json").read_bytes())["providers"].values()
    }


def test_a_page_keeps_what_is_written_by_hand():
    before = "# Top\n<!-- generated: config -->\nold\n<!-- end -->\nrest | `x`\n"
    after = reference.page_text(before)
    assert after.startswith("# Top\n<!-- generated: config -->\n### Top level\n")
    assert after.endswith("<!-- end -->\nrest | `x`\n")
    assert "\nold\n" not in after
    assert reference.page_text(after) == after


def test_writing(tmp_path, monkeypatch):
    for path in (reference.SCHEMA_PATH, reference.PAGE_PATH):
        (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / reference.PAGE_PATH).write_text("<!-- generated: environment -->\n<!-- end -->\n")
    monkeypatch.chdir(tmp_path)
    reference.main()
    assert "PROXY_KEY" in (tmp_path / reference.PAGE_PATH).read_text("utf-8")
    assert (tmp_path / reference.EXAMPLE_PATH).read_text("utf-8") == reference.example_text()
