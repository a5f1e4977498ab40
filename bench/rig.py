"""Rounds and samples: every side once a round, in turning order, and what it cost."""

import http.client
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench import accounts, wrk
from bench.bodies import HEADERS, PATH
from bench.certificates import Certificates
from bench.patience import QUIET, Patience
from bench.processes import RigError
from bench.profiler import profiling
from bench.provider import Counts, Provider
from bench.sides import Bay, Side

Result = TypeVar("Result")
Start = Callable[[], AbstractContextManager[Side]]
_REST_S = 0.3  # before wrk's end: it stops its connections one by one


@dataclass(frozen=True, slots=True)
class Sample:
    """What one side's worker did and cost within a window of steady load."""

    cpu_ns: int
    core_ns: int
    window_s: float
    counts: Counts

    def __sub__(self, other: "Sample") -> "Sample":
        return Sample(
            self.cpu_ns - other.cpu_ns,
            self.core_ns - other.core_ns,
            self.window_s - other.window_s,
            self.counts - other.counts,
        )

    @property
    def us_a_call(self) -> float:
        """CPU microseconds an answer."""
        return self.cpu_ns / 1000 / self.counts.answers

    @property
    def us_a_chunk(self) -> float:
        """CPU microseconds a transfer chunk."""
        return self.cpu_ns / 1000 / self.counts.chunks

    @property
    def calls_a_s(self) -> float:
        """Answers a second."""
        return self.counts.answers / self.window_s

    @property
    def chunks_a_s(self) -> float:
        """Transfer chunks a second."""
        return self.counts.chunks / self.window_s

    @property
    def busy(self) -> float:
        """The share of the window that the worker was on its core."""
        return self.cpu_ns / 1e9 / self.window_s

    @property
    def foreign(self) -> float:
        """The share of the window that others had its core: they spoil its caches, and so the figure."""
        return max(0.0, self.core_ns / 1e9 / self.window_s - self.busy)

    @property
    def handshakes_a_thousand(self) -> float:
        """New connections to the provider, a thousand answers."""
        return 1000 * self.counts.connections / self.counts.answers


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, and how often."""

    rounds: int
    seconds: float
    warm_s: float
    records: int = 1_000_000  # of the day that is condensed

    def give_load_s(self, answer_s: float) -> int:
        """What wrk is told, for answers that take so long: whole seconds."""
        return math.ceil(self.warm_s + answer_s + self.seconds)

    @property
    def window_s(self) -> float:
        """What is measured of it."""
        return self.seconds - _REST_S

    def __str__(self) -> str:
        return f"{self.rounds} rounds of {self.window_s:.1f} s"


@dataclass(frozen=True, slots=True)
class Rig:
    """Everything a row needs to be measured."""

    bay: Bay
    plan: Plan
    provider_program: Path
    certificates: Certificates
    patience: Patience
    profiles: Path | None = None  # a folder for the profiler's files

    def alternate(self, sides: Mapping[str, Start], measure: Callable[[Side], Result]) -> dict[str, list[Result]]:
        """Start, measure and end every side once a round; who is first changes with the round."""
        results: dict[str, list[Result]] = {name: [] for name in sides}
        names = list(sides)
        for number in range(self.plan.rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                results[name].append(self._measure_in_quiet(sides[name], measure))
        return results

    def _measure_in_quiet(self, start: Start, measure: Callable[[Side], Result]) -> Result:
        """Measure one side; again, while there is patience, if others had the core meanwhile."""
        while True:
            self.patience.wait_for_quiet()
            began = time.monotonic()
            with start() as side:
                foreign_ns, since = self._read_foreign_ns(side), time.monotonic()
                result = measure(side)
                share = (self._read_foreign_ns(side) - foreign_ns) / 1e9 / (time.monotonic() - since)
            if share < QUIET or self.patience.is_spent:
                return result
            self.patience.spend(time.monotonic() - began)

    def _read_foreign_ns(self, side: Side) -> int:
        core_ns = accounts.read_busy_ns(self.bay.cores.measured)
        return core_ns - (accounts.read_cpu_ns(side.worker) if side.worker else 0)

    def compare(self, provider: Provider, *, buffering: bool = True) -> dict[str, Start]:
        """The two sides of most rows."""
        return {
            "nginx": lambda: self.bay.start_nginx(provider, buffering=buffering),
            "proxy": lambda: self.bay.start_proxy(provider),
        }

    def sample(self, side: Side, provider: Provider, load: wrk.Load) -> Sample:
        """Check one answer, load the side, and read the accounts over a window after the warm-up.

        Raises:
            RigError: an answer was wrong, a call failed, or the proxy lost a record.
        """
        check_answer(side.port, load.request, provider)
        profiler = profiling(side.worker, self.plan.window_s, self.profiles) if side.name == "proxy" else nullcontext()
        with load.run(side.port, self.plan.give_load_s(load.answer_s)) as process:
            end = time.monotonic() + self.plan.warm_s + load.answer_s
            wrk.sleep_until(end)
            with profiler:
                before = self._read(side, provider)
                wrk.sleep_until(end + self.plan.window_s)
                sample = self._read(side, provider) - before
            wrk.finish(process)
        if side.recorder is not None:
            check_records(side)
        return sample

    def _read(self, side: Side, provider: Provider) -> Sample:
        core_ns = accounts.read_busy_ns(self.bay.cores.measured)
        return Sample(accounts.read_cpu_ns(side.worker), core_ns, time.monotonic(), provider.count())


def check_answer(port: int, request: bytes, provider: Provider) -> None:
    """Make one call and compare the answer with what the provider sent.

    Raises:
        RigError: it is another.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", PATH, request, HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 200 or body != provider.script.body:
        raise RigError(f"answered {answer.status}: {body[:500]!r}")


def check_records(side: Side) -> None:
    """See that the proxy did its whole work: a figure without the records would be none.

    Raises:
        RigError: records were lost, or there are none.
    """
    records = side.read_health()["records"]
    if records["lost"] or not records["spooled"]:
        raise RigError(f"records: {records}")
