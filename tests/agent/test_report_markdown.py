import re

import pytest
from tests.agent.conftest import keep
from tests.agent.test_report import outcomes_of

from open_llm_proxy.agent.cell import cells_of
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.report import make_report
from open_llm_proxy.agent.report_markdown import render


@pytest.fixture
def text(make_plan):
    plan = make_plan(repeats=2)
    return render(make_report(plan, outcomes_of(plan), ["gone.one.plain.1"]))


def test_each_mark_leads_to_an_answer(text):
    links = re.findall(r"\]\(#([\w-]+)\)", text)
    places = re.findall(r'<a id="([\w-]+)">', text)
    assert len(links) == len(set(links)) == 16
    assert sorted(links) == sorted(places)


def test_the_tables(text):
    assert "| one | plain | 2/2 100% | 34%-100% | 4/4 |" in text
    assert "| count | [✓](#cell-count-one-plain-1) [✓](#cell-count-one-plain-2) |" in text
    assert "- proxy: open-llm-proxy 1.2.3" in text
    assert "not counted: gone.one.plain.1." in text


def test_an_answer(text):
    _, _, answer = text.partition('<a id="cell-count-one-plain-1"></a>')
    answer = answer.partition("###")[0]
    assert "> How many?" in answer
    assert "```text\n42\n```" in answer
    assert "so (gold answer, numeric: 42)" in answer
    assert "2 turns, 1 tool calls, 60 → 40 tokens, $0.50, 300 ms." in answer
    assert "(cells/count.one.plain.1.json)" in answer
    assert "**gone**" in text


def test_what_models_say_stays_inside_its_fence(make_plan):
    plan = make_plan(models=["one"], prompts=None, questions=[{"name": "q", "ask": "a *b* <c>\nd"}])
    saved = keep(next(cells_of(plan)), "```\n# not a head\x1b[31m\n````")
    text = render(make_report(plan, [Outcome(next(cells_of(plan)), saved)]))
    assert "`````text\n```\n# not a head\\x1b[31m\n````\n`````" in text
    assert "> a \\*b\\* \\<c\\>\n> d" in text
