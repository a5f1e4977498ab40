"""Where each model goes, and what is dropped on the way of what a caller may ask for."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from open_llm_proxy.config.schema import Config, Provider, resolve_default_provider
from open_llm_proxy.proxy.routing import Router


class Finding(NamedTuple):
    """One line of ``check``, and whether it is good."""

    text: str
    good: bool = True

    def __str__(self) -> str:
        return self.text


def check_routes(config: Config, models: Sequence[str]) -> list[Finding]:
    """A finding a model; with none named, of every model that the configuration names."""
    router = Router(config.providers, resolve_default_provider(config))
    return [_route(router, config, model) for model in dict.fromkeys(models or _configured(config))]


def _configured(config: Config) -> Iterable[str]:
    return (model for provider in config.providers.values() for model in provider.models)


def _route(router: Router, config: Config, model: str) -> Finding:
    route = router.route(model)
    if route is None:
        return Finding(f"{model} -> nobody; served: {router.describe_served()}", good=False)
    dropped = ", ".join(list_dropped(model, config.providers[route.provider]))
    return Finding(f"{model} -> {route.provider} ({route.why})" + (f"; dropped: {dropped}" if dropped else ""))


def list_dropped(model: str, provider: Provider) -> Iterator[str]:
    """The body keys that never reach this model, though a caller sends them."""
    form = provider.thinking_models.get(model)
    if form is None:
        yield "enable_thinking"
    elif not isinstance(form, str) and not (form.on and form.off):
        yield f"enable_thinking: {'true' if form.off else 'false'}"
    if model.startswith(provider.no_sampling_params):
        yield from ("temperature", "top_p", "top_k")
    yield from provider.drop_params
