"""A soak's whole stage: provider, store, a proxy with two workers, those who call it, what disturbs and what watches it."""

import asyncio
import random
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from tests.parts.bucket import Bucket
from tests.parts.load import Load, run_load
from tests.parts.model_upstream import run_upstream
from tests.parts.ports import free_port
from tests.parts.processes import wait_until
from tests.parts.proxy import Proxy, run_proxy
from tests.parts.s3_server import run_s3_server
from tests.soak.faults import Faults, Settings
from tests.soak.kinds import KINDS, NODE, NODE_KEY, NODE_NAME
from tests.soak.person import Person
from tests.soak.provider import answer_somehow
from tests.soak.said import Said
from tests.soak.watch import Watch, descriptors_of, processes_of

PEOPLE: Final = 10
PAUSE_S: Final = 0.3
NODE_PAUSE_S: Final = 25.0
LOAD_CLIENTS: Final = 4
LOAD_PAUSE_S: Final = 0.06
FAULT_EVERY_S: Final = 6.0
EARLY: Final = 0.2
EARLY_S: Final = 60.0
"""The part of the time in which anything is killed, and the most of it."""
REST_S: Final = 60.0
QUIET_S: Final = 1.0
"""What is counted has not changed for so long: the recorder looks ten times as often."""
WAITING: Final = ("spool_waiting_frames", "outbox_files", "oldest_unshipped_seconds")


class Forgetful(list[Any]):
    """Takes what is added, and keeps none of it: half a million requests are more than a test wants."""

    def append(self, _: Any) -> None:
        return


class Stage:
    """All that a soak needs, running."""

    def __init__(self, proxy: Proxy, bucket: Bucket, faults: Faults, metrics_port: int, rng: random.Random) -> None:
        self.proxy, self.bucket, self.faults = proxy, bucket, faults
        self.said: list[Said] = []
        self.load: Load
        self.watch = Watch(proxy.program, self.calls)
        self._metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self._rng = rng
        self._people = 0

    def metric(self, name: str) -> int:
        """A counter, summed over its labels."""
        with urllib.request.urlopen(self._metrics_url, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        start = f"open_llm_proxy_{name}"
        return sum(
            int(float(line.rpartition(" ")[2])) for line in lines if line.startswith((f"{start} ", f"{start}{{"))
        )

    def calls(self) -> int:
        return self.metric("calls_total")

    def run(self, traffic_s: float) -> None:
        """Mixed traffic for so long, disturbed until shortly before its end."""
        with (
            self.watch.watching(),
            run_load(self.proxy.port, clients=LOAD_CLIENTS, filling=2000, pause_s=LOAD_PAUSE_S) as self.load,
            self.faults.happening(min(EARLY_S, traffic_s * EARLY), FAULT_EVERY_S),
        ):
            self.call(traffic_s)
        self.call(1)  # after the last fault

    def call(self, traffic_s: float) -> None:
        """The people's traffic alone."""
        asyncio.run(self._gather(traffic_s))

    async def _gather(self, traffic_s: float) -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().call_later(traffic_s, ended.set)
        people = [self._person().live(KINDS, ended, PAUSE_S) for _ in range(PEOPLE)]
        await asyncio.gather(*people, self._person().live(NODE, ended, NODE_PAUSE_S))

    def _person(self) -> Person:
        self._people += 1
        return Person(f"p{self._people}", self.proxy.url, self.said, random.Random(self._rng.random()))

    # --- at rest -------------------------------------------------------------------------------------------------

    def rest(self) -> dict[str, Any]:
        """Wait until nobody is connected and every record is in the store; ``/health``'s part about the log side."""
        found: dict[str, Any] = {}
        since_s = time.monotonic()

        def at_rest() -> bool:
            nonlocal since_s
            before = dict(found)
            found.update(self.proxy.health()["logging"]["records"])
            if found != before:
                since_s = time.monotonic()
            return time.monotonic() - since_s > QUIET_S and not any(map(self.metric, WAITING))

        wait_until(at_rest, "every record in the store", REST_S)
        gauges = ("in_flight_calls", "client_connections", "upstream_idle_connections", "buffered_bytes")
        wait_until(lambda: not any(map(self.metric, gauges)), "a proxy without connections", REST_S)
        return self.proxy.health()["logging"]

    def descriptors(self) -> dict[str, Counter[str]]:
        """What each process holds at rest, by its name; files of the spool apart: they come and go."""
        return {process.name: self._lasting(process.pid) for process in processes_of(self.proxy.program)}

    def _lasting(self, pid: int) -> Counter[str]:
        spool = str(self.proxy.spool_dir)
        return Counter({kind: n for kind, n in descriptors_of(pid).items() if not kind.startswith(spool)})


@contextmanager
def run_stage(folder: Path, seed: str) -> Iterator[Stage]:
    """A stage for as long as the block takes."""
    rng = random.Random(seed)
    with ExitStack() as stack:
        upstream = stack.enter_context(run_upstream())
        upstream.ordinarily = answer_somehow
        upstream.seen = Forgetful()
        nobody = stack.enter_context(socket.socket())
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        store_folder = folder / "store"
        store_folder.mkdir(parents=True)
        store = stack.enter_context(run_s3_server(store_folder))
        bucket = store.bucket()
        settings = Settings(upstream.endpoint, f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/chat/completions")
        port = free_port()
        env = bucket.environment() | {
            "METRICS_PORT": str(port),
            "FLUSH_INTERVAL": "2",
            "PROXY_KEYS_EXTRA": f"{NODE_NAME}={NODE_KEY}",
        }
        proxy = stack.enter_context(run_proxy(folder / "proxy", settings.next(), env=env))
        yield Stage(proxy, bucket, Faults(proxy, settings, store.pid, rng), port, rng)
