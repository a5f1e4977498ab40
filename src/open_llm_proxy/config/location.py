"""Where things are: the configuration file, the ``.env`` file, the spool's folder."""

import sys
from pathlib import Path
from typing import Final

from open_llm_proxy.config.problems import Problem
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.errors import UserError

CONFIG_VARIABLE: Final = "OPEN_LLM_PROXY_CONFIG"
FILE_NAME: Final = "config.json"
ENV_FILE_NAME: Final = ".env"
APPLICATION: Final = "open-llm-proxy"
_LEAVE_OUT: Final = "for ./config.json, else the shipped configuration"


def locate(flag: str | None, variable: str | None, cwd: Path) -> Path:
    """The absolute path of the file to read, which need not be there.

    ``--config``, else ``$OPEN_LLM_PROXY_CONFIG``, else ``./config.json`` if it is there, else the shipped one.
    """
    named = flag or variable
    if named:
        return cwd / Path(named).expanduser()
    here = cwd / FILE_NAME
    return here if here.exists() else shipped_path()


def shipped_path() -> Path:
    """The configuration that comes with the package: beside this module, in a checkout at the root."""
    beside = Path(__file__).with_name("shipped.json")
    return beside if beside.exists() else Path(__file__).resolve().parents[3] / FILE_NAME


def read(path: Path, *, flag: str | None, variable: str | None) -> bytes:
    """The file's bytes.

    Raises:
        UserError: It can't be read; the remedy names what chose it.
    """
    if flag:
        remedy = f"Name one that exists with --config, or leave it out {_LEAVE_OUT}"
    elif variable:
        remedy = f"Name one that exists in {CONFIG_VARIABLE}, or unset it {_LEAVE_OUT}"
    else:
        remedy = "Name another with --config"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"there is no configuration file {path}", remedy) from None
    except OSError as error:
        raise UserError(f"can't read the configuration file {path}: {error.strerror}", remedy) from error


def env_file(flag: str | None, cwd: Path, *, demo: bool) -> Path | None:
    """The ``.env`` file to read: the one named; with ``demo`` the one in ``cwd``, if there is one; else none."""
    if flag:
        return cwd / Path(flag).expanduser()
    here = cwd / ENV_FILE_NAME
    return here if demo and here.exists() else None


def read_env_file(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        UserError: It can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}", "Name another with --env-file") from error


def spool_folder(reader: Reader, port: int, *, platform: str = sys.platform) -> str:
    """``SPOOL_DIR``, else ``open-llm-proxy/<port>`` in the user's state folder (XDG base directories; macOS's own)."""
    named = reader.folder("SPOOL_DIR")
    if named is not None:
        return named
    state = reader.standard("XDG_STATE_HOME")
    if state is None or not Path(state).is_absolute():  # the specification: a relative path is ignored
        home = Path(reader.standard("HOME") or "~").expanduser()
        if not home.is_absolute():
            reader.problems.append(Problem("SPOOL_DIR", "not set, and no home folder is known; set it to a folder"))
        inner = ("Library", "Application Support") if platform == "darwin" else (".local", "state")
        state = home.joinpath(*inner)
    return str(Path(state, APPLICATION, str(port)))
