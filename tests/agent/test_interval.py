import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.interval import share


@pytest.mark.parametrize(  # the score interval's values as textbooks have them (R: prop.test(correct = FALSE))
    ("passed", "counted", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (1, 2, 0.0945, 0.9055), (50, 100, 0.4038, 0.5962), (0, 10, 0.0, 0.2775)],
)
def test_known_values(passed, counted, low, high):
    found = share(passed, counted)
    assert found.rate == passed / counted
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_says_nothing():
    assert share(0, 0) == (0, 0, 0.0, 1.0)
    assert share(0, 0).rate is None


@given(st.integers(1, 10_000).flatmap(lambda counted: st.tuples(st.integers(0, counted), st.just(counted))))
def test_the_share_lies_in_its_interval_and_the_interval_mirrors(counts):
    passed, counted = counts
    found, mirrored = share(passed, counted), share(counted - passed, counted)
    assert 0 <= found.low <= found.rate <= found.high <= 1
    assert found.low == pytest.approx(1 - mirrored.high, abs=1e-9)
