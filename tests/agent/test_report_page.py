from html.parser import HTMLParser

import pytest
from tests.agent.conftest import keep
from tests.agent.test_report import outcomes_of

from open_llm_proxy.agent.cell import cells_of
from open_llm_proxy.agent.matrix import Outcome
from open_llm_proxy.agent.report import make_report
from open_llm_proxy.agent.report_page import render

VOID = {"meta", "br"}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.ids, self.text = [], set(), [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        self.links += [found["href"]] if "href" in found else []
        self.ids += [found["id"]] if "id" in found else []
        assert "src" not in found
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def page(make_plan):
    plan = make_plan(repeats=2)
    return Page(render(make_report(plan, outcomes_of(plan), ["gone.one.plain.1"])))


def test_it_is_whole_and_loads_nothing(page):
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert all(link.startswith(("#", "cells/")) for link in page.links)


def test_each_mark_leads_to_an_answer(page):
    assert len(page.ids) == len(set(page.ids)) == 16
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} == set(page.ids)


def test_what_it_says(page):
    for text in ("12 of 16 cells run", "34%-100%", "SELECT 42", "so (gold answer, numeric: 42)", "gone", "| 42 |"):
        assert text in page.text
    assert "open-llm-proxy 1.2.3" in page.text
    assert "not counted: gone.one.plain.1." in page.text


def test_what_models_and_tools_say_is_text(make_plan):
    plan = make_plan(models=["one"], prompts=None, questions=[{"name": "q", "ask": "<script>ask</script>"}])
    evil = "</article><script>alert(1)</script>"
    saved = keep(next(cells_of(plan)), evil, verdict={"passed": True, "reason": evil, "judge": {"model": evil}})
    saved["turns"][0]["tool_calls"][0] |= {"name": evil, "arguments": evil}
    saved["turns"][0]["tool_calls"][0]["result"] |= {"content": evil, "is_error": True}
    page = Page(render(make_report(plan, [Outcome(next(cells_of(plan)), saved)])))
    assert "script" not in page.tags
    assert page.text.count(evil) == 7
