import pytest
from tests.logs.condense import corpus as corpus_module

from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.condense.site import Site
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.holdings import Holdings
from open_llm_proxy.logs.verify.unit import find_units

DAY = "2026-11-01"


@pytest.fixture(scope="session")
def corpus():
    return corpus_module


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "logs")


@pytest.fixture
def work(tmp_path):
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def site(folder, work):
    return Site(folder, work)


@pytest.fixture
def press(folder, work):
    with Press(folder, work) as made:
        yield made


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
