"""The sessions of a window, newest first, as rows of the view ``sessions``."""

from collections.abc import Sequence
from typing import Any, Final

from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.stored import Source
from open_llm_proxy.logs.views import create_views
from open_llm_proxy.logs.window import Window

Row = dict[str, Any]

LIMIT: Final = 50


def list_sessions(
    sources: Sequence[Source],
    window: Window,
    *,
    origin: str | None = None,
    model: str | None = None,
    errors: bool = False,
    limit: int = LIMIT,
) -> list[Row]:
    """Rows by the roll-up's columns (LOGGING.md); times are texts, ISO 8601 in UTC.

    Args:
        sources: Where the records are.
        window: Whose turns count; a session that began before it has only its turns within.
        origin: Only of apps whose origin holds this, in any case.
        model: Only those in which a model took part whose name holds this.
        errors: Only those with a turn that failed, or whose last turn has no good answer.
        limit: No more than so many.

    Raises:
        UserError: A source cannot be read.
    """
    connection = connect(sources)
    create_views(connection, sources, window, ["sessions"] if model is None else ["sessions", "turns"])
    values = {"origin": origin, "errors": errors, "limit": limit} | ({} if model is None else {"model": model})
    chosen = "sessions" if model is None else statement("sessions_with_model")
    found = connection.execute(statement("session_list", sessions=chosen), values)
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    connection.close()
    return rows
