"""The merged result for a person's eyes: each value, secrets masked, and where it came from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from open_llm_proxy.config.environment import VARIABLES
from open_llm_proxy.config.keys import DEFAULT_NAME, EXTRA, salt_variable
from open_llm_proxy.config.layers import leaves
from open_llm_proxy.config.problems import dotted
from open_llm_proxy.config.schema import Config, Provider, resolve_default_provider
from open_llm_proxy.config.snapshot import Snapshot

MASK: Final = "********"
DEFAULT: Final = "default"
DEMO: Final = "flag --demo"
_SECRET: Final = re.compile(r"key|token|secret|auth|cookie|passw|signature|(?:^|[-_])sig$", re.IGNORECASE)
_QUERY_VALUE: Final = re.compile(r"([^&=]+)=([^&]*)")
_URLS: Final = frozenset(("endpoint", "models_endpoint", "url"))
_VARIABLES_OF: Final = {
    "store.url": ("LOG_STORE", "LOG_BUCKET", "AWS_ACCESS_KEY_ID"),
    "store.refused": ("LOG_STORE", "LOG_BUCKET"),
    "store.s3_endpoint": ("AWS_S3_ENDPOINT_URL",),
    "store.region": ("AWS_REGION",),
    "store.access_key_id": ("AWS_ACCESS_KEY_ID",),
    "store.secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "store.folder": ("LOG_DIR",),
    "spool_dir": ("SPOOL_DIR",),
}
_PROVIDER_DEFAULTS: Final = msgspec.to_builtins(Provider(endpoint=""))


class Setting(NamedTuple):
    """One row: dotted place, the value as JSON with secrets masked, where it came from."""

    path: str
    value: str
    source: str


def settings(snapshot: Snapshot, provenance: Mapping[str, str]) -> list[Setting]:
    """Every value of a snapshot; of a provider's, those that are no default."""
    return [Setting(path, value, provenance.get(path, DEFAULT)) for path, value in _rows(snapshot)]


def sources(snapshot: Snapshot, read: Mapping[str, str], *, log_format: str) -> dict[str, str]:
    """Where the values outside of ``config`` came from.

    Args:
        snapshot: What was accepted.
        read: Variable to where its value came from, of those that were set.
        log_format: The flag as given.
    """
    variables = dict(_VARIABLES_OF)
    variables.update(
        {row.target: (row.name,) for row in VARIABLES if row.target and not row.target.startswith("config.")}
    )
    for key in snapshot.client_keys:
        variables[dotted(("client_keys", key.name))] = ("PROXY_KEY" if key.name == DEFAULT_NAME else EXTRA,)
    for name, provider in snapshot.config.providers.items():
        variables[dotted(("provider_keys", name))] = (provider.api_key_env or "",)
        variables[dotted(("cache_salts", name))] = (salt_variable(snapshot.config, name) or "",)
    found = {path: read[name] for path, names in variables.items() for name in reversed(names) if name in read}
    if log_format != "auto":
        found["log.stdout_format"] = "flag --log-format"
    return _demo_sources(snapshot) | found if snapshot.demo else found


def _demo_sources(snapshot: Snapshot) -> dict[str, str]:
    provider = [path for path, _ in _config_rows(snapshot.config) if path.startswith("providers.demo.")]
    return dict.fromkeys([*provider, "demo", "client_keys.default", "log.flush_interval_s", "store.folder"], DEMO)


def _rows(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    yield from _config_rows(snapshot.config)
    for key in snapshot.client_keys:
        yield dotted(("client_keys", key.name)), MASK
    for kind in ("provider_keys", "cache_salts"):
        for name in getattr(snapshot, kind):
            yield dotted((kind, name)), MASK
    for name in ("spool_dir", "models_cache_ttl_s", "models_fetch_timeout_s", "traces_endpoint", "demo"):
        yield name, _json(getattr(snapshot, name))
    for kind in ("log", "store"):
        for name, value in msgspec.structs.asdict(getattr(snapshot, kind)).items():
            yield f"{kind}.{name}", _masked((kind, name), value)


def _config_rows(config: Config) -> Iterator[tuple[str, str]]:
    values = msgspec.to_builtins(config)
    values["default_provider"] = resolve_default_provider(config)
    for place, value in leaves(values):
        if place[0] != "providers" or value != _PROVIDER_DEFAULTS[place[-1]]:
            yield dotted(place), _masked(place, value)


def _masked(place: tuple[str, ...], value: Any) -> str:
    last = place[-1]
    if value is not None and last in {"access_key_id", "secret_access_key"}:
        return MASK
    if last == "extra_headers" and value:
        return _json({name: MASK if _SECRET.search(name) else text for name, text in value.items()})
    return _json(_without_secrets(value) if last in _URLS and isinstance(value, str) else value)


def _without_secrets(url: str) -> str:
    """``url`` with the values of its query masked where their names sound like a secret's."""
    parts = urlsplit(url)
    query = _QUERY_VALUE.sub(lambda pair: f"{pair[1]}={MASK if _SECRET.search(pair[1]) else pair[2]}", parts.query)
    return urlunsplit(parts._replace(query=query))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
