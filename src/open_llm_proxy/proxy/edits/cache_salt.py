"""``cache_salt``: keeps one group's prefix cache apart from others' on a shared vLLM."""

from collections.abc import Callable

from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.request import Body


def make(salt: str) -> Callable[[Body, str, Changes], None]:
    """The edit that sends ``salt``; a client's own stays."""

    def edit(body: Body, _model: str, changes: Changes) -> None:
        if "cache_salt" not in body.values:
            changes.set("cache_salt", salt)
            changes.names.append("cache_salt")

    return edit
