import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.logs.export.prose import render_prose

ALLOWED = {
    "p",
    "h4",
    "ul",
    "li",
    "b",
    "pre",
    "code",
    "strong",
    "em",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "div",
    "hr",
}


def render(text):
    return render_prose(text, lambda code, language: f"[{language}]{html.escape(code)}")


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("one\ntwo\n\nthree", "<p>one\ntwo</p><p>three</p>"),
        ("## Head *x* ##", "<h4>Head <em>x</em></h4>"),
        (
            "**a** and __b__, not a*b*c or 2 * 3 * 4",
            "<p><strong>a</strong> and <strong>b</strong>, not a*b*c or 2 * 3 * 4</p>",
        ),
        ("`a < **b**` and ``c`d``", "<p><code>a &lt; **b**</code> and <code>c`d</code></p>"),
        ("```sql\nSELECT 1\n```\nafter", "<pre><code>[sql]SELECT 1</code></pre><p>after</p>"),
        ("~~~\nno end", "<pre><code>[]no end</code></pre>"),
        ("````\n```\n````", "<pre><code>[]```</code></pre>"),
        ("- a\n- b", '<ul><li><b class="mark">•</b>a</li><li><b class="mark">•</b>b</li></ul>'),
        ("1. a\n   - b", '<ul><li><b class="mark">1.</b>a</li><li class="deep"><b class="mark">•</b>b</li></ul>'),
        ("a\n---\nb", "<p>a</p><hr><p>b</p>"),
        (
            "| a | b |\n|---|:-:|\n| 1 | x\\|y |\nafter",
            (
                '<div class="table"><table><thead><tr><th>a</th><th>b</th></tr></thead>'
                "<tbody><tr><td>1</td><td>x|y</td></tr></tbody></table></div><p>after</p>"
            ),
        ),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[a](javascript:x) ![b](http://c)", "<p>[a](javascript:x) ![b](http://c)</p>"),
        ("", ""),
    ],
)
def test_markdown(text, made):
    assert render(text) == made


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        assert {name for name, _ in attributes} <= {"class"}
        if tag != "hr":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@given(st.text(alphabet="ab *_`#|-\n<>&1.\\~\"'", max_size=80))
def test_whatever_the_text_the_html_is_whole_and_no_letter_is_lost(text):
    made = render(text)
    tags = Tags()
    tags.feed(made)
    tags.close()
    assert tags.open == []
    assert tags.seen <= ALLOWED
    plain = html.unescape(re.sub("<[^>]*>", "", made))
    # What follows a fence is its language, which is handed on.
    if "~~~" not in text and "```" not in text:
        assert plain.count("a") == text.count("a")
        assert plain.count("b") == text.count("b")


@pytest.mark.parametrize("piece", ["**a ", "`", "*a", "# ", "| ", "- ", "_ "])
def test_a_long_text_takes_no_square_of_its_length(piece):
    assert render(piece * 200_000)  # the square of it would outlast the test's time
    assert render(f"# {' ' * 400_000}x")
