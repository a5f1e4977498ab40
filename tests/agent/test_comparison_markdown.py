from tests.agent.test_comparison import call, make_original, make_replay

from open_llm_proxy.agent.comparison import compare
from open_llm_proxy.agent.comparison_markdown import render


def test_the_text():
    text = render(compare(make_original(), make_replay()))
    assert text.startswith(
        "# Replay with other\n\nanswered · answers or tool calls differ\n\n| | original | replay |\n"
    )
    assert "| model | kimi (up-kimi) | other (up-other) |" in text
    assert "- a note of the original\n- a note of the replay\n" in text
    assert "> How many?\n\nOriginal:\n\n```text\nThere are 42.\n```\n\nReplay:\n\n```text\n There are 41. \n```" in text
    assert "The same answer:\n\n```text\n7 \n```" in text
    assert "- query: another call\n\n  ```diff\n  @@ -1,2 +1,2 @@\n  -SELECT a\n  +SELECT b\n   FROM t\n  ```" in text
    assert "- describe: only in the original\n\n  ```json\n  {}\n  ```" in text
    assert text.endswith("## Calls without a recorded result\n\n- count {}\n".replace("{}", "\\{\\}"))


def test_what_is_said_is_text():
    original, kept = make_original(), make_replay()
    original.questions[0] = original.questions[0]._replace(text="# head <b>\x1b[2J\n| a |")
    kept.transcript.turns[2].content = "```\n<script>"
    original.turns[0].tool_calls = [call("<i>", "```")]
    text = render(compare(original, kept))
    assert "> \\# head \\<b\\>\\\\x1b\\[2J\n> \\| a \\|" in text
    assert "````text\n```\n<script>\n````" in text
    assert "\\<i\\>: only in the original" in text
