"""Tool calls as a model wrote them, made fit to be called and to be sent again. Pure."""

import json
import uuid
from typing import Any, Final, NamedTuple, cast

from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object

NO_ARGUMENTS: Final = "{}"
NO_NAME: Final = "unnamed"
QUOTED_CHARACTERS: Final = 500


class Arguments(NamedTuple):
    """What a tool is called with.

    ``text`` is valid JSON of an object, fit for the history; ``problem`` says to the model why what it wrote was not
    (empty when it was).
    """

    values: Object
    text: str
    problem: str = ""


def read_arguments(written: Any) -> Arguments:
    """The arguments of a call: a string of JSON (some servers give the object itself); nothing means none."""
    if written is None or (isinstance(written, str) and not written.strip()):
        return Arguments({}, NO_ARGUMENTS)
    if isinstance(written, dict):
        values = cast("Object", written)
        return Arguments(values, json.dumps(values, ensure_ascii=False))
    text = written if isinstance(written, str) else json.dumps(written)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Arguments({}, NO_ARGUMENTS, f"the arguments are not valid JSON ({error}): {text[:QUOTED_CHARACTERS]}")
    if not isinstance(values, dict):
        return Arguments({}, NO_ARGUMENTS, f"the arguments are not a JSON object: {text[:QUOTED_CHARACTERS]}")
    return Arguments(cast("Object", values), text)


def mend_calls(written: Any) -> list[Object]:
    """A message's ``tool_calls`` as the history may hold them: each with an id of its own, a name and valid arguments.

    Other members (a provider's signatures) stay as they came. The arguments themselves are mended by the caller, who
    also has to say what was wrong with them.
    """
    mended: list[Object] = []
    ids: set[str] = set()
    for call in map(as_object, as_list(written)):
        function = as_object(call.get("function"))
        name = function.get("name")
        ids.add(identity := _fresh_id(call.get("id"), ids))
        others = {key: value for key, value in call.items() if key not in {"index", "id", "type", "function"}}
        function = function | {"name": name if isinstance(name, str) and name else NO_NAME}
        mended.append({"id": identity, "type": "function", "function": function, **others})
    return mended


def _fresh_id(given: Any, taken: set[str]) -> str:
    return given if isinstance(given, str) and given and given not in taken else f"call_{uuid.uuid4().hex[:24]}"


def is_sql(name: str, value: Any) -> bool:
    """Whether an argument holds SQL, by its name or by how it begins."""
    if not isinstance(value, str):
        return False
    words = value.split(None, 1)
    return name.lower() in {"sql", "query", "sql_query"} or bool(
        words and words[0].upper() in {"SELECT", "WITH", "FROM", "DESCRIBE", "SUMMARIZE", "SHOW", "COPY", "CREATE"}
    )
