"""``no_sampling_params``: models that answer 400 to sampling parameters are not sent any."""

from collections.abc import Callable, Sequence
from typing import Final

from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.request import Body

SAMPLING: Final = ("temperature", "top_p", "top_k")


def make(models: Sequence[str]) -> Callable[[Body, str, Changes], None]:
    """The edit for a provider whose ``no_sampling_params`` are ``models`` (ids or prefixes)."""
    prefixes = tuple(models)

    def edit(body: Body, model: str, changes: Changes) -> None:
        if not model.startswith(prefixes):
            return
        for key in SAMPLING:
            changes.drop(key)  # also where it was not sent: ``default_params`` must not bring it in
        if any(key in body.values for key in SAMPLING):
            changes.names.append("no_sampling_params")

    return edit
