"""Which provider takes a model: exact ids first, then prefixes, then the default, each in the file's order."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from open_llm_proxy.config.schema import Provider

UNROUTED: Final = "unrouted"
_REMEMBERED: Final = 4096


class Route(NamedTuple):
    """Where a model goes, and ``why``: ``exact``, ``prefix <p>`` or ``default``."""

    provider: str
    why: str


class Router:
    """A pure function of the configuration, with a bounded memory of answers.

    A provider without the key ``model_prefixes`` uses its ``models`` as prefixes too (the older form); exact always
    beats prefix, so that a private model ``qwen`` does not swallow ``qwen3``.
    """

    def __init__(self, providers: Mapping[str, Provider], default_provider: str | None) -> None:
        self._exact: dict[str, str] = {}
        self._prefixes: list[tuple[str, str]] = []
        for name, provider in providers.items():
            for model in provider.models:
                self._exact.setdefault(model, name)
            prefixes = provider.models if provider.model_prefixes is None else provider.model_prefixes
            self._prefixes += [(prefix, name) for prefix in prefixes]
        self._default = default_provider if default_provider in providers else None
        self._known: dict[str, Route | None] = {}
        self._providers = providers

    def route(self, model: str) -> Route | None:
        """The route of ``model``; None: nobody serves it."""
        known = self._known
        try:
            return known[model]
        except KeyError:
            route = self._find(model)
            if len(known) >= _REMEMBERED:
                known.clear()
            if len(model) <= 256:
                known[model] = route
            return route

    def _find(self, model: str) -> Route | None:
        if (name := self._exact.get(model)) is not None:
            return Route(name, "exact")
        for prefix, name in self._prefixes:
            if model.startswith(prefix):
                return Route(name, f"prefix {prefix}")
        if self._default is not None:
            return Route(self._default, "default")
        return None

    def describe_served(self) -> str:
        """What is served, for the 400 that an unroutable model gets."""
        parts: list[str] = []
        for name, provider in self._providers.items():
            prefixes = provider.models if provider.model_prefixes is None else provider.model_prefixes
            names = [*provider.models, *(f"{prefix}*" for prefix in prefixes)]
            if names:
                parts.append(f"{name}: {', '.join(dict.fromkeys(names))}")
        return "; ".join(parts) or "nothing: no provider names models"
