import re

from open_llm_proxy.cli.logs.plots import Series, plot_bars, plot_lines

DAYS = [f"11-{day:02}" for day in range(1, 21)]


def plain(plot):
    return re.sub(r"\x1b\[[0-9;]*m", "", plot)


def test_bars():
    made = plain(
        plot_bars("calls a day", DAYS, [Series("answered", [5.0] * 20, "green"), Series("failed", [0, 1] * 10, "red")])
    )
    assert "calls a day: █ answered, ░ failed" in made
    assert "11-01" in made
    assert "█" in made.split("answered")[1]
    assert "░" in made.split("failed")[1]
    assert re.search(r"^ *6┤", made, re.MULTILINE)


def test_lines():
    series = [Series("p50", [None, 2, 3] + [4] * 17, "green"), Series("p90", [None] * 20, "red")]
    made = plain(plot_lines("duration", DAYS, series))
    assert "duration: p50 (green), p90 (red)" in made
    assert re.search("[\u2801-\u28ff]", made)


def test_one_value_and_none():
    assert "x" in plain(plot_lines("x", ["a", "b"], [Series("p50", [1, None], "green")]))
    assert "x" in plain(plot_bars("x", ["a", "b"], [Series("calls", [0, 0], "green")]))
