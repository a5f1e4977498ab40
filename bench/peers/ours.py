"""The proxy itself, full-body records always on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from bench import accounts, sides
from bench.machine import Cores
from bench.peers.installed import measure_part, read_python_version
from bench.peers.peer import Launch, Peer, Place, Record, Running, settle_by_quiet
from bench.peers.tree import list_tree
from bench.processes import RigError, wait_until

NAME = "open-llm-proxy"
_SHIP_S = 180


def write_ours(place: Place) -> Launch:
    """As the rig beside nginx starts it; chunks are finished every 2 s, so that their cost is within a row."""
    file = place.folder / "config.json"
    file.write_text(json.dumps(sides.write_config(place.upstream)))
    env = sides.write_environment(place.folder) | {"FLUSH_INTERVAL": "2"}
    command = [*sides.find_command(), "serve", "--config", str(file), "--host", "127.0.0.1", "--port", str(place.port)]
    return Launch(command, env)


def find_role(running: Running, role: str) -> int | None:
    """The pid of a child by what it runs."""
    for pid in list_tree(running.root):
        try:
            if role in accounts.read_command(pid):
                return pid
        except OSError:
            continue
    return None


def find_recorder(running: Running) -> int | None:
    """The recorder's pid."""
    return find_role(running, sides.RECORDER)


def arrange(running: Running, cores: Cores) -> None:
    """The worker keeps the measured core; the recorder has what load and provider leave of the others."""
    wait_until(lambda: find_recorder(running) is not None, "the recorder", seconds=10)
    worker = find_role(running, sides.WORKER)
    for pid in running.list_processes():
        if pid != worker:
            accounts.pin(pid, set(cores.others))
    recorder = find_recorder(running)
    assert recorder is not None
    accounts.make_idle(recorder)


def read_counts(port: int) -> dict[str, int]:
    """The records' counters on ``/health``."""
    with urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
        return json.load(answer)["logging"]["records"]


def settle(running: Running) -> None:
    """Wait until every record is in its place.

    Raises:
        RigError: one was lost: a figure without the records would be none.
    """

    def is_shipped() -> bool:
        counts = read_counts(running.port)
        if counts["lost"]:
            raise RigError(f"records were lost: {counts}")
        return counts["shipped"] == counts["accepted"] > 0

    recorder = find_recorder(running)
    assert recorder is not None
    os.sched_setscheduler(recorder, os.SCHED_OTHER, os.sched_param(0))  # no load is waiting for its core now
    wait_until(is_shipped, "shipped records of all calls", seconds=_SHIP_S, every_s=0.1)
    settle_by_quiet(running)
    accounts.make_idle(recorder)


def name_call(_number: int, head: bytes) -> str:
    """The id that the answer carries."""
    _, found, rest = head.lower().partition(b"\r\nx-llm-request-id:")
    return rest.partition(b"\r\n")[0].strip().decode() if found else ""


def read_records(logs: Path) -> Iterator[dict[str, object]]:
    """All records in the chunk files."""
    for file in sorted(logs.glob("*/*.jsonl")):
        for line in file.read_bytes().splitlines():
            yield json.loads(line)


def find_ids(running: Running) -> set[str]:
    """The calls that have both records, the question and the whole answer among them, each exactly once.

    Raises:
        RigError: a record is there twice.
    """
    seen: dict[tuple[str, str], int] = {}
    for record in read_records(running.place.folder / "logs"):
        if record["type"] in {"request", "response"}:
            key = (str(record["type"]), str(record["request_id"]))
            seen[key] = seen.get(key, 0) + 1
    if doubled := [key for key, count in seen.items() if count > 1]:
        raise RigError(f"records that are there more than once: {doubled[:3]}")
    return {name for kind, name in seen if kind == "response" and ("request", name) in seen}


OURS = Peer(
    name=NAME,
    language="Python",
    source="this repository",
    write=write_ours,
    find_version=lambda: read_python_version(NAME, NAME),
    measure_size=lambda: measure_part(NAME),
    logging="two records a call with both bodies whole, scrubbed, in chunk files and on stdout",
    settle=settle,
    arrange=arrange,
    find_recorder=find_recorder,
    record=Record(what="two records a call", bodies="yes", name_call=name_call, find_ids=find_ids, restarts=True),
)
