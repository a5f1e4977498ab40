from html.parser import HTMLParser

from open_llm_proxy.logs.export.html_page import render
from open_llm_proxy.logs.weave import weave

VOID = {"meta", "br"}


class Tags(HTMLParser):
    """Which tags there are; whether each is closed in its turn."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = set()
        self.attributes = set()
        self.text = []

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    return tags


def test_everything_is_there_and_nothing_of_it_is_markup(conversation):
    page = render(conversation)
    tags = read(page)
    assert not tags.seen & {"script", "img", "link", "iframe", "a", "form"}
    assert not tags.attributes & {"src", "href", "style"}
    assert not any(name.startswith("on") for name in tags.attributes)
    assert "\x1b" not in page
    text = " ".join(tags.text)
    for words in (
        "How many parks?",
        "There are 42.",
        "And lakes?",
        "HTTP 503",
        "Choice 2",
        "Conversation 2 of 2",
        "ends early",
    ):
        assert words in text
    assert page.count('turn wanted"') == 2


def test_reasoning_and_results_fold(conversation):
    page = render(conversation)
    assert page.count('<details class="item reasoning">') == 2
    assert page.count('<details class="item tool_result">') == 3


def test_what_is_not_logged_says_so(scribe):
    scribe.ask(None, content_logged=False)
    assert "content was not logged" in render(weave(scribe.records))
