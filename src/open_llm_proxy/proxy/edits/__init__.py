"""Edits: what a provider's configuration changes in a JSON body, top-level key by top-level key.

Each edit is one pure function in a file of its own. It reads the body and notes in ``Changes`` what to **set** and what
to **drop**; one splice (``raw``) applies them all. Without a change the body goes as it came, the same object.
"""

from collections.abc import Callable, Mapping

import msgspec

from open_llm_proxy.config.schema import Provider
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.edits import cache_salt, params, sampling, stream_usage, thinking, tool_choice
from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.members import append, splice
from open_llm_proxy.proxy.request import Body

Edit = Callable[[Body, str, Changes], None]


class Edits:
    """The edits of one provider, in order. ``chat`` ones apply to chat completions, the others to every JSON call."""

    def __init__(self, provider: Provider, salt: str | None) -> None:
        every: list[Edit] = []
        if provider.drop_params:
            every.append(params.make_drop(provider.drop_params))
        chat: list[Edit] = [*every, thinking.make(provider.thinking_models)]
        if provider.no_sampling_params:
            chat.append(sampling.make(provider.no_sampling_params))
        if provider.default_params:
            chat.append(params.make_default(provider.default_params))
        if provider.drop_tool_choice_without_tools:
            chat.append(tool_choice.drop_without_tools)
        if provider.stream_usage:
            chat.append(stream_usage.ask)
        if salt:
            chat.append(cache_salt.make(salt))
        self._chat = tuple(chat)
        self._every = tuple(every)
        # Edits that act on what is absent always have a look; the others only where one of their keys is there.
        self._always = bool(salt or provider.default_params or provider.stream_usage)
        sampling_keys = sampling.SAMPLING if provider.no_sampling_params else ()
        self._keys = frozenset((*provider.drop_params, *sampling_keys, "enable_thinking"))
        self._tool_choice = provider.drop_tool_choice_without_tools

    def concern(self, values: Mapping[str, msgspec.Raw]) -> bool:
        """Whether any edit could change a body with these top-level values."""
        if self._always or not self._keys.isdisjoint(values):
            return True
        return self._tool_choice and "tool_choice" in values and tool_choice.may_be_alone(values)

    def apply(self, body: Body, model: str, *, chat: bool) -> tuple[bytes, tuple[str, ...]]:
        """The body to send and the names of the edits made.

        Raises:
            Refusal: 400, a field that an edit works on stands twice or has a wrong type.
        """
        changes = Changes()
        for edit in self._chat if chat else self._every:
            edit(body, model, changes)
        if not changes.names:
            return body.raw, ()
        twice = body.duplicates & (changes.drops | changes.sets.keys())
        if twice:
            key = min(twice)
            raise Refusal(errors.DUPLICATE_KEY, f"`{key}` stands twice in the body; send it once", param=key)
        if not changes.drops and changes.sets.keys().isdisjoint(body.values):
            return append(body.raw, changes.sets, empty=not body.values), tuple(changes.names)
        return splice(body.raw, body.members, changes.sets, changes.drops), tuple(changes.names)
