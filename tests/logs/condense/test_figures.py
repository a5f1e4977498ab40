import pytest

from open_llm_proxy.logs.condense.figures import CondenseError, Figures

GOOD = Figures(3, 1, 2, 99)


def test_what_is_the_same_passes():
    GOOD.check(Figures(3, 1, 2, 99), "x")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Figures(2, 1, 1, 99), "x holds 2 records, 1 requests, 1 responses, its source 3, 1 and 2"),
        (Figures(3, 1, 2, 98), "x holds other records than its source"),
    ],
)
def test_what_differs_is_told(found, told):
    with pytest.raises(CondenseError, match=told):
        found.check(GOOD, "x")
