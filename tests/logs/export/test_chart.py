import re
from xml.etree import ElementTree as ET

import pytest

from open_llm_proxy.logs.export.chart import Series, draw_bars, draw_lines, draw_rows, linear, logarithmic, round_up

LABELS = ["04-07", "04-08", "<04-09>"]


def parse(figure):
    """The figure as XML: that it is well-formed says that all texts are escaped."""
    return ET.fromstring(figure)


def rects(figure):
    return [(float(one.get("y")), float(one.get("height")), one.get("class")) for one in parse(figure).iter("rect")]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (1.1, 1.2), (7, 8), (147, 160), (174, 200), (0.03, 0.032), (9.9e6, 1e7)]
)
def test_axes_end_at_a_number_that_is_easy_to_read(value, top):
    assert round_up(value) == pytest.approx(top)


def test_bars_stand_on_top_of_each_other():
    good, bad = Series("good", [3, 0, 1], 3), Series("bad", [1, None, 0], 4)
    (first, height, one), (second, bad_height, other), _ = rects(draw_bars("Calls", "a day", LABELS, [good, bad], str))
    assert (one, other) == ("f3", "f4")
    assert height == pytest.approx(3 * bad_height, abs=0.2)
    assert second + bad_height == pytest.approx(first, abs=0.2)


def test_small_counts_have_whole_ticks():
    figure = draw_bars("Calls", "a day", LABELS, [Series("calls", [1, 0, 0], 1)], lambda value: f"{value:g}", least=4)
    assert re.findall(r'text-anchor="end">([\d.]+)<', figure) == ["0", "1", "2", "3", "4"]


def test_titles_units_legend_and_labels_are_there_and_escaped():
    figure = draw_bars("<Calls>", "a & b", LABELS, [Series("<good>", [1, 2, 3], 3)], lambda value: f"<{value}>")
    text = " ".join(parse(figure).itertext())
    for words in ("<Calls>", "a & b", "<good>", "<04-09>", "04-07"):
        assert words in text


def test_lines_are_broken_where_there_is_no_value():
    figure = draw_lines("Duration", "ms", ["a", "b", "c", "d", "e"], [Series("p50", [1, 2, None, 4, 5], 1)], str)
    assert len(list(parse(figure).iter("polyline"))) == 2
    assert len(list(parse(figure).iter("circle"))) == 4


def test_values_far_apart_have_a_logarithmic_axis_that_says_so():
    assert "logarithmic" in draw_lines("Duration", "ms", LABELS, [Series("p99", [10, 100, 100_000], 1)], str)
    assert "logarithmic" not in draw_lines("Duration", "ms", LABELS, [Series("p99", [10, 100, 120], 1)], str)


def test_scales():
    scale = logarithmic([20, 90_000])
    assert scale.ticks() == pytest.approx([10, 100, 1000, 10_000, 100_000])
    assert scale.y(10) > scale.y(20) > scale.y(100_000)
    assert len(logarithmic([1e-9, 1e9]).ticks()) <= 7
    assert logarithmic([]).ticks() == linear(1).ticks() == [0, 0.25, 0.5, 0.75, 1]
    assert logarithmic([0, 1000]).low == 0


def test_rows_by_name():
    figure = draw_rows("By model", "calls", [("kimi", 10), ("a" * 50, 5), ("<none>", 0)], str)
    widths = [float(one.get("width")) for one in parse(figure).iter("rect")]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert widths[2] == 1


def test_nothing_to_draw_is_drawn():
    assert rects(draw_bars("Calls", "", [], [Series("calls", [], 1)], str)) == []
    assert parse(draw_lines("Calls", "", [], [], str)) is not None
    assert rects(draw_rows("Calls", "", [], str)) == []


def test_many_labels_are_thinned_out():
    labels = [f"d{number}" for number in range(100)]
    figure = draw_bars("Calls", "", labels, [Series("calls", [1] * 100, 1)], str)
    assert 5 < len(re.findall(r'text-anchor="middle">d', figure)) <= 14
