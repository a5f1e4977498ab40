"""A cell of a plan: one question with one model, one prompt, one repeat; and what is kept of it.

A cell's file is its transcript with the members ``cell`` and ``verdict`` beside it. The hash in it is of all that the
cell's session depends on, so that a plan that was changed runs again what it changed, and nothing else. What a right
answer is does not belong to it: answers that are there are graded again.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from urllib.parse import urlsplit, urlunsplit

from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text, compact
from open_llm_proxy.agent.plan import Choice, Plan, Prompt, Question
from open_llm_proxy.agent.settings import Settings

RAN = frozenset(("answered", "out_of_turns", "timeout"))


@dataclass(frozen=True)
class Cell:
    """One cell; ``repeat`` counts from 1."""

    plan: Plan
    question: Question
    choice: Choice
    prompt: Prompt
    repeat: int

    @property
    def name(self) -> str:
        """What its file and its path are named."""
        return f"{self.question.name}.{self.choice.name}.{self.prompt.name}.{self.repeat}"

    @property
    def origin(self) -> str:
        """Sent as ``Origin``; its path is the records' ``run_tag``."""
        return append_path(self.plan.origin, f"matrix/{self.plan.name}/{self.name}")

    @property
    def judge_origin(self) -> str:
        """The same of the call that judges its answer, apart from the cells' own."""
        return append_path(self.plan.origin, f"judge/{self.plan.name}/{self.name}")

    @cached_property
    def sha256(self) -> str:
        """Of all that its session depends on."""
        settings = asdict(self.settings(""))
        for name in ("api_key", "session_id", "client", "proxy_url"):
            del settings[name]
        told = [self.question.asks, self.prompt.text, self.prompt.mcp_prompt, self.plan.targets, self.repeat]
        return hashlib.sha256(compact([settings, *told]).encode(errors="replace")).hexdigest()

    def settings(self, session_id: str) -> Settings:
        """Its session's settings."""
        choice = self.choice
        return replace(
            self.plan.base,
            model=choice.model,
            origin=self.origin,
            session_id=session_id,
            temperature=choice.temperature,
            seed=choice.seed,
            enable_thinking=choice.enable_thinking,
        )

    def described(self, proxy_version: str | None) -> Object:
        """The member ``cell`` of its file."""
        names = {"question": self.question.name, "model": self.choice.name, "prompt": self.prompt.name}
        own = {"plan": self.plan.name, "name": self.name, **names, "repeat": self.repeat, "sha256": self.sha256}
        return own | {"run_tag": urlsplit(self.origin).path, "proxy_version": proxy_version}


def cells_of(plan: Plan) -> Iterator[Cell]:
    """A plan's cells, breadth first: a run that is cut short has tried everything before it repeats any."""
    for repeat in range(1, plan.repeats + 1):
        for question, choice, prompt in product(plan.questions, plan.choices, plan.prompts):
            yield Cell(plan, question, choice, prompt, repeat)


def append_path(origin: str, path: str) -> str:
    """An origin with more of a path, before whatever follows its path."""
    parts = urlsplit(origin)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path}"))


def was_run(saved: Object) -> bool:
    """Whether a cell's session came to an end of the model's making: an answer, none, or too late.

    A call that failed, or a tool server that is gone, says nothing of the model: such a cell is run again.
    """
    reason = as_text(as_object(saved.get("exit")).get("reason"))
    turns = as_list(saved.get("turns"))
    ended_silent = reason == "model_error" and bool(turns) and as_object(turns[-1]).get("error") is None
    return reason in RAN or ended_silent
