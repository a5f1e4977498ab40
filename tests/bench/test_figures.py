import pytest

from bench.figures import Bar, Figure, compare, make_ratio


@pytest.mark.parametrize(("value", "verdict"), [(1.5, "aim"), (1.6, "bar"), (1.75, "bar"), (1.76, "missed")])
def test_a_value_is_judged_by_bar_and_aim(value: float, verdict: str):
    assert Bar(1.75, 1.5).judge(value) == verdict


def test_a_bar_may_be_a_floor():
    assert Bar(600, at_least=True).judge(601) == "aim"
    assert Bar(600, at_least=True).judge(599) == "missed"
    assert str(Bar(600, at_least=True)) == "≥ 600"


def test_ratios_are_taken_round_by_round():
    # the machine was half as fast in the second round, for both
    ratio, spread = compare([30, 60, 36], [20, 40, 20])
    assert ratio == 1.5
    assert spread == (1.5, 1.8)


def test_rounds_must_match():
    with pytest.raises(ValueError, match="shorter"):
        compare([1, 2], [1])


def test_the_bar_speaks_of_the_ratio_where_there_is_one():
    figure = make_ratio(1, "call", "µs", {"proxy": [30.0], "nginx": [20.0]}, bar=Bar(1.75, 1.5))
    assert (figure.proxy, figure.nginx, figure.verdict) == (30, 20, "aim")
    assert Figure(row=8, name="memory", unit="MB", proxy=120, bar=Bar(100)).verdict == "missed"
    assert Figure(row=7, name="tail", unit="ms", proxy=12).verdict == "printed"


def test_a_figure_goes_into_the_file_with_its_verdict():
    stored = Figure(row=8, name="memory", unit="MB", proxy=76, bar=Bar(100)).to_json()
    assert stored["verdict"] == "aim"
    assert stored["bar"] == {"must": 100, "aim": None, "at_least": False}
