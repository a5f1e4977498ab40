"""A conversation with everything that can happen in one."""

import pytest
from msgspec.structs import replace

from open_llm_proxy.logs.weave import weave

HOSTILE = "</div><script>alert(1)</script>\x1b[31m ```"


@pytest.fixture
def conversation(tool_loop, tools):
    scribe = tool_loop
    scribe.ask("How many parks?", HOSTILE, count=9)
    scribe.answer(error=f"Provider returned 503: {HOSTILE}", status=503)
    scribe.ask("How many parks?", HOSTILE, count=9)
    scribe.answer(
        calls=[tools.call("c9", HOSTILE, **{HOSTILE: HOSTILE})],
        reasoning_content=HOSTILE,
        choices=[{}, {"content": "or this"}],
    )
    scribe.ask("How many parks?", HOSTILE, count=11, results=[tools.result("c9", HOSTILE)])
    scribe.ask("Another question", count=1, model="qwen3")
    scribe.answer("Another answer", finish_reason="length", ttft_ms=20)
    found = weave(scribe.records)
    return replace(found, wanted=found.turns[1].request_id)
