"""Where records go: one file a sink, none knows another.

**stdout** takes lines; **folder** and **object_store** take chunk files.
"""

from pathlib import Path
from typing import Protocol

from open_llm_proxy.errors import OpenLlmProxyError
from open_llm_proxy.store.faults import Fault


class SinkError(OpenLlmProxyError):
    """A sink did not take a file. ``fault`` says of what kind that is; ``other``: it may be this file's own."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class FileSink(Protocol):
    """Takes finished files. The same key may come again, with the same content: after a try whose end nobody saw."""

    def put(self, key: str, path: Path) -> None:
        """Store the file at ``path`` under ``key``; on return it is there for good.

        Raises:
            SinkError: It is not, as far as can be told.
        """
        ...
