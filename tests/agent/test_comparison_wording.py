from dataclasses import replace

from tests.agent.test_comparison import make_original, make_replay

from open_llm_proxy.agent.comparison import compare
from open_llm_proxy.agent.comparison_wording import say_call, say_end, say_sides


def test_both_sides():
    rows = {head: (before, after) for head, before, after in say_sides(compare(make_original(), make_replay()))}
    assert rows["session"] == ("old", "new")
    assert rows["origin"] == ("https://geo.example.org", "https://geo.example.org/replay")
    assert rows["model"] == ("kimi (up-kimi)", "other (up-other)")
    assert rows["system prompt"][0] == f"sha256 {'5' * 12}"
    assert rows["turns"] == ("3", "4")
    assert rows["tool calls"] == ("2", "2 (1 failed)")
    assert rows["tokens"] == ("60 → 15", "32 → 16")
    assert rows["cost"] == ("$0.50", "-")
    assert rows["model time"] == ("600 ms", "200 ms")
    assert "tool list" not in rows


def test_calls():
    calls = compare(make_original(), make_replay()).questions[0].calls
    assert [say_call(pair) for pair in calls] == [
        "query: another call",
        "describe: only in the original",
        "count: only in the replay, without a recorded result",
    ]


def test_the_end():
    comparison = compare(make_original(), make_replay())
    assert say_end(comparison) == "answered · answers or tool calls differ"
    stopped = replace(comparison, exit={"reason": "budget_spent", "message": "no call is left"}, questions=[])
    assert say_end(stopped) == "budget spent: no call is left · nothing differs"
