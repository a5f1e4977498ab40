import resource
import sys

import pytest

from open_llm_proxy.serve.core_files import forbid_core_files

ROOM = 1 if sys.platform == "linux" else 0  # bytes


@pytest.fixture(autouse=True)
def put_back():
    before = resource.getrlimit(resource.RLIMIT_CORE)
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def test_the_soft_limit_leaves_no_room_and_the_hard_one_stays():
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    forbid_core_files()
    assert resource.getrlimit(resource.RLIMIT_CORE) == (
        ROOM if hard == resource.RLIM_INFINITY else min(ROOM, hard),
        hard,
    )


@pytest.mark.parametrize("hard", [0, 1 << 20])
def test_the_soft_limit_is_never_above_the_hard_one(monkeypatch, hard):
    told = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (hard, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: told.append(limits))
    forbid_core_files()
    monkeypatch.undo()
    assert told == [(min(ROOM, hard), hard)]
