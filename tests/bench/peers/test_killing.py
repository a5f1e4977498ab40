from dataclasses import replace
from pathlib import Path

import pytest

from bench.peers import killing
from bench.peers.load import Answers
from bench.peers.peer import Peer, Place, Record, Running
from bench.peers.peers import BIFROST, KILLED, PORTKEY
from bench.peers.proxies import NGINX
from bench.peers.upstream import Upstream
from bench.processes import RigError


def keeping(ids: set[str]) -> Peer:
    record = Record(what="a log", bodies="no", name_call=lambda _, head: head.decode(), find_ids=lambda _running: ids)
    return replace(NGINX, record=record)


def test_each_answer_bears_its_name():
    assert killing.name_answers(NGINX, Answers({3: b"", 5: b""})) == {"3", "5"}
    assert killing.name_answers(keeping(set()), Answers({1: b"a", 2: b"b"})) == {"a", "b"}


@pytest.mark.parametrize("heads", [{}, {1: b""}, {1: b"a", 2: b"a"}])
def test_answers_that_cannot_be_told_apart_are_an_error(heads: dict[int, bytes]):
    with pytest.raises(RigError, match="bear"):
        killing.name_answers(keeping(set()), Answers(heads))


def test_only_answered_calls_count_as_kept(tmp_path: Path):
    running = Running(Place(tmp_path, 1, Upstream(tmp_path / "provider", tmp_path)), 0, 0, {})
    assert killing.count_kept(keeping({"a", "b", "in flight"}), running, {"a", "b"}) == 2
    assert killing.count_kept(keeping({"a"}), running, {"a", "b"}) == 1


@pytest.mark.parametrize(("peer", "reason"), [(PORTKEY, "keeps no record"), (BIFROST, "not run here")])
def test_without_a_record_nothing_is_killed(peer: Peer, reason: str):
    kills = killing.kill_peer(None, peer)
    assert reason in kills.reason
    assert kills.rounds == []


def test_names_of_peers_are_their_own():
    assert len({peer.name for peer in KILLED}) == len(KILLED)
