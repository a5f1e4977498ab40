import pytest

from open_llm_proxy.logs.condense.site import Site
from open_llm_proxy.logs.holdings import Holdings
from open_llm_proxy.logs.verify.unit import find_units

DAY = "2026-11-01"


@pytest.fixture
def site(folder, work):
    return Site(folder, work)


@pytest.fixture
def calls(corpus):
    return [
        corpus.request("a", corpus.stamp(DAY, 5)),
        corpus.response("a", corpus.stamp(DAY, 6)),
        corpus.prompt("f", corpus.stamp(DAY, 7)),
    ]


@pytest.fixture
def unit(folder):
    """The one day or month that there is."""

    def unit():
        (found,) = find_units(Holdings(folder.list()), DAY, DAY)
        return found

    return unit
