"""Reading the configuration again: the new one if it is right, what is wrong with it if not, what needs a restart."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from open_llm_proxy.config.load import Flags, Loaded, load
from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.config.snapshot import Snapshot
from open_llm_proxy.config.watch import Watch
from open_llm_proxy.errors import UserError
from open_llm_proxy.telemetry import diagnostics

POLL_S: Final = 2.0


class ConfigSource:
    """Where the configuration came from, and what it said last.

    Args:
        flags: The command line.
        environ: The process's environment.
        cwd: What relative paths start at.
        stdout_is_terminal: Decides the log format ``auto``.
        demo_endpoint: Chat URL of the stand-in upstream, with ``--demo``.

    Raises:
        ConfigError: Everything that is wrong with it.
        UserError: There is no file to read.
    """

    def __init__(
        self,
        flags: Flags,
        environ: Mapping[str, str],
        *,
        cwd: Path,
        stdout_is_terminal: bool = False,
        demo_endpoint: str | None = None,
    ) -> None:
        self._flags = flags
        self._environ = environ
        self._cwd = cwd
        self._terminal = stdout_is_terminal
        self._demo_endpoint = demo_endpoint
        self.loaded = self._load(None)
        self._watch = Watch(self.loaded.watched)

    @property
    def snapshot(self) -> Snapshot:
        """The accepted configuration."""
        return self.loaded.snapshot

    def changed(self) -> bool:
        """Whether a file that was read holds something else now; each change is reported once."""
        return self._watch.changed()

    def reload(self) -> Snapshot | None:
        """Read it again; None, with the reasons on stderr and the old one kept, when it is wrong."""
        before = self.loaded
        try:
            loaded = self._load(before.snapshot)
        except UserError as error:
            for line in error_lines(error):
                diagnostics.say("error", line)
            diagnostics.say("error", "the configuration was not reloaded; the one before stays in force")
            return None
        for place in restart_needed(before.snapshot, loaded.snapshot):
            diagnostics.say("warning", f"{place} changed: takes effect at the next start")
        for warning in loaded.warnings:
            if warning not in before.warnings:
                diagnostics.say("warning", warning)
        self._watch = Watch(loaded.watched)
        self.loaded = msgspec.structs.replace(loaded, snapshot=pinned(before.snapshot, loaded.snapshot))
        diagnostics.say("info", f"configuration reloaded from {loaded.path}")
        return self.loaded.snapshot

    def _load(self, before: Snapshot | None) -> Loaded:
        return load(
            self._flags,
            self._environ,
            cwd=self._cwd,
            stdout_is_terminal=self._terminal,
            demo_endpoint=self._demo_endpoint,
            demo_key=_demo_key(before),
        )


def _demo_key(before: Snapshot | None) -> str | None:
    if before is None or not before.demo:
        return None
    return next((key.key for key in before.client_keys if key.name == "default"), None)


def error_lines(error: UserError) -> tuple[str, ...]:
    """A heading and a line a mistake, or the one line with its remedy."""
    return error.lines if isinstance(error, ConfigError) else (str(error),)


def restart_needed(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """The places that a running ``serve`` cannot change."""
    for place in ("listen", "metrics", "workers"):
        if getattr(before.config, place) != getattr(after.config, place):
            yield place
    # The default spool goes with the port, which was said already.
    if before.spool_dir != after.spool_dir and before.config.listen == after.config.listen:
        yield "SPOOL_DIR"


def pinned(before: Snapshot, after: Snapshot) -> Snapshot:
    """``after`` with what cannot change as it was: a child started later must find the spool that is locked."""
    kept = before.config
    config = msgspec.structs.replace(after.config, listen=kept.listen, metrics=kept.metrics, workers=kept.workers)
    return msgspec.structs.replace(after, config=config, spool_dir=before.spool_dir)
