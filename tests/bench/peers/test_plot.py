import xml.etree.ElementTree as ET

import pytest

from bench.peers import plot
from bench.peers.result import Result

SPACE = "{http://www.w3.org/2000/svg}"


def test_the_plot_is_a_picture_with_a_dot_a_value(result: Result):
    root = ET.fromstring(plot.draw(result))
    dots = root.findall(f"{SPACE}circle")
    assert len([dot for dot in dots if dot.get("class") == "ours"]) == 3
    assert len([dot for dot in dots if dot.get("class") == "dot"]) == 2
    assert len([dot for dot in dots if dot.get("class") == "part"]) == 2
    texts = [text.text for text in root.findall(f"{SPACE}text")]
    assert "not measured" in texts
    assert "absent" not in texts
    assert "300" in texts


def test_all_dots_are_within_the_picture(result: Result):
    root = ET.fromstring(plot.draw(result))
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for dot in root.findall(f"{SPACE}circle"):
        assert 0 < float(dot.attrib["cx"]) < width
        assert 0 < float(dot.attrib["cy"]) < height


def test_dark_pages_have_colours_of_their_own(result: Result):
    assert "prefers-color-scheme: dark" in plot.draw(result)


@pytest.mark.parametrize(
    ("values", "low", "high"), [([30, 300, 10500], 1, 5), ([50], 1, 2), ([10], 1, 2), ([], 0, 1), ([0.5, 2], -1, 1)]
)
def test_an_axis_is_the_least_that_holds_its_values(values: list[float], low: int, high: int):
    axis = plot.make_axis(values, 0, 100)
    assert (axis.low, axis.high) == (low, high)


def test_an_axis_is_logarithmic():
    axis = plot.make_axis([1, 100], 10, 100)
    assert [axis.place(value) for value in (1, 10, 100, 0.1)] == [10, 60, 110, 10]
