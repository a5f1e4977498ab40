"""The tool loop, as the browser app runs it: ask, run the tools that the model calls, give it their results, again.

It knows no MCP and no HTTP: the model and the tools are given to it, so that a log can stand in for either. Whatever a
tool does, the model hears of it; only a model or a tool source that is gone ends the session.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol, cast

from open_llm_proxy.agent import exits
from open_llm_proxy.agent.arguments import Arguments, mend_calls, read_arguments
from open_llm_proxy.agent.events import Asked, Delta, Ended, Event, OnEvent, ToolEnded, TurnEnded, TurnStarted, ignore
from open_llm_proxy.agent.exits import Exit, SessionError
from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text, whole
from open_llm_proxy.agent.model import Completion, Model, ProxyModel
from open_llm_proxy.agent.results import cut
from open_llm_proxy.agent.settings import Settings
from open_llm_proxy.agent.transcript import ToolCall, ToolResult, Transcript, Turn

RUNNER = "runner"


class ToolAnswer(NamedTuple):
    """What a tool gave: the whole text, and who gave it (``live``, ``recorded``)."""

    text: str
    is_error: bool = False
    source: str = "live"


class ToolSource(Protocol):
    """Where tools come from: MCP servers, or the log of an earlier session."""

    @property
    def tools(self) -> list[Object]:
        """The tools as a chat completion's ``tools`` has them; empty: none are offered."""
        ...

    async def call(self, name: str, arguments: Object) -> ToolAnswer:
        """Run a tool. Several may be asked for at the same time.

        Raises:
            SessionError: The source is gone; anything that a tool itself does is an answer.
        """
        ...


class NoTools:
    """A ``ToolSource`` without tools."""

    tools: list[Object] = []  # noqa: RUF012 - nobody adds to it

    async def call(self, name: str, arguments: Object) -> ToolAnswer:  # noqa: ARG002 - the interface has it
        """Say that there is none."""
        return ToolAnswer(f"there is no tool {name!r}", is_error=True)


class Session:
    """A conversation with a model that may call tools. ``transcript`` is valid at each moment.

    Args:
        settings: How to ask.
        model: Who answers.
        tools: Who runs its tool calls.
        on_event: Told what happens.
        transcript: The one to go on with; it holds the system prompt. None: a new one without a prompt.
    """

    def __init__(
        self,
        settings: Settings,
        model: Model,
        tools: ToolSource,
        on_event: OnEvent = ignore,
        transcript: Transcript | None = None,
    ) -> None:
        self.settings = settings
        self.transcript = transcript or Transcript(settings)
        self.transcript.tools = tools.tools
        self._model = model
        self._tools = tools
        self._on_event = on_event
        if self.transcript.system_prompt and not self.transcript.messages:
            self.transcript.messages.append({"role": "system", "content": whole(self.transcript.system_prompt)})

    async def ask(self, question: str) -> Exit:
        """Ask, and go on until the model answers or ``max_turns`` calls are spent. Another question goes on from there.

        Raises:
            SessionError: The model or the tool source is gone; the transcript holds what there was until then.
        """
        question = whole(question)
        self.transcript.questions.append(question)
        self.transcript.messages.append({"role": "user", "content": question})
        self.transcript.answer = None
        self._on_event(Asked(question))
        for spent in range(1, self.settings.max_turns + 1):
            turn = await self._take_turn()
            if not turn.tool_calls:
                return self._finish(turn)
            if spent < self.settings.max_turns:  # nobody would hear the last turn's results
                await self._run_tools(turn)
        return self.transcript.end(exits.OUT_OF_TURNS.with_message(f"no answer after {self.settings.max_turns} turns"))

    def body(self) -> Object:
        """What the model is sent next."""
        settings = self.settings
        body: Object = {"model": settings.model, "messages": self.transcript.messages}
        if self.transcript.tools:
            body |= {"tools": self.transcript.tools, "tool_choice": "auto"}
        body["user"] = settings.session_id
        for name in ("temperature", "seed", "enable_thinking"):
            value = getattr(settings, name)
            if value is not None:
                body[name] = value
        return body

    async def _take_turn(self) -> Turn:
        turn = Turn(len(self.transcript.turns) + 1, len(self.transcript.questions))
        self.transcript.turns.append(turn)
        self._on_event(TurnStarted(turn))
        begun = time.monotonic()
        try:
            completion = await self._model.complete(self.body(), self._noting(turn))
        except BaseException as error:
            turn.latency_ms = round((time.monotonic() - begun) * 1000)
            turn.error = str(error) or type(error).__name__
            turn.request_id = getattr(error, "request_id", None)
            raise
        self._note(turn, completion)
        self._on_event(TurnEnded(turn))
        return turn

    def _noting(self, turn: Turn) -> OnEvent:
        """Keep what has been streamed so far, so that an interrupted answer is not lost."""

        def note(event: Event) -> None:
            if isinstance(event, Delta):
                turn.content = (turn.content or "") + event.text
                turn.reasoning_content = (turn.reasoning_content or "") + event.reasoning
            else:
                turn.content = turn.reasoning_content = None  # it begins again
            self._on_event(event)

        return note

    def _note(self, turn: Turn, completion: Completion) -> None:
        message = as_object(completion.choice.get("message"))
        turn.request_id, turn.attempts = completion.request_id, completion.attempts
        turn.latency_ms, turn.ttft_ms = completion.latency_ms, completion.ttft_ms
        turn.upstream_model = as_text(completion.value.get("model")) or None
        turn.finish_reason = completion.choice.get("finish_reason")
        turn.usage = as_object(completion.value.get("usage")) or None
        turn.content = _text_of(message.get("content"))
        turn.reasoning_content = as_text(message.get("reasoning_content")) or as_text(message.get("reasoning")) or None
        turn.refusal = as_text(message.get("refusal")) or None
        history: Object = {"role": "assistant", "content": message.get("content")}
        if calls := mend_calls(message.get("tool_calls")):
            turn.tool_calls = [_read_call(call) for call in calls]
            history["tool_calls"] = calls
        self._pending = history

    def _finish(self, turn: Turn) -> Exit:
        answer = turn.content or turn.refusal
        if not answer:
            why = f"finish_reason {turn.finish_reason}" + (", reasoning only" if turn.reasoning_content else "")
            raise exits.ModelError(f"the model ended without an answer ({why})", turn.request_id)
        self.transcript.messages.append(self._pending | {"content": answer})
        self.transcript.answer = answer
        return self.transcript.end(exits.ANSWERED)

    async def _run_tools(self, turn: Turn) -> None:
        """Run a turn's calls side by side; their results stand in the calls' order, whichever comes first."""
        await all_or_none(self._run_tool(call) for call in turn.tool_calls)
        results = [
            {"role": "tool", "tool_call_id": call.id, "content": call.result.content if call.result else ""}
            for call in turn.tool_calls
        ]
        self.transcript.messages += [self._pending, *results]

    async def _run_tool(self, call: ToolCall) -> None:
        begun = time.monotonic()
        answer = await self._answer(call)
        text = whole(answer.text)
        call.result = ToolResult(
            cut(text, self.settings.tool_result_max),
            answer.is_error,
            answer.source,
            round((time.monotonic() - begun) * 1000),
            len(text),
        )
        self._on_event(ToolEnded(call))

    async def _answer(self, call: ToolCall) -> ToolAnswer:
        offered = [tool["function"]["name"] for tool in self.transcript.tools]
        if call.name not in offered:
            return _refusal(f"there is no tool {call.name!r}; there are: {', '.join(offered) or 'none'}")
        if call.problem:
            return _refusal(call.problem)
        limit_s = self.settings.tool_timeout_s
        try:
            async with asyncio.timeout(limit_s):
                return await self._tools.call(call.name, read_arguments(call.arguments).values)
        except TimeoutError:
            return _refusal(f"the tool gave no result within {limit_s:g} s")


async def run(
    question: str,
    settings: Settings,
    tools: ToolSource,
    on_event: OnEvent = ignore,
    *,
    system_prompt: str = "",
) -> Transcript:
    """Ask one question through the proxy; whatever happens, the transcript that comes back says how it ended.

    Args:
        question: The user's question.
        settings: How to ask; ``timeout_s`` bounds the whole.
        tools: Who runs tool calls; ``NoTools()``: nobody.
        on_event: Told what happens.
        system_prompt: Sent first; empty: none.

    Raises:
        asyncio.CancelledError: The task was cancelled.
    """
    transcript = Transcript(settings, system_prompt=system_prompt)
    async with ending(transcript, on_event), ProxyModel(settings) as model:
        await Session(settings, model, tools, on_event, transcript).ask(question)
    return transcript


@asynccontextmanager
async def ending(transcript: Transcript, on_event: OnEvent = ignore) -> AsyncGenerator[None]:
    """Let what ends a session end the block, and stand in the transcript: errors, the time limit, an interruption."""
    limit_s = transcript.settings.timeout_s
    clock = asyncio.timeout(limit_s)
    try:
        async with clock:
            yield
    except SessionError as error:
        transcript.end(error.exit.with_message(str(error)))
    except TimeoutError:
        if not clock.expired():
            raise
        transcript.end(exits.TIMEOUT.with_message(f"not done within {limit_s:g} s"))
    except (asyncio.CancelledError, KeyboardInterrupt):
        transcript.end(exits.INTERRUPTED)
        raise
    finally:
        if transcript.exit:
            on_event(Ended(transcript.exit, transcript.answer))


async def all_or_none(work: Iterable[Awaitable[None]]) -> None:
    """Wait for all; the first error cancels the others and is raised as it is."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _refusal(text: str) -> ToolAnswer:
    return ToolAnswer(text, is_error=True, source=RUNNER)


def _read_call(call: Object) -> ToolCall:
    """A call as the transcript keeps it; its arguments in the history are mended where they were no JSON object."""
    function = call["function"]
    written = function.get("arguments")
    read: Arguments = read_arguments(written)
    function["arguments"] = read.text
    return ToolCall(call["id"], function["name"], written if isinstance(written, str) else read.text, read.problem)


def _text_of(content: object) -> str | None:
    """A message's content as text: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(as_text(as_object(part).get("text")) for part in as_list(cast("object", content)))
    return None
