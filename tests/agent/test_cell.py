from dataclasses import replace

import pytest
from tests.agent.conftest import keep

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.cell import append_path, cells_of, was_run


def test_each_with_each_and_repeats_last(make_plan):
    names = [cell.name for cell in cells_of(make_plan(repeats=2))]
    assert names[:8] == [
        f"{question}.{model}.{prompt}.1"
        for question in ("count", "open")
        for model in ("one", "two")
        for prompt in ("plain", "brief")
    ]
    assert names[8:] == [name.replace(".1", ".2") for name in names[:8]]


def test_a_cells_settings_and_tags(make_plan):
    cell = next(cells_of(make_plan(models=[{"id": "a/b", "temperature": 1, "seed": 3, "thinking": True}])))
    settings = cell.settings("the-session")
    assert (settings.model, settings.temperature, settings.seed, settings.enable_thinking) == ("a/b", 1, 3, True)
    assert settings.session_id == "the-session"
    assert settings.origin == "https://parks.example.org/matrix/parks/count.a-b.plain.1"
    assert cell.judge_origin == "https://parks.example.org/judge/parks/count.a-b.plain.1"
    described = cell.described("1.2.3")
    assert described["run_tag"] == "/matrix/parks/count.a-b.plain.1"
    assert described["proxy_version"] == "1.2.3"


@pytest.mark.parametrize(
    "changed",
    [
        {"models": [{"id": "one", "temperature": 1}]},
        {"models": [{"id": "one", "thinking": False}]},
        {"models": [{"id": "other", "name": "one"}]},
        {"prompts": [{"name": "plain", "text": "Be plain"}]},
        {"prompts": [{"name": "plain", "mcp_prompt": "analyst"}]},
        {"questions": [{"name": "count", "ask": "How few?"}]},
        {"questions": [{"name": "count", "ask": ["How many?", "Why?"]}]},
        {"max_turns": 3},
        {"mcp_urls": ["http://127.0.0.1:1/mcp"]},
        {"origin": "https://other.example.org"},
    ],
)
def test_what_changes_a_session_changes_the_hash(make_plan, changed):
    assert next(cells_of(make_plan())).sha256 != next(cells_of(make_plan(**changed))).sha256


@pytest.mark.parametrize(
    "changed",
    [
        {"models": ["one"]},
        {"repeats": 9, "parallel": 1},
        {"proxy_url": "http://127.0.0.1:1/v1"},
        {"judge": {"model": "wise"}},
        {"questions": [{"name": "count", "ask": "How many?", "gold": {"exact": "7"}}]},
    ],
)
def test_what_does_not_change_it_does_not(make_plan, changed):
    assert next(cells_of(make_plan())).sha256 == next(cells_of(make_plan(**changed))).sha256


def test_repeats_differ(make_plan):
    cell = next(cells_of(make_plan()))
    assert replace(cell, repeat=2).sha256 != cell.sha256


@pytest.mark.parametrize(
    ("origin", "whole"),
    [
        ("https://a.org", "https://a.org/x/y"),
        ("https://a.org/", "https://a.org/x/y"),
        ("https://a.org:1/app/", "https://a.org:1/app/x/y"),
        ("https://a.org/app?q=1#top", "https://a.org/app/x/y?q=1#top"),
    ],
)
def test_a_path_is_appended_to_an_origins(origin, whole):
    assert append_path(origin, "x/y") == whole


@pytest.mark.parametrize(
    ("how", "ran"),
    [
        (exits.ANSWERED, True),
        (exits.OUT_OF_TURNS, True),
        (exits.TIMEOUT, True),
        (exits.MODEL_ERROR, True),
        (exits.MCP_ERROR, False),
        (exits.INTERRUPTED, False),
    ],
)
def test_an_end_of_the_models_making(make_plan, how, ran):
    saved = keep(next(cells_of(make_plan())), None, how)
    assert was_run(saved) is ran
    saved["turns"][-1]["error"] = "the proxy answered 502"
    assert was_run(saved) is (ran and how is not exits.MODEL_ERROR)
    assert not was_run({})
