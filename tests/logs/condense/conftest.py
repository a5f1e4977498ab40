import pytest
from tests.logs.condense import corpus as corpus_module

from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.folder import Folder


@pytest.fixture(scope="session")
def corpus():
    """Records, chunk files and what condensing them has to give."""
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
def press(folder, work):
    with Press(folder, work) as made:
        yield made
