"""The turn: first what belongs before the writes, then the writes, in order."""

import pytest

from open_llm_proxy.http1.flow import Turn


@pytest.fixture
def journal():
    return []


@pytest.fixture
def turn(loop, journal):
    return Turn(loop, lambda: journal.append("commit"), journal.append)


def test_writes_wait_for_the_commit_and_keep_their_order(loop, turn, journal):
    turn.write(journal.append, b"a")
    turn.write(journal.append, b"b")
    assert journal == []
    loop.run()
    assert journal == ["commit", b"a", b"b"]


def test_a_turn_commits_once(loop, turn, journal):
    turn.arm()
    turn.write(journal.append, b"a")
    turn.arm()
    loop.run()
    assert journal == ["commit", b"a"]
    loop.run()
    assert journal == ["commit", b"a"]


def test_each_turn_commits_anew(loop, turn, journal):
    for data in (b"a", b"b"):
        turn.write(journal.append, data)
        loop.run()
    assert journal == ["commit", b"a", "commit", b"b"]


def test_a_turn_may_have_nothing_to_write(loop, turn, journal):
    turn.arm()
    loop.run()
    assert journal == ["commit"]


def test_a_write_that_comes_up_in_a_write_has_a_commit_of_its_own(loop, turn, journal):
    def write(data):
        journal.append(data)
        turn.write(journal.append, b"second")

    turn.write(write, b"first")
    turn.write(journal.append, b"beside")
    loop.run()
    assert journal == ["commit", b"first", b"beside", "commit", b"second"]


def test_a_write_that_comes_up_in_the_commit_has_a_commit_of_its_own(loop, journal):
    def commit():
        journal.append("commit")
        if len(journal) == 1:
            turn.write(journal.append, b"late")

    turn = Turn(loop, commit, journal.append)
    turn.write(journal.append, b"a")
    loop.run()
    assert journal == ["commit", b"a", "commit", b"late"]


def test_a_write_that_fails_takes_no_other_along(loop, turn, journal):
    error = RuntimeError("a closed transport")

    def fail(_):
        raise error

    turn.write(journal.append, b"a")
    turn.write(fail, b"b")
    turn.write(journal.append, b"c")
    loop.run()
    assert journal == ["commit", b"a", error, b"c"]
    turn.write(journal.append, b"d")
    loop.run()
    assert journal[4:] == ["commit", b"d"]
