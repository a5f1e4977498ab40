"""Clients that call without a pause, plain and streamed, and note each answer that they got whole."""

import http.client
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.parts import answers
from tests.parts.model_upstream import Pause, Script
from tests.parts.proxy import KEY

if TYPE_CHECKING:
    from tests.parts.model_upstream import Seen

SLOW_MODEL: Final = "slow"
MODEL: Final = "m"
RETRY_S: Final = 0.02


class Whole(NamedTuple):
    """An answer that came to its end."""

    request_id: str
    question: str
    content: str


def answer_with_question(seen: "Seen") -> Script:
    """A provider whose answers show which question they belong to; the slow model's take a while in two places."""
    body = seen.json()
    pause = Pause(0.3 if body["model"] == SLOW_MODEL else 0)
    text = f"answer to {body['messages'][-1]['content'][:80]}"
    if not body.get("stream"):
        return [pause, answers.answer(answers.dump(answers.chat(text)))]
    head, *pieces = answers.stream(
        answers.chat_events({"role": "assistant"}, {"content": text[:6]}, {"content": text[6:]})
    )
    return [pause, head + pieces[0], pause, *pieces[1:]]


class Load:
    """``clients`` threads that call the port; while nobody listens there they try again.

    ``filling``: a question may be so many characters longer. ``pause_s``: between two calls, on average. ``whole`` has
    the answers that came to their end, ``broken`` counts the others.
    """

    def __init__(
        self, port: int, *, clients: int = 6, seed: object = None, filling: int = 0, pause_s: float = 0
    ) -> None:
        self._port = port
        self._filling = "x" * filling
        self._pause_s = pause_s
        self._stop = threading.Event()
        self.whole: list[Whole] = []
        self.broken = 0
        self.failures: list[str] = []
        models = [SLOW_MODEL, *[MODEL] * (clients - 1)]
        self._threads = [
            threading.Thread(target=self._run, args=(number, model, random.Random(f"{seed}-{number}")), daemon=True)
            for number, model in enumerate(models)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, number: int, model: str, rng: random.Random) -> None:
        count = 0
        connection = self._connect()
        while not self._stop.is_set():
            count += 1
            question = f"question {number}-{count} {self._filling[: rng.randint(0, len(self._filling))]}"
            try:
                self._call(connection, question, model, stream=rng.random() < 0.5)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                connection.close()
                connection = self._connect()
                self._stop.wait(RETRY_S)
            if self._pause_s:
                self._stop.wait(rng.uniform(0, 2 * self._pause_s))
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)

    def _call(self, connection: http.client.HTTPConnection, question: str, model: str, *, stream: bool) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": question}], "stream": stream}
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        data = response.read()
        if response.status != 200:
            self.failures.append(f"{response.status} {data[:200]!r}")
            return
        content = _streamed(data) if stream else json.loads(data)["choices"][0]["message"]["content"]
        if content is None:
            self.broken += 1
        else:
            self.whole.append(Whole(response.headers["x-llm-request-id"], question, content))


def _streamed(data: bytes) -> str | None:
    """The content of an event stream; None: it ended with an error."""
    events = [event.removeprefix(b"data: ") for event in data.split(b"\n\n") if event]
    if events[-1] != b"[DONE]":
        return None
    chunks: list[dict[str, Any]] = [json.loads(event) for event in events[:-1]]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


@contextmanager
def run_load(port: int, **more: Any) -> Iterator[Load]:
    """Load for as long as the block takes."""
    load = Load(port, **more)
    load.start()
    try:
        yield load
    finally:
        load.stop()


def more_answers(load: Load, count: int) -> Callable[[], bool]:
    """A condition: so many more whole answers than now."""
    wanted = len(load.whole) + count
    return lambda: len(load.whole) >= wanted
