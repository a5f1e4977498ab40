"""Records to a conversation in which nothing stands twice, though a client sends all of it with every call."""

from collections.abc import Iterable

from msgspec.structs import replace

from open_llm_proxy.answers.answer import Object, as_list, as_object, as_text
from open_llm_proxy.logs.answered import read_answer, read_choice, read_usage
from open_llm_proxy.logs.calls import Call, pair_calls
from open_llm_proxy.logs.conversation import Conversation, Item, Outcome, Thread, Turn, Usage
from open_llm_proxy.logs.sent import read_sent
from open_llm_proxy.logs.session_key import session_key_of
from open_llm_proxy.logs.threads import is_repeated, split_threads
from open_llm_proxy.records.line import app_of


def weave(records: Iterable[Object]) -> Conversation:
    """The conversation in one session's records: any order, doubles and ``system_prompt`` records among them."""
    records = list(records)
    calls = pair_calls(records)
    if not calls:
        return Conversation()
    prompts = {
        str(one.get("system_sha256")): str(one.get("content")) for one in records if one.get("type") == "system_prompt"
    }
    threads = [Thread(turns=_weave_thread(thread, prompts)) for thread in split_threads(calls)]
    origin = as_text(calls[0].field("origin"))
    models = [model for call in calls if (model := as_text(call.field("model")))]
    return Conversation(
        session_key=session_key_of(calls[0].first),
        session_id=as_text(calls[0].field("session_id")),
        origin=origin,
        app=app_of(origin),
        client=as_text(calls[0].field("client")),
        models=list(dict.fromkeys(models)),
        usage=sum((turn.usage for thread in threads for turn in thread.turns), start=Usage()),
        threads=threads,
    )


def _weave_thread(calls: list[Call], prompts: dict[str, str]) -> list[Turn]:
    turns: list[Turn] = []
    names: dict[str | None, str | None] = {}
    last: Call | None = None
    for call in calls:
        turn = _weave_turn(call, last, prompts)
        turns.append(replace(turn, sent=[_name_result(item, names) for item in turn.sent]))
        names |= {item.call_id: item.name for item in (*turn.sent, *turn.answer) if item.kind == "tool_call"}
        last = call
    return turns


def _name_result(item: Item, names: dict[str | None, str | None]) -> Item:
    """A tool's result with the tool's name, which stands in its call."""
    if item.kind != "tool_result" or item.name or not item.call_id:
        return item
    return replace(item, name=names.get(item.call_id))


def _weave_turn(call: Call, last: Call | None, prompts: dict[str, str]) -> Turn:
    response = call.response or {}
    sent, earlier = read_sent(call, last, prompts)
    return Turn(
        request_id=call.request_id,
        requested_at=None if call.request is None else call.at,
        answered_at=as_text(response.get("timestamp")),
        outcome=outcome_of(call),
        error=as_text(response.get("error")),
        status=_whole(response.get("status")),
        provider=as_text(call.field("provider")),
        model=as_text(call.field("model")),
        latency_ms=_whole(response.get("latency_ms")),
        ttft_ms=_whole(response.get("ttft_ms")),
        finish_reason=as_text(response.get("finish_reason")),
        usage=read_usage(response.get("tokens")),
        content_logged=call.field("content_logged") is not False,
        retry=last is not None and is_repeated(last, call),
        earlier_messages=earlier,
        sent=sent,
        answer=read_answer(response),
        choices=[read_choice(as_object(choice)) for choice in as_list(response.get("choices"))[1:]],
        upstream_request_id=as_text(response.get("upstream_request_id")),
        completion_id=as_text(response.get("completion_id")),
    )


def outcome_of(call: Call) -> Outcome:
    """How a call ended; one whose answer is in no record may be running still."""
    if call.response is None:
        return "unanswered"
    return "error" if call.response.get("error") else "ok"


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
