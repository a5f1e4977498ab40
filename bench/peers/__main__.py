"""``python -m bench.peers``: measure the proxy and its peers in one run, and put tables and plot into the documents."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.certificates import Certificates
from bench.peers import page
from bench.peers.killing import kill_peer
from bench.peers.peer import Peer
from bench.peers.peers import KILLED, MEASURED
from bench.peers.result import Measured, Result, find_last, read_result
from bench.peers.rows import Bench, Plan, measure_direct, measure_peer
from bench.processes import RigError
from bench.provider import build_provider

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="The proxy beside its peers.")
    parser.add_argument("--rounds", type=int, default=2, help="rounds (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2, help="seconds of each load (%(default)s)")
    parser.add_argument("--kills", type=int, default=3, help="SIGKILLs a peer (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="1 round, loads of 1 s, 1 kill: to see that all works")
    parser.add_argument("--only", help="some peers, by the beginnings of their names, parted by commas")
    parser.add_argument(
        "--no-docs", action="store_true", help="leave docs/performance.md, README.md and the plot alone"
    )
    parser.add_argument(
        "--render", nargs="?", type=Path, const=RESULTS, help="measure nothing: take the newest result, or this file"
    )
    return parser.parse_args(arguments)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def choose(peers: Sequence[Peer], only: str | None) -> list[Peer]:
    """The peers that are asked for."""
    wanted = tuple(only.lower().split(",")) if only else ("",)
    return [peer for peer in peers if peer.name.lower().startswith(wanted)]


def describe(peer: Peer) -> Measured:
    """A peer's column, before anything is measured."""
    return Measured(
        name=peer.name,
        language=peer.language,
        version=peer.find_version(),
        source=peer.source,
        logging=peer.logging,
        key_check=peer.key_check,
        size_bytes=peer.measure_size(),
        absent=peer.absent,
        note=peer.note,
    )


def measure_all(bench: Bench, peers: Sequence[Peer], result: Result, file: Path) -> None:
    """Every peer once a round, in turning order; what is known so far is kept."""
    columns = {peer.name: describe(peer) for peer in peers}
    result.peers = list(columns.values())
    for number in range(bench.plan.rounds):
        running = [peer for peer in peers if not peer.absent and number < peer.most_rounds]
        measure_direct(bench, lambda reading, value: result.direct.setdefault(reading, []).append(value))
        turn = number % max(1, len(running))
        for peer in running[turn:] + running[:turn]:
            began = time.monotonic()
            measure_peer(bench, peer, columns[peer.name])
            result.write(file)
            say(f"round {number + 1}, {peer.name}: {time.monotonic() - began:.0f} s {columns[peer.name].reasons or ''}")


def kill_all(bench: Bench, peers: Sequence[Peer], result: Result, file: Path) -> None:
    """The kills of every peer."""
    for peer in peers:
        began = time.monotonic()
        kills = kill_peer(bench, peer)
        result.kills.append(kills)
        result.write(file)
        say(f"kills, {peer.name}: {time.monotonic() - began:.0f} s {kills.rounds} {kills.reason}")


def measure(options: argparse.Namespace) -> Result:
    """A whole run."""
    RESULTS.mkdir(exist_ok=True)
    cores = machine.Cores.share_out(os.sched_getaffinity(0))
    facts = machine.describe()
    machine.prepare(cores)
    plan = Plan(1, 1, 1) if options.quick else Plan(options.rounds, options.seconds, options.kills)
    began = datetime.now(UTC)
    result = Result(began.isoformat(timespec="seconds"), facts, str(plan), "make bench-peers")
    file = RESULTS / f"peers-{began:%Y-%m-%dT%H-%M-%SZ}.json"
    with tempfile.TemporaryDirectory(prefix="run-", dir=RESULTS, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        bench = Bench(cores, folder, build_provider(folder), Certificates.make(folder), plan)
        measure_all(bench, choose(MEASURED, options.only), result, file)
        kill_all(bench, choose(KILLED, options.only), result, file)
    say(f"kept in {file}; {(datetime.now(UTC) - began).seconds} s")
    return result


def take_result(place: Path) -> Result:
    """A kept result: the file, or the newest of a folder.

    Raises:
        RigError: there is none.
    """
    file = find_last(place) if place.is_dir() else place
    if file is None:
        raise RigError(f"no result in {place}")
    return read_result(file)


def main(arguments: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    options = parse_arguments(arguments)
    try:
        result = take_result(options.render) if options.render else measure(options)
    except (RigError, ValueError, OSError) as error:
        say(f"bench.peers: {error}")
        return 2
    print(page.render_tables(result))
    if not options.no_docs and not options.only:
        page.put_in_documents(result, ROOT)
    return 1 if any("failed" in reason for peer in result.peers for reason in peer.reasons.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
