"""A part that is missing is skipped aloud, and fails where parts are required."""

from pathlib import Path

import pytest
from tests.parts import requirement
from tests.parts.requirement import parts_folder, require


@pytest.fixture(autouse=True)
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(requirement.FINDERS, "nothing", lambda: None)
    monkeypatch.delenv("REQUIRE_PARTS", raising=False)


def test_it_is_skipped_with_the_remedy():
    with pytest.raises(pytest.skip.Exception, match="nothing is not installed: make parts"):
        require("nothing")


def test_it_fails_where_parts_are_required(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUIRE_PARTS", "1")
    with pytest.raises(pytest.fail.Exception, match="make parts"):
        require("nothing")


def test_what_is_there_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(requirement.FINDERS, "something", lambda: Path("/x"))
    assert require("something") == Path("/x")


def test_the_folder_is_outside_the_repository(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPEN_LLM_PROXY_PARTS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert parts_folder() == Path("/cache/open-llm-proxy-parts")
    monkeypatch.setenv("OPEN_LLM_PROXY_PARTS", "/elsewhere")
    assert parts_folder() == Path("/elsewhere")
