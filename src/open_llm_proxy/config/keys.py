"""The secrets: client keys and their names, providers' keys, cache salts."""

import re
from typing import Final

from open_llm_proxy.config.problems import Problem
from open_llm_proxy.config.reader import Reader, unfit
from open_llm_proxy.config.schema import Config
from open_llm_proxy.config.snapshot import ClientKey

DEFAULT_NAME: Final = "default"
EXTRA: Final = "PROXY_KEYS_EXTRA"
NRP: Final = "nrp"
NRP_SALT: Final = "CACHE_SALT"
_NAMED: Final = re.compile(r"([A-Za-z0-9_.-]+)\s*=(?=.*[^=\s])\s*(.+)", re.DOTALL)


def named_keys(text: str) -> list[ClientKey]:
    """The keys of ``PROXY_KEYS_EXTRA``.

    Commas separate entries; white space around entries, names and keys does not count, nor do empty entries. What
    stands before an entry's first ``=`` is its name if it is a plain one (letters, digits, ``_ . -``) and more than
    ``=`` follows: ``alice=k1`` is alice's, ``YWJj==`` (base64 with padding) has no name. The n-th entry, named ones
    counted, is ``extra-<n>`` when it has none, so naming an entry later leaves the other names as they are.
    """
    entries = [entry.strip() for entry in text.split(",")]
    keys: list[ClientKey] = []
    for number, entry in enumerate(filter(None, entries), start=1):
        match = _NAMED.fullmatch(entry)
        keys.append(ClientKey(match.group(1), match.group(2)) if match else ClientKey(f"extra-{number}", entry))
    return keys


def client_keys(reader: Reader, *, fallback: str | None = None) -> tuple[tuple[ClientKey, ...], list[str]]:
    """Every client key, ``default`` first, and warnings; mistakes are noted in ``reader``.

    Args:
        reader: The environment.
        fallback: The ``default`` key where ``PROXY_KEY`` is not set.
    """
    default = reader.key("PROXY_KEY") or fallback
    keys = [ClientKey(DEFAULT_NAME, default)] if default else []
    warnings: list[str] = []
    for key in named_keys(reader.secret(EXTRA) or ""):
        wrong = unfit(key.key)
        if key.name == DEFAULT_NAME:
            wrong = "the name belongs to PROXY_KEY; choose another"
        if wrong is not None:
            reader.problems.append(Problem(f"{EXTRA} ({key.name})", wrong))
        twin = next((other for other in keys if other.key == key.key), None)
        if twin is None:
            keys.append(key)
        else:
            warnings.append(f"{EXTRA}: {key.name} is the same key as {twin.name}; records say {twin.name}")
    if not keys:
        warnings.append("no client key is configured, so every call is refused (500); set PROXY_KEY")
    return tuple(keys), warnings


def provider_keys(config: Config, reader: Reader) -> tuple[dict[str, str], list[str]]:
    """Each provider's key, where it has one, and a warning that names the variables that are not set."""
    keys: dict[str, str] = {}
    missing: list[str] = []
    for name, provider in config.providers.items():
        if provider.api_key_env is None:
            continue
        key = reader.key(provider.api_key_env)
        if key is None:
            missing.append(f"{name} ({provider.api_key_env} is not set)")
        else:
            keys[name] = key
    return keys, [f"no key for {', '.join(missing)}: calls that go there are refused (500)"] if missing else []


def salt_variable(config: Config, name: str) -> str | None:
    """The variable that holds a provider's cache salt: the one it names, ``CACHE_SALT`` for ``nrp``."""
    return config.providers[name].cache_salt_env or (NRP_SALT if name == NRP else None)


def cache_salts(config: Config, reader: Reader) -> tuple[dict[str, str], list[str]]:
    """Each provider's cache salt, where it has one, and warnings for variables that are named but not set."""
    salts: dict[str, str] = {}
    warnings: list[str] = []
    for name, provider in config.providers.items():
        variable = salt_variable(config, name)
        salt = None if variable is None else reader.salt(variable)
        if salt is not None:
            salts[name] = salt
        elif provider.cache_salt_env is not None:
            warnings.append(f"no cache salt for {name} ({provider.cache_salt_env} is not set): none is sent")
    return salts, warnings
