"""A rolling update as the Deployment does it, with real processes: a pod leaves the Service, gets SIGTERM, serves what it
has, ends with 0, and its successor joins; first one, then the other. Meanwhile 200 streams run, and new calls come."""

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from tests.parts import answers
from tests.parts.balancer import Balancer, run_balancer
from tests.parts.model_upstream import Hold, ModelUpstream, run_upstream
from tests.parts.processes import wait_until
from tests.parts.proxy import KEY, Proxy, provider, run_proxy

STREAMS = 200
CALLS = 40  # new ones while a pod drains
PIECES = ("Hello", ", ", "world")
DRAIN_S = "60"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Streams:
    """Clients with a stream each, and no retries: an error that a client could see is one."""

    def __init__(self, url: str, client: AsyncOpenAI) -> None:
        self.client = client.with_options(base_url=f"{url}/v1")
        self.begun = 0

    async def stream(self, number: int) -> str:
        messages = [{"role": "user", "content": f"stream {number}"}]
        got = ""
        begun = False
        async for chunk in await self.client.chat.completions.create(model="m", messages=messages, stream=True):
            if not begun:
                begun = True
                self.begun += 1
            got += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        return got

    async def call(self, number: int) -> str | None:
        messages = [{"role": "user", "content": f"call {number}"}]
        answer = await self.client.chat.completions.create(model="m", messages=messages)
        return answer.choices[0].message.content


def hold_streams(upstream: ModelUpstream, until: threading.Event) -> None:
    """Streams stop in the middle until told; other calls are answered at once."""
    head, first, *rest = answers.stream(answers.chat_events(*({"content": piece} for piece in PIECES)))

    def script(seen):
        if not seen.json().get("stream"):
            return [answers.answer(answers.dump(answers.chat("".join(PIECES))))]
        return [head + first, Hold(until), *rest]

    upstream.ordinarily = script


class Rollout:
    """Two pods behind one address."""

    def __init__(self, folder: Path, upstream: ModelUpstream, balancer: Balancer, stack: contextlib.ExitStack) -> None:
        self.folder, self.upstream, self.balancer, self.stack = folder, upstream, balancer, stack
        self.pods: list[Proxy] = []

    def start_pod(self) -> Proxy:
        folder = self.folder / f"pod-{len(self.pods)}"
        pod = run_proxy(folder, provider(self.upstream.endpoint), env={"DRAIN_SECONDS": DRAIN_S})
        self.pods.append(self.stack.enter_context(pod))
        self.balancer.rotation = [*self.balancer.rotation, self.pods[-1].port]
        return self.pods[-1]

    def leave_rotation(self, pod: Proxy) -> None:
        """What preStop gives the time for."""
        self.balancer.rotation = [port for port in self.balancer.rotation if port != pod.port]

    async def replace(self, pod: Proxy, streams: Streams, until: threading.Event) -> tuple[list[str], list[str | None]]:
        """One step of the update, in the middle of streams; what clients got."""
        before = streams.begun
        running = [asyncio.create_task(streams.stream(number)) for number in range(STREAMS)]
        while streams.begun < before + STREAMS:
            await asyncio.sleep(0.02)
            failed = [task for task in running if task.done()]
            assert not failed, failed
        self.start_pod()  # maxSurge 1, maxUnavailable 0: the new one is ready before an old one goes
        self.leave_rotation(pod)
        pod.program.process.terminate()
        await asyncio.to_thread(wait_until, lambda: "SIGTERM" in pod.program.stderr, "the drain")
        fresh = await asyncio.gather(*(streams.call(number) for number in range(CALLS)))
        until.set()
        return await asyncio.gather(*running), fresh


async def roll(rollout: Rollout, upstream: ModelUpstream) -> None:
    first, second = rollout.start_pod(), rollout.start_pod()
    async with AsyncOpenAI(api_key=KEY, base_url="http://unset", max_retries=0, timeout=120) as client:
        streams = Streams(rollout.balancer.url, client)
        for pod in (first, second):
            until = threading.Event()
            hold_streams(upstream, until)
            whole, fresh = await rollout.replace(pod, streams, until)
            assert whole == ["".join(PIECES)] * STREAMS
            assert fresh == ["".join(PIECES)] * CALLS
            assert await asyncio.to_thread(pod.program.process.wait, 30) == 0, pod.program.stderr


def test_no_client_sees_an_error_and_no_record_is_lost(tmp_path):
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(run_upstream())
        balancer = stack.enter_context(run_balancer())
        rollout = Rollout(tmp_path, upstream, balancer, stack)
        asyncio.run(roll(rollout, upstream))
        first, second, *left = rollout.pods
        total = 2 * 2 * (STREAMS + CALLS)
        wait_until(lambda: sum(len(pod.records()) for pod in rollout.pods) >= total, "all records")
        records = [record for pod in rollout.pods for record in pod.records()]
        assert len(records) == total
        assert [record for record in records if record.get("error")] == []
        assert all(pod.records() for pod in (first, second)), "both took part"
        assert all(pod.records() for pod in left), "so did their successors"
