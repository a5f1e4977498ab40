"""A model judges an answer, through the proxy: one call, whose prompt and reply are kept as a transcript of its own."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Final

from open_llm_proxy.agent.cell import Cell
from open_llm_proxy.agent.gold import NO_ANSWER, json_in
from open_llm_proxy.agent.jsonvalues import Object, as_object, as_text, compact
from open_llm_proxy.agent.loop import NoTools, run
from open_llm_proxy.agent.plan import Judge
from open_llm_proxy.agent.settings import Settings, fresh_session_id
from open_llm_proxy.agent.transcript import Transcript

REASON_CHARACTERS: Final = 500


def case_of(cell: Cell, answer: str) -> str:
    """What the judge is asked: JSON, so that nothing in the answer can end it."""
    assert cell.question.gold is not None
    asks = cell.question.asks
    question = asks[0] if len(asks) == 1 else list(asks)
    case = {"question": question, "criterion": cell.question.gold.wanted, "answer": answer}
    return json.dumps(case, ensure_ascii=False, indent=2)


def case_sha256(judge: Judge, case: str) -> str:
    """Of all that the judge's reply depends on: an answer is judged once."""
    told = [judge.model, judge.prompt, judge.temperature, case]
    return hashlib.sha256(compact(told).encode(errors="replace")).hexdigest()


async def judge_answer(cell: Cell, judge: Judge, settings: Settings, answer: str | None, path: Path) -> Object:
    """The member ``verdict`` of a cell's file; its ``passed`` is None where the judge gave no verdict.

    Args:
        cell: The cell.
        judge: Who judges.
        settings: The cell's; the call has a session id and a tag of its own.
        answer: What is judged; without one, nobody is asked.
        path: Where the judge's transcript goes.
    """
    if not answer:
        return verdict(cell, passed=False, reason=NO_ANSWER)
    case = case_of(cell, answer)
    asked = replace(
        settings,
        model=judge.model,
        origin=cell.judge_origin,
        session_id=fresh_session_id(),
        temperature=judge.temperature,
        seed=None,
        enable_thinking=None,
        stream=False,
    )
    transcript = await run(case, asked, NoTools(), system_prompt=judge.prompt)
    transcript.save(path)
    passed, reason = read_reply(transcript)
    turn = transcript.turns[-1] if transcript.turns else None
    by = {
        "model": judge.model,
        "upstream_model": turn.upstream_model if turn else None,
        "prompt_sha256": transcript.system_sha256,
        "case_sha256": case_sha256(judge, case),
        "session_id": asked.session_id,
        "request_id": turn.request_id if turn else None,
        "cost": transcript.usage.cost,
        "transcript": f"{path.parent.name}/{path.name}",
    }
    return verdict(cell, passed=passed, reason=reason) | {"judge": by}


def read_reply(transcript: Transcript) -> tuple[bool | None, str]:
    """What the judge said and why; None: nothing that is a verdict."""
    if not transcript.answer:
        return None, f"the judge gave no answer: {transcript.exit.message if transcript.exit else ''}"
    for value in reversed(list(json_in(transcript.answer))):
        said = as_object(value)
        if isinstance(passed := said.get("passed"), bool):
            return passed, as_text(said.get("reason"))[:REASON_CHARACTERS] or "no reason given"
    return None, f"the judge gave no verdict: {transcript.answer[:REASON_CHARACTERS]}"


def verdict(cell: Cell, *, passed: bool | None, reason: str) -> Object:
    """The member ``verdict`` of a cell's file."""
    gold = cell.question.gold
    assert gold is not None
    return {"passed": passed, "kind": gold.kind, "wanted": gold.text, "reason": reason}


def judged_already(cell: Cell, judge: Judge, saved: Object) -> Object | None:
    """The verdict that a cell's file has, if it is the judge's on this answer by this criterion."""
    given = as_object(saved.get("verdict"))
    answer = as_text(saved.get("answer"))
    sha256 = as_object(given.get("judge")).get("case_sha256")
    if not answer or given.get("passed") is None or sha256 != case_sha256(judge, case_of(cell, answer)):
        return None
    return given
