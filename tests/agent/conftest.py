"""A model and tools with a script, for what the loop does with their answers."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.cell import Cell
from open_llm_proxy.agent.events import Event, ignore
from open_llm_proxy.agent.exits import Exit
from open_llm_proxy.agent.loop import Session, ToolAnswer
from open_llm_proxy.agent.model import Completion
from open_llm_proxy.agent.plan import Plan
from open_llm_proxy.agent.plan_file import read_plan
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Transcript, Turn


def tool(name: str, **parameters: Any) -> dict[str, Any]:
    """A tool as it is offered."""
    return {
        "type": "function",
        "function": {"name": name, "description": "", "parameters": {"type": "object", "properties": parameters}},
    }


def call(name: str, arguments: Any = "{}", identity: Any = None) -> dict[str, Any]:
    """A tool call as a model writes it."""
    return {
        "id": identity or f"call_{name}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def says(content: Any = None, *calls: dict[str, Any], **message: Any) -> Completion:
    """An answer of the model."""
    answer = {"role": "assistant", "content": content, **message} | ({"tool_calls": list(calls)} if calls else {})
    choice = {"index": 0, "message": answer, "finish_reason": "tool_calls" if calls else "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return Completion({"model": "upstream-m", "choices": [choice], "usage": usage}, "the-request-id", 7)


class FakeModel:
    """Answers as scripted and keeps what it was sent, as it was at that moment."""

    def __init__(self, *answers: Completion | BaseException) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []

    async def complete(self, body: dict[str, Any], on_event: Callable[[Event], None] = ignore) -> Completion:
        self.bodies.append(body | {"messages": list(body["messages"])})
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class FakeTools:
    """Tools that are functions of their arguments; what they raise goes through."""

    def __init__(self, **functions: Callable[[dict[str, Any]], Any]) -> None:
        self.functions = functions
        self.tools = [tool(name) for name in functions]
        self.called: list[tuple[str, dict[str, Any]]] = []

    async def call(self, name: str, arguments: dict[str, Any]) -> ToolAnswer:
        self.called.append((name, arguments))
        given = self.functions[name](arguments)
        if asyncio.iscoroutine(given):
            given = await given
        return given if isinstance(given, ToolAnswer) else ToolAnswer(given)


@pytest.fixture
def settings() -> Settings:
    return Settings(proxy_url="http://proxy.invalid/v1", model="m", session_id="the-session")


@pytest.fixture
def make_session(settings: Settings) -> Callable[..., Session]:
    def make(model: FakeModel, tools: FakeTools | None = None, **more: Any) -> Session:
        return Session(more.pop("settings", settings), model, tools or FakeTools(), **more)

    return make


PLAN: dict[str, Any] = {
    "name": "parks",
    "origin": "https://parks.example.org",
    "models": ["one", "two"],
    "prompts": [{"name": "plain"}, {"name": "brief", "text": "Be brief"}],
    "questions": [
        {"name": "count", "ask": "How many?", "gold": {"numeric": 42}},
        {"name": "open", "ask": ["Which?", "And then?"]},
    ],
}


@pytest.fixture
def make_plan(tmp_path: Path) -> Callable[..., Plan]:
    """A plan of ``PLAN`` with other members; None takes one out."""

    def make(**changed: Any) -> Plan:
        problems: list[str] = []
        members = {key: value for key, value in (PLAN | changed).items() if value is not None}
        plan = read_plan(members, tmp_path, "plan", problems)
        assert problems == []
        return plan

    return make


def keep(cell: Cell, answer: str | None = "42", how: Exit = exits.ANSWERED, **more: Any) -> dict[str, Any]:
    """What is kept of a cell that was run, with a tool call on the way."""
    transcript = Transcript(cell.settings(f"session-{cell.name}"), system_prompt=cell.prompt.text)
    transcript.questions = list(cell.question.asks)
    transcript.tools = [tool("query")]
    asked = ToolCall("call_1", "query", '{"sql": "SELECT 42"}', result=ToolResult("| 42 |"))
    usage = {"prompt_tokens": 30, "completion_tokens": 20, "total_tokens": 50, "cost": 0.25}
    transcript.turns = [
        Turn(1, latency_ms=100, tool_calls=[asked], upstream_model="up-m", usage=usage),
        Turn(2, latency_ms=200, content=answer, upstream_model="up-m", usage=usage),
    ]
    transcript.answer = answer
    transcript.end(how)
    return transcript.to_json() | {"cell": cell.described("1.2.3"), "verdict": None} | more
