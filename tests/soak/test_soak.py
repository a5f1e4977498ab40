"""Mixed traffic for minutes on end, with every fault between: flat memory, no descriptor left, every record there once.

The figures are printed at the end (``pytest -s``, ``-rP``). ``SOAK_SEED`` chooses traffic and faults again.
"""

import logging
import os
import secrets
from collections import Counter

import pytest
from tests.parts.reckoning import reckon
from tests.parts.requirement import require
from tests.soak.kinds import KINDS, NODE, NODE_CALLS, NODE_NAME
from tests.soak.said import BROKEN, CAUSES, ERROR, LEFT, WHOLE, Books
from tests.soak.stage import run_stage
from tests.soak.table import print_table
from tests.soak.watch import growth_of, processes_of, unreaped

LOG = logging.getLogger(__name__)  # pytest shows it where a test fails
NAMES = ["recorder", "supervisor", "worker 1", "worker 2"]
SPARED = {"recorder", "supervisor", "worker 1"}
GOOD_ENDS = {
    **dict.fromkeys((*KINDS, *NODE), WHOLE),
    **dict.fromkeys(("left", "left early"), LEFT),
    **dict.fromkeys(("cut", "cut stream"), BROKEN),
    **dict.fromkeys(("provider's error", "reset", "silent", "unreachable", "wrong key"), ERROR),
    **dict.fromkeys(("no json", "no model", "bad method"), ERROR),
}
QUICK = ("left early", WHOLE)
"""Its answer was there before its caller had lost patience."""
UNANSWERED = {502, 504}
"""What anybody may get from a machine that has not a moment's time."""


def soak(folder, traffic_s):
    require("openai for node")
    seed = os.environ.get("SOAK_SEED") or secrets.token_hex(4)
    LOG.warning("the same again: SOAK_SEED=%s", seed)
    with run_stage(folder, seed) as stage:
        stage.call(3)
        stage.rest()
        before = stage.descriptors()
        stage.run(traffic_s)
        growths = {name: growth_of(samples) for name, samples in stage.watch.long_lived().items() if name in SPARED}
        LOG.warning("%s", growths)
        health = stage.rest()
        after = stage.descriptors()
        books = Books(stage.bucket.records())
        print_table(seed, stage, books, growths, before, after)

        check_calls(stage, books)
        check_counts(stage, health, books)
        check_processes(stage, before, after)
        assert {name: growth for name, growth in growths.items() if growth.is_leak} == {}
        proxy = stage.proxy
    assert not proxy.program.running()
    left = [path for kind in ("frames/*", "outbox/**/*.*") for path in proxy.spool_dir.glob(kind)]
    assert left == [], "still in the spool"


def check_calls(stage, books):
    """What clients know is what the records say; each kind of call ended as it should, most times or always."""
    books.check(stage.said)
    ends = Counter((said.kind, said.end) for said in stage.said)
    odd = [said for said in stage.said if said.end != GOOD_ENDS[said.kind] and (said.kind, said.end) != QUICK]
    assert [kind for kind, good in GOOD_ENDS.items() if not ends[kind, good]] == []
    assert [said for said in odd if said.end != BROKEN and said.status not in UNANSWERED] == []
    assert len(odd) < len(stage.said) / 20, "only a kill, or such a machine, breaks a call off"

    load = stage.load
    assert [said for said in load.failures if int(said.partition(" ")[0]) not in UNANSWERED] == []
    assert len(load.failures) < len(load.whole) / 20
    records = [*books.requests.values(), *books.responses.values()]
    errors = reckon(load.whole, records)
    assert set(books.errors()) <= {"none", *CAUSES}, errors
    untagged = Counter(record["key"] for record in books.requests.values() if record["client_request_id"] is None)
    made = len(load.whole) + load.broken + len(load.failures)
    assert untagged["default"] <= made, "records of calls that nobody made"
    runs = ends["node", WHOLE] + ends["node", BROKEN]
    assert ends["node", WHOLE] * NODE_CALLS <= untagged[NODE_NAME] <= runs * NODE_CALLS


def check_counts(stage, health, books):
    """``/health`` and ``/metrics`` agree with the bucket, whoever was killed."""
    counts = health["records"]
    records = len(books.requests) + len(books.responses)
    assert counts["accepted"] == counts["spooled"] + counts["lost"]
    assert counts["lost"] == counts["unreadable"] == health["swallowed_exceptions"] == 0
    assert counts["recorded"] == records
    # A recorder that is killed as the store has just confirmed a file does not come to count that.
    uncounted = len(stage.bucket.list_keys()) - health["store"]["shipped_files"]
    assert 0 <= uncounted <= stage.faults.done["kill recorder"]
    assert counts["shipped"] == records if not uncounted else counts["shipped"] < records
    assert health["store"]["state"] == "ok"
    assert stage.calls() == len(books.requests)
    assert stage.metric("restarts_total") == stage.faults.kills > 0
    strangers = Counter(said.end for said in stage.said if said.kind in {"wrong key", *NODE})
    assert strangers.total() - strangers[BROKEN] <= stage.metric("unauthorized_total") <= strangers.total()
    configs = {record["config_sha256"] for record in books.requests.values()}
    assert 1 < len(configs) <= 1 + stage.faults.reloads


def check_processes(stage, before, after):
    """The same processes as at the start, none unreaped, and none with a descriptor more."""
    running = processes_of(stage.proxy.program)
    assert [process.name for process in running] == NAMES
    assert len(stage.proxy.program.running()) == len(NAMES)
    assert unreaped(stage.proxy.program.process.pid) == []
    assert {name: more for name, kinds in after.items() if (more := kinds - before[name])} == {}


# A client whose stream is broken off leaves its generators to the garbage collector, which may come as they run.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Exception ignored in. <async_generator:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.timeout(600)
def test_five_minutes(tmp_path):
    soak(tmp_path, float(os.environ.get("SOAK_S", "225")))


@pytest.mark.long
@pytest.mark.timeout(2700)
def test_half_an_hour(tmp_path):
    soak(tmp_path, 1800)
