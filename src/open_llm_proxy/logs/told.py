"""What the model was told beside a conversation's messages: the records of its calls, prompts and lists of tools."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from open_llm_proxy.answers.answer import Object
from open_llm_proxy.logs.calls import time_of
from open_llm_proxy.logs.conversation import Conversation
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.feed import read_lines
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.views import create_views
from open_llm_proxy.logs.window import Window

DAY = timedelta(days=1)


def read_told(conversation: Conversation, sources: Sequence[Source], unshipped: Iterable[Object] = ()) -> list[Object]:
    """The ``request`` and ``response`` records of a conversation, and the ``system_prompt`` and ``tools`` they name.

    Args:
        conversation: As ``show.find_conversation`` gives it.
        sources: Where it was found.
        unshipped: Records that are in no chunk file yet.
    """
    ids = {turn.request_id for turn in conversation.turns}
    times = [time for turn in conversation.turns for time in (turn.requested_at, turn.answered_at) if time]
    instants = [time_of({"timestamp": time}) for time in times]
    stored = _read(sources, sorted(ids), min(instants) - DAY, max(instants) + DAY) if instants else []
    return stored + [record for record in unshipped if _is_own(record, ids)]


def _read(sources: Sequence[Source], ids: list[str], start: datetime, end: datetime) -> list[Object]:
    connection = connect(sources)
    try:
        create_views(connection, sources, Window(start, end), ["records"])
        rows = connection.execute(statement("replay_records", records="records"), {"ids": ids}).fetchall()
    finally:
        connection.close()
    return read_lines("\n".join(row[0] for row in rows).encode("utf-8", "replace"))


def _is_own(record: Object, ids: set[str]) -> bool:
    return record.get("request_id") in ids or record.get("type") in {"system_prompt", "tools"}
