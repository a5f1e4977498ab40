"""From flags, environment and file to one accepted ``Snapshot``: flag over environment over file over default.

Every mistake of all three is found in one round. Nothing is started here and nothing of the process is changed, so that
a reload is a second ``load`` whose result is taken or, when it raises, left.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from open_llm_proxy.config import env_file, keys, location, provenance, rules
from open_llm_proxy.config.destination import demo_destination, destination
from open_llm_proxy.config.environment import VARIABLES
from open_llm_proxy.config.layers import Layers
from open_llm_proxy.config.problems import ConfigError, Problem, quoted
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.config.schema import Config, Provider, resolve_default_provider
from open_llm_proxy.config.snapshot import LogSettings, Snapshot, StoreSettings

__all__ = ["Flags", "Loaded", "fresh_demo_key", "load", "resolve_default_provider", "show"]

DEMO: Final = "demo"
DEMO_NOWHERE: Final = "http://127.0.0.1:1/v1/chat/completions"  # shown where no stand-in was started
DEMO_FLUSH_S: Final = 2.0
DEMO_HOST: Final = "127.0.0.1"
LOG_FORMATS: Final = ("json", "line", "auto")
_CONFIG: Final = "config."
_LOG: Final = "log."


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What was said on the command line; None: nothing."""

    config: str | None = None
    host: str | None = None
    port: int | None = None
    workers: int | None = None
    demo: bool = False
    env_file: str | None = None
    log_format: str = "auto"  # json | line | auto: a short human line on a terminal


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted configuration.

    Attributes:
        snapshot: What children get.
        path: The file that was read.
        provenance: Dotted place of each value that is no default to where it came from.
        warnings: To be said, one line each.
        watched: The files that were read, secrets' too, with the SHA-256 (hex) of what they held: for ``Watch``.
    """

    snapshot: Snapshot
    path: Path
    provenance: dict[str, str] = {}
    warnings: tuple[str, ...] = ()
    watched: dict[Path, str] = {}


def load(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    cwd: Path,
    stdout_is_terminal: bool = False,
    demo_endpoint: str | None = None,
    demo_key: str | None = None,
) -> Loaded:
    """Read, check and merge everything.

    Args:
        flags: The command line.
        environ: The process's environment.
        cwd: What relative paths of flags and variables start at; absolute.
        stdout_is_terminal: Decides ``log_format`` ``auto``.
        demo_endpoint: Chat URL of the stand-in upstream, with ``flags.demo``.
        demo_key: The client key where ``PROXY_KEY`` is not set, with ``flags.demo``; None: a fresh one. A reload gives
            the one of the first load.

    Raises:
        ConfigError: Everything that is wrong.
        UserError: There is no file to read.
    """
    return _Loading(flags, environ, cwd, demo_key).result(terminal=stdout_is_terminal, demo_endpoint=demo_endpoint)


def show(loaded: Loaded) -> list[provenance.Setting]:
    """The merged result, a row a value: dotted place, value with secrets masked, where it came from."""
    return provenance.settings(loaded.snapshot, loaded.provenance)


def fresh_demo_key() -> str:
    """A client key for one ``serve --demo``; looks like a key, so that scrubbing knows it."""
    return f"sk-demo-{os.urandom(12).hex()}"


class _Loading:
    """One load under way; problems and warnings gather here."""

    def __init__(self, flags: Flags, environ: Mapping[str, str], cwd: Path, demo_key: str | None) -> None:
        self.flags = flags
        self.cwd = cwd
        self.demo_key = demo_key
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.reader = self._reader(environ)
        variable = self.reader.value(location.CONFIG_VARIABLE)
        self.path = location.locate(flags.config, variable, cwd)
        data = location.read(self.path, flag=flags.config, variable=variable)
        self.config_sha256 = hashlib.sha256(data).hexdigest()
        self.layers = Layers(data, self.path)

    def result(self, *, terminal: bool, demo_endpoint: str | None) -> Loaded:
        others = self._lay_environment()
        self._lay_flags()
        config = self._config(demo_endpoint)
        snapshot = self._snapshot(config, self._log_settings(others, terminal), others)
        if self.problems or self.reader.problems:
            raise ConfigError(tuple(dict.fromkeys(self.problems + self.reader.problems)), str(self.path))
        sources = provenance.sources(snapshot, self.reader.sources, log_format=self.flags.log_format)
        return Loaded(
            snapshot=snapshot,
            path=self.path,
            provenance=self.layers.sources | sources,
            warnings=(*rules.oddities(config), *self.warnings),
            watched={self.path: self.config_sha256, **self.reader.watched},
        )

    def _reader(self, environ: Mapping[str, str]) -> Reader:
        path = location.env_file(self.flags.env_file, self.cwd, demo=self.flags.demo)
        data = b"" if path is None else location.read_env_file(path)
        below, problems = env_file.parse(data, str(path))
        self.problems += problems
        reader = Reader(environ, cwd=self.cwd, below=below, below_path=str(path))
        if path is not None:
            reader.watched[path] = hashlib.sha256(data).hexdigest()
        return reader

    def _lay_environment(self) -> dict[str, Any]:
        """Lay variables over the file's values; the values of those that are none of its own, by target."""
        others: dict[str, Any] = {}
        for variable in VARIABLES:
            if variable.reader != "serve" or not variable.target:
                continue
            value = self.reader.value(variable.name)
            if value is not None and variable.target.startswith(_CONFIG):
                place, source = variable.target.removeprefix(_CONFIG), self.reader.sources[variable.name]
                self.layers.put(place, value, name=variable.name, source=source)
            elif value is not None:
                others[variable.target] = value
        return others

    def _lay_flags(self) -> None:
        if self.flags.demo and self.flags.host is None:
            self.layers.put("listen.host", DEMO_HOST, name="--demo", source="flag --demo")
        for name, place in (("host", "listen.host"), ("port", "listen.port"), ("workers", "workers")):
            value = getattr(self.flags, name)
            if value is not None:
                self.layers.put(place, value, name=f"--{name}", source=f"flag --{name}")

    def _config(self, demo_endpoint: str | None) -> Config:
        """The layers as one configuration, checked as a whole."""
        config = self.layers.config()
        self.problems += self.layers.problems
        if self.flags.demo:
            config = self._with_demo(config, demo_endpoint)
        if not self.layers.broken:
            self.problems += rules.contradictions(config, self.problems)
        ca_file, problems = rules.authorities(config.ca_file, self.path.parent)
        self.problems += problems
        return msgspec.structs.replace(config, ca_file=ca_file)

    def _with_demo(self, config: Config, endpoint: str | None) -> Config:
        """The stand-in goes first: the model ``demo`` is its own, whatever else the file says."""
        if DEMO in config.providers:
            self.problems.append(Problem(f"providers.{DEMO}", "taken by serve --demo; choose another name"))
        demo = Provider(endpoint=endpoint or DEMO_NOWHERE, models=(DEMO,), model_prefixes=())
        return msgspec.structs.replace(config, providers={DEMO: demo, **config.providers})

    def _log_settings(self, others: dict[str, Any], terminal: bool) -> LogSettings:
        given = {target.removeprefix(_LOG): value for target, value in others.items() if target.startswith(_LOG)}
        if self.flags.demo:
            given.setdefault("flush_interval_s", DEMO_FLUSH_S)
        log_format = self.flags.log_format
        if log_format not in LOG_FORMATS:
            self.problems.append(
                Problem("--log-format", f"expected {', '.join(LOG_FORMATS)}, got {quoted(log_format)}")
            )
        elif log_format == "line" or (log_format == "auto" and terminal):
            given["stdout_format"] = "line"
        return LogSettings(**given)

    def _snapshot(self, config: Config, log: LogSettings, others: dict[str, Any]) -> Snapshot:
        fallback = (self.demo_key or fresh_demo_key()) if self.flags.demo else None
        client, said = keys.client_keys(self.reader, fallback=fallback)
        provider, said_too = keys.provider_keys(config, self.reader)
        salts, said_last = keys.cache_salts(config, self.reader)
        store, said_of_store = self._store(config.ca_file)
        self.warnings += [*said, *said_too, *said_last, *said_of_store]
        return Snapshot(
            config=config,
            config_sha256=self.config_sha256,
            client_keys=client,
            provider_keys=provider,
            cache_salts=salts,
            spool_dir=location.spool_folder(self.reader, config.listen.port),
            demo=self.flags.demo,
            log=log,
            store=store,
            **{target: value for target, value in others.items() if not target.startswith(_LOG)},
        )

    def _store(self, ca_file: str | None) -> tuple[StoreSettings, list[str]]:
        if self.flags.demo:
            return demo_destination(self.reader, self.cwd), []
        return destination(self.reader, ca_file=ca_file)
