"""``drop_params`` and ``default_params``: keys taken out, keys set where the client sent none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.request import Body


def make_drop(keys: Sequence[str]) -> Callable[[Body, str, Changes], None]:
    """The edit that takes ``keys`` out."""

    def edit(body: Body, _model: str, changes: Changes) -> None:
        sent = [key for key in keys if key in body.values]
        for key in sent:
            changes.drop(key)
        if sent:
            changes.names.append("drop_params")

    return edit


def make_default(values: Mapping[str, Any]) -> Callable[[Body, str, Changes], None]:
    """The edit that sets ``values`` where the client sent none (a null that it sent stays) and no other edit acts."""

    def edit(body: Body, _model: str, changes: Changes) -> None:
        acted = changes.sets.keys() | changes.drops
        missing = [key for key in values if key not in body.values and key not in acted]
        for key in missing:
            changes.set(key, values[key])
        if missing:
            changes.names.append("default_params")

    return edit
