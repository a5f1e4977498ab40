"""Two sessions that were asked the same, side by side: answers, tool calls, figures. Values and no more."""

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from open_llm_proxy.agent.arguments import is_sql, read_arguments
from open_llm_proxy.agent.jsonvalues import Object, as_object
from open_llm_proxy.agent.original import Original
from open_llm_proxy.agent.recorded import canonical, key_of
from open_llm_proxy.agent.replay import Replay
from open_llm_proxy.agent.transcript import ToolCall, Turn

Difference = Literal["same", "changed", "only_original", "only_replay"]


@dataclass(frozen=True)
class Figures:
    """What turns used together. None: not known; ``cost`` in US dollars."""

    turns: int
    tool_calls: int
    failed_tool_calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None
    model_ms: int | None


@dataclass(frozen=True)
class ArgumentDiff:
    """An argument that differs: ``lines`` is a unified diff without its head."""

    name: str
    is_sql: bool
    lines: list[str]


@dataclass(frozen=True)
class CallPair:
    """A tool call of one, of the other, or of both."""

    difference: Difference
    original: ToolCall | None
    replay: ToolCall | None
    arguments: list[ArgumentDiff] = field(default_factory=list[ArgumentDiff])

    @property
    def name(self) -> str:
        """The tool's."""
        call = self.replay or self.original
        return call.name if call else ""


@dataclass(frozen=True)
class QuestionPair:
    """A question and what each made of it; None: the replay did not come to it."""

    text: str
    original_answer: str | None
    replay_answer: str | None
    original: Figures
    replay: Figures
    calls: list[CallPair]

    @property
    def is_same_answer(self) -> bool:
        """Whether the answers are the same, white space around them aside."""
        return (self.original_answer or "").strip() == (self.replay_answer or "").strip()

    @property
    def answer_diff(self) -> list[str]:
        """The answers' unified diff, without its head."""
        return _diff(self.original_answer or "", self.replay_answer or "")


@dataclass(frozen=True)
class Side:
    """A session as a whole."""

    session_id: str | None
    origin: str | None
    model: str | None
    upstream_models: list[str]
    system_sha256: str | None
    tools_sha256: str | None
    tool_names: list[str] | None
    figures: Figures
    temperature: float | None


@dataclass(frozen=True)
class Comparison:
    """Both sessions. ``exit``: how the replay ended."""

    original: Side
    replay: Side
    questions: list[QuestionPair]
    missing: list[tuple[str, str]]
    notes: list[str]
    exit: Object

    @property
    def is_same(self) -> bool:
        """Whether each answer and each tool call is the same."""
        return all(
            one.is_same_answer and all(call.difference == "same" for call in one.calls) for one in self.questions
        )

    def to_json(self) -> Object:
        """The whole as JSON values."""
        return {
            "same": self.is_same,
            "exit": self.exit,
            "original": asdict(self.original),
            "replay": asdict(self.replay),
            "questions": [
                asdict(one) | {"same_answer": one.is_same_answer, "answer_diff": one.answer_diff}
                for one in self.questions
            ],
            "not_recorded": [{"name": name, "arguments": arguments} for name, arguments in self.missing],
            "notes": self.notes,
        }


def compare(original: Original, kept: Replay, notes: Iterable[str] = ()) -> Comparison:
    """Put a session and its replay side by side."""
    transcript = kept.transcript
    questions = [
        _pair(number, asked.text, original.turns, transcript.turns)
        for number, asked in enumerate(original.questions, 1)
    ]
    settings = transcript.settings
    return Comparison(
        original=Side(
            original.session_id,
            original.origin,
            original.model,
            _upstream(original.turns),
            original.system_sha256,
            original.tools_sha256,
            None if original.tools is None else _names(original.tools),
            figures_of(original.turns),
            original.temperature,
        ),
        replay=Side(
            settings.session_id,
            settings.origin,
            settings.model,
            _upstream(transcript.turns),
            transcript.system_sha256,
            transcript.tools_sha256,
            _names(transcript.tools),
            figures_of(transcript.turns),
            settings.temperature,
        ),
        questions=questions,
        missing=[(one.name, one.arguments) for one in kept.missing],
        notes=[*original.notes, *notes, *kept.notes],
        exit=asdict(transcript.exit) if transcript.exit else {},
    )


def figures_of(turns: Sequence[Turn]) -> Figures:
    """What these turns used."""
    calls = [call for turn in turns for call in turn.tool_calls]
    usages = [turn.usage or {} for turn in turns]
    return Figures(
        turns=len(turns),
        tool_calls=len(calls),
        failed_tool_calls=sum(call.result is not None and call.result.is_error for call in calls),
        prompt_tokens=_sum(usage.get("prompt_tokens") for usage in usages),
        completion_tokens=_sum(usage.get("completion_tokens") for usage in usages),
        cost=_sum(usage.get("cost") for usage in usages),
        model_ms=_sum(turn.latency_ms for turn in turns),
    )


def pair_calls(original: Sequence[ToolCall], replay: Sequence[ToolCall]) -> list[CallPair]:
    """Both's calls in order: those that are the same meet, and between them those of the same tool."""
    keys, others = ([_key(call) for call in calls] for calls in (original, replay))
    pairs: list[CallPair] = []
    for kind, start, end, other_start, other_end in difflib.SequenceMatcher(
        None, keys, others, autojunk=False
    ).get_opcodes():
        ones, twos = list(original[start:end]), list(replay[other_start:other_end])
        if kind == "equal":
            pairs += [CallPair("same", one, two) for one, two in zip(ones, twos, strict=True)]
        else:
            pairs += _pair_changed(ones, twos)
    return pairs


def _pair_changed(ones: list[ToolCall], twos: list[ToolCall]) -> list[CallPair]:
    pairs: list[CallPair] = []
    for one in ones:
        two = next((two for two in twos if two.name == one.name), None)
        if two is None:
            pairs.append(CallPair("only_original", one, None))
            continue
        passed = twos.index(two)
        pairs += [CallPair("only_replay", None, call) for call in twos[:passed]]
        del twos[: passed + 1]
        pairs.append(CallPair("changed", one, two, diff_arguments(one.arguments, two.arguments)))
    return pairs + [CallPair("only_replay", None, two) for two in twos]


def diff_arguments(one: str, two: str) -> list[ArgumentDiff]:
    """The arguments of two calls, as models wrote them, one by one."""
    read = [read_arguments(text) for text in (one, two)]
    if any(arguments.problem for arguments in read):
        return [ArgumentDiff("", is_sql=False, lines=_diff(one, two))]
    before, after = (arguments.values for arguments in read)
    return [
        ArgumentDiff(
            name,
            is_sql(name, after.get(name, before.get(name))),
            _diff(_text(before[name]) if name in before else "", _text(after[name]) if name in after else ""),
        )
        for name in dict.fromkeys((*before, *after))
        if name not in before or name not in after or canonical(before[name]) != canonical(after[name])
    ]


def _pair(number: int, text: str, original: Sequence[Turn], replay: Sequence[Turn]) -> QuestionPair:
    before = [turn for turn in original if turn.question == number]
    after = [turn for turn in replay if turn.question == number]
    return QuestionPair(
        text=text,
        original_answer=_answer(before),
        replay_answer=_answer(after),
        original=figures_of(before),
        replay=figures_of(after),
        calls=pair_calls(
            [call for turn in before for call in turn.tool_calls], [call for turn in after for call in turn.tool_calls]
        ),
    )


def _answer(turns: Sequence[Turn]) -> str | None:
    """What a question came to: the last text that came with no tool call."""
    texts = [turn.content or turn.refusal for turn in turns if not turn.tool_calls]
    return next((text for text in reversed(texts) if text), None)


def _key(call: ToolCall) -> str:
    read = read_arguments(call.arguments)
    return f"{call.name} {call.arguments}" if read.problem else key_of(call.name, read.values)


def _diff(one: str, two: str) -> list[str]:
    """A unified diff without the two lines that name files."""
    lines = difflib.unified_diff(one.strip().splitlines(), two.strip().splitlines(), lineterm="", n=2)
    return list(lines)[2:]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _names(tools: list[Object]) -> list[str]:
    return [str(as_object(tool.get("function")).get("name")) for tool in tools]


def _upstream(turns: Sequence[Turn]) -> list[str]:
    return list(dict.fromkeys(turn.upstream_model for turn in turns if turn.upstream_model))


def _sum(values: Iterable[Any]) -> Any:
    known = [value for value in values if isinstance(value, int | float)]
    return sum(known) if known else None
