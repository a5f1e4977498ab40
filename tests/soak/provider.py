"""How the soak's provider answers: by model, in each good and bad way that providers have."""

import gzip
import json
from typing import TYPE_CHECKING, Final

from tests.parts import answers
from tests.parts.load import answer_with_question
from tests.parts.model_upstream import Close, Cut, Pause, Script
from tests.parts.ordinary import answer_ordinarily

if TYPE_CHECKING:
    from tests.parts.model_upstream import Seen

LONG_PIECES: Final = 60
STEP: Final = Pause(0.02)
SILENCE: Final = Pause(30)
"""Longer than the soak's ``between_bytes_s``."""
HUGE_BYTES: Final = 400_000


def answer_somehow(seen: "Seen") -> Script:
    """The answer to one request. A good one tells the question, where there is one."""
    if seen.method == "GET" or not (seen.header("content-type") or "").startswith("application/json"):
        return answer_ordinarily(seen)
    body = seen.json()
    special = SPECIAL.get(body["model"])
    if special is not None:
        return special(seen)
    asks_for_a_tool = "tools" in body and body["messages"][-1]["role"] != "tool"
    if asks_for_a_tool or body["model"].startswith("error-") or not seen.target.endswith("/chat/completions"):
        return answer_ordinarily(seen)
    return answer_with_question(seen)


def _long(seen: "Seen") -> Script:
    deltas = [{"role": "assistant"}, *({"content": f"piece {number} "} for number in range(LONG_PIECES))]
    return [step for piece in answers.stream(answers.chat_events(*deltas)) for step in (STEP, piece)]


def _cut(seen: "Seen") -> Script:
    if not seen.json().get("stream"):
        whole = answers.answer(answers.dump(answers.chat("cut off here")))
        return [whole[:-20], STEP, Cut()]
    return [*answers.stream(answers.chat_events(*answers.CONTENT_DELTAS))[:3], STEP, Cut()]


def _huge(seen: "Seen") -> Script:
    return [answers.answer(answers.dump(answers.chat("h" * HUGE_BYTES)))]


def _compressed(seen: "Seen") -> Script:
    text = f"answer to {seen.json()['messages'][-1]['content'][:80]}"
    packed = gzip.compress(json.dumps(answers.chat(text)).encode())
    return [answers.answer(packed, headers={"content-encoding": "gzip"})]


SPECIAL: Final = {
    "long": _long,
    "cut": _cut,
    "huge": _huge,
    "compressed": _compressed,
    "reset": lambda _: [Cut()],
    "silent": lambda _: [SILENCE, Close()],
    "closes": lambda seen: [*answer_with_question(seen), Close()],
}
