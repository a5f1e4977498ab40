from open_llm_proxy.logs.export.markdown import render
from open_llm_proxy.logs.weave import weave


def test_a_conversation(tool_loop):
    text = render(weave(tool_loop.records))
    assert text.startswith("# How many parks?\n\n- Session: s-1\n")
    order = [
        "## User",
        "Reasoning",
        "**Tool call: query**",
        "```sql\nSELECT count(\\*)".replace("\\", ""),
        "Tool result: query",
        "There are 42.",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert text.count("How many parks?") == 2  # the title, and once where it was asked


def test_fences_hold_whatever_is_in_them(conversation):
    text = render(conversation)
    assert "````\n</div><script>alert(1)</script>\\x1b[31m ```\n````" in text
    assert "**Error**: HTTP 503" in text
    assert "# Conversation 2" in text
    assert "▶" in text


def test_what_is_not_logged_says_so(scribe, tools):
    scribe.ask(None, content_logged=False)
    scribe.answer(calls=[{"id": "c", "name": "f_g", "arguments": None}], content_logged=False)
    assert "**Tool call: f\\_g**: (not in the records" in render(weave(scribe.records))
