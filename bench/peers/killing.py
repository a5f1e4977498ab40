"""SIGKILL to the whole tree under load: how many of the calls that clients had answered are still on record."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.bodies import PATH, make_request
from bench.machine import find_port
from bench.peers.load import Answers, call_until_broken
from bench.peers.peer import KB, Peer, Place, Running, start
from bench.peers.result import Kill, Kills
from bench.peers.rows import Bench
from bench.peers.sink import run_sink
from bench.peers.tree import kill_tree
from bench.peers.upstream import Upstream
from bench.processes import RigError
from bench.streams import write_call

CONNECTIONS = 8
_STILL_S = 15  # a peer that was started anew ships nothing new for so long, and nothing more is awaited
_LONGEST_S = 120


def kill_once(bench: Bench, peer: Peer, rng: random.Random) -> Kill:
    """Load, SIGKILL, and the count."""
    record = peer.record
    assert record.name_call is not None
    request = make_request(KB)
    with ExitStack() as stack:
        folder = stack.enter_context(bench.make_folder())
        upstream = Upstream(bench.program, folder)
        stack.enter_context(upstream.play())
        place = Place(folder, find_port(), upstream, stack.enter_context(run_sink(folder)))
        with start(peer, place, bench.cores) as running:

            def write(number: int) -> bytes:
                return write_call(request, running.headers, f"{PATH}?call={number}")

            seconds = rng.uniform(*record.load_s)
            answers = call_until_broken(
                running.port, write, CONNECTIONS, seconds=seconds, end=lambda: kill_tree(running.root)
            )
        answered = name_answers(peer, answers)
        with found_again(bench, peer, running) as after:
            kept = count_kept(peer, after, answered)
    return Kill(len(answered), kept)


def name_answers(peer: Peer, answers: Answers) -> set[str]:
    """The ids of the calls that clients had whole.

    Raises:
        RigError: there are none, or one bears no id.
    """
    assert peer.record.name_call is not None
    names = {peer.record.name_call(number, head) for number, head in answers.heads.items()}
    if not names or "" in names or len(names) != len(answers.heads):
        raise RigError(f"{len(answers.heads)} answers bear {len(names)} ids")
    return names


@contextmanager
def found_again(bench: Bench, peer: Peer, running: Running) -> Iterator[Running]:
    """The peer started anew in the same folder, if that brings out more; else what it left."""
    if not peer.record.restarts:
        yield running
        return
    place = running.place
    with start(peer, Place(place.folder, find_port(), place.upstream, place.sink), bench.cores) as again:
        yield again


def count_kept(peer: Peer, running: Running, answered: set[str]) -> int:
    """How many of the answered calls are on record, once nothing more comes."""
    assert peer.record.find_ids is not None
    end = time.monotonic() + _LONGEST_S
    kept, since = -1, time.monotonic()
    while kept < len(answered) and time.monotonic() < end:
        now = len(answered & peer.record.find_ids(running))
        if now != kept:
            kept, since = now, time.monotonic()
        elif time.monotonic() - since > (_STILL_S if peer.record.restarts else 1):
            break
        time.sleep(0.25)
    return kept


def kill_peer(bench: Bench, peer: Peer) -> Kills:
    """All kills of one peer."""
    record = peer.record
    kills = Kills(peer.name, record.what, record.bodies, record.restarts, CONNECTIONS)
    if peer.absent or record.find_ids is None:
        kills.reason = "not run here" if peer.absent else "it keeps no record of a call"
        return kills
    rng = random.Random(peer.name)
    try:
        kills.rounds.extend(kill_once(bench, peer, rng) for _ in range(bench.plan.kills))
    except (RigError, OSError, TimeoutError) as error:
        kills.reason = f"failed: {type(error).__name__}: {error}"[:300]
    return kills
