"""Which certificate authorities a store's certificate may be of, beside the system's."""

from pathlib import Path
from typing import Final

from open_llm_proxy.config.reader import Reader
from open_llm_proxy.errors import UserError

VARIABLE: Final = "LOGS_CA_FILE"
_COMMON: Final = "AWS_CA_BUNDLE"
"""What other clients of S3 read."""
_CONFIG: Final = "OPEN_LLM_PROXY_CONFIG"


def ca_file_of(reader: Reader) -> str | None:
    """The PEM file that a variable names, else the proxy's own; None: the system's authorities are enough.

    Raises:
        UserError: A variable names what is no such file.
    """
    for name, path in ((VARIABLE, reader.folder(VARIABLE)), (_COMMON, reader.standard(_COMMON))):
        if path is not None:
            return _checked(name, path)
    return _of_config(reader) if reader.standard(_CONFIG) else None


def _of_config(reader: Reader) -> str | None:
    """As the proxy has it; nothing where it would not start."""
    from open_llm_proxy.config.load import Flags, load  # noqa: PLC0415 - all of the configuration, for what few set

    try:
        loaded = load(Flags(config=reader.standard(_CONFIG)), {}, cwd=Path.cwd())
    except UserError:
        return None
    return loaded.snapshot.config.ca_file


def _checked(name: str, path: str) -> str:
    import ssl  # noqa: PLC0415 - as above

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise UserError(f"{name}: {path} holds no certificates in PEM form", _REMEDY) from error
    except OSError as error:
        raise UserError(f"{name}: {path} can't be read: {error.strerror}", _REMEDY) from error
    return path


_REMEDY: Final = "Name the file with the certificate of the authority that signed the store's"
