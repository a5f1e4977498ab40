"""A bucket, by obstore. Each put is one request: the object is there whole or not at all."""

from collections.abc import Callable
from pathlib import Path

import obstore
from obstore.store import ObjectStore

from open_llm_proxy.errors import UserError
from open_llm_proxy.recorder.sinks import SinkError
from open_llm_proxy.store.faults import diagnose


class ObjectStoreSink:
    """Puts files into a store, opened at the first; ``name`` is what it is called in messages."""

    def __init__(self, connect: Callable[[], ObjectStore], name: str) -> None:
        self._connect = connect
        self._store: ObjectStore | None = None
        self._name = name

    def put(self, key: str, path: Path) -> None:
        """One request with the whole file.

        Raises:
            SinkError: With the store's reason, and what to do about it.
        """
        data = path.read_bytes()
        try:
            if self._store is None:
                self._store = self._connect()
            obstore.put(self._store, key, data, use_multipart=False)
        except UserError as error:
            raise SinkError("bucket", str(error)) from error
        except Exception as error:  # obstore's errors have several bases, Exception itself among them
            diagnosis = diagnose(error)
            raise SinkError(diagnosis.fault, f"{self._name}: {diagnosis}") from error
