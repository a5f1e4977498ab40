"""What must hold between several values of a configuration, and what is allowed but probably not meant."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from open_llm_proxy.config.problems import Problem, dotted
from open_llm_proxy.config.schema import Config, Provider, ThinkingForm, resolve_default_provider

Rule = tuple[Problem, tuple[str, ...]]
"""A broken rule and the dotted paths of the values it looked at, its own among them."""

CHAT_SUFFIX: Final = "/chat/completions"


def contradictions(config: Config, already: list[Problem]) -> list[Problem]:
    """The rules that ``config`` breaks, without those that look at a value that is itself ``already`` a problem."""
    wrong = [problem.path for problem in already]
    return [
        problem
        for problem, paths in _broken(config)
        if not any(_holds(path, place) for path in paths for place in wrong)
    ]


def _holds(path: str, place: str) -> bool:
    """Whether ``place`` is ``path`` or lies within it."""
    return place == path or place.startswith((f"{path}.", f"{path}["))


def oddities(config: Config) -> Iterator[str]:
    """Warnings: what is served as configured, but probably not as meant."""
    default = config.default_provider
    if isinstance(default, str) and resolve_default_provider(config) is None:
        yield f"default_provider names {default}, which is not configured: unknown models are refused"
    yield from _taken_twice(config)
    for name, provider in config.providers.items():
        if not provider.endpoint.partition("?")[0].endswith(CHAT_SUFFIX):
            yield (
                f"providers.{name}.endpoint does not end in {CHAT_SUFFIX}: it is the full chat URL, "
                "calls go to exactly this address"
            )


def _broken(config: Config) -> Iterator[Rule]:
    if not config.providers:
        yield Problem("providers", "no provider is configured"), ("providers",)
    if config.listen.port and config.listen.port == config.metrics.port:
        message = f"{config.metrics.port} is listen.port, too; choose another, or 0 for no metrics"
        yield Problem("metrics.port", message), ("metrics.port", "listen.port")
    yield from _sizes(config)
    for name, provider in config.providers.items():
        yield from _provider(name, provider)


def _sizes(config: Config) -> Iterator[Rule]:
    limits = config.limits
    for small, large, why in (
        ("segment_bytes", "spool_bytes", "the spool could not hold one segment"),
        ("body_bytes", "buffer_bytes", "a body of that length could never be taken in"),
    ):
        least, most = getattr(limits, small), getattr(limits, large)
        if least > most:
            paths = (f"limits.{small}", f"limits.{large}")
            yield Problem(paths[0], f"{least} is more than {large} ({most}): {why}"), paths


def _provider(name: str, provider: Provider) -> Iterator[Rule]:
    for header in _same_header(provider):
        path = dotted(("providers", name, "extra_headers", header))
        yield Problem(path, "the same header is set twice (capitals do not count)"), (path,)
    if provider.models_auth == "x-api-key":
        for header in provider.extra_headers:
            if header.lower() in {"x-api-key", "anthropic-version"}:
                path = dotted(("providers", name, "extra_headers", header))
                yield Problem(path, 'the proxy sets this header itself with models_auth "x-api-key"'), (path,)
    for index, param in enumerate(provider.drop_params):
        if param == "model":
            path = dotted(("providers", name, "drop_params", index))
            yield Problem(path, "no call works without model"), (path,)
    for model, form in provider.thinking_models.items():
        if isinstance(form, ThinkingForm) and not form.on and not form.off:
            path = dotted(("providers", name, "thinking_models", model))
            yield Problem(path, 'expected keys under "on" or "off", got neither'), (path,)


def _same_header(provider: Provider) -> list[str]:
    seen: set[str] = set()
    return [name for name in provider.extra_headers if name.lower() in seen or seen.add(name.lower())]


def _taken_twice(config: Config) -> Iterator[str]:
    """Ids and prefixes that a provider further up takes already: routing goes in the file's order."""
    exact: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    for name, provider in config.providers.items():
        for model in provider.models:
            if exact.setdefault(model, name) != name:
                yield f"providers.{name}.models: {model} goes to {exact[model]}, which names it first"
        for prefix in provider.model_prefixes or ():
            if prefixes.setdefault(prefix, name) != name:
                yield f"providers.{name}.model_prefixes: {prefix} goes to {prefixes[prefix]}, which names it first"


def authorities(ca_file: str | None, folder: Path) -> tuple[str | None, list[Problem]]:
    """The extra CA file's absolute path (relative ones start at the configuration's ``folder``), checked to load."""
    if ca_file is None:
        return None, []
    import ssl  # noqa: PLC0415 - half of the whole loading time, for a key that few set

    path = folder / ca_file
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        return None, [Problem("ca_file", f"{path} holds no certificates in PEM form")]
    except OSError as error:
        return None, [Problem("ca_file", f"can't be read: {path}: {error.strerror}")]
    return str(path), []
