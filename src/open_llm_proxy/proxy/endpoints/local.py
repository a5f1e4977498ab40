"""The responder of a request that we answer ourselves."""

from collections.abc import Callable

from open_llm_proxy.http1.errors import ProtocolError


class LocalAnswer:
    """It has nothing to do but to know whether its client is still there; ``when_whole`` runs after the request."""

    __slots__ = ("_then", "gone")

    def __init__(self) -> None:
        self.gone = False
        self._then: Callable[[], None] | None = None

    def when_whole(self, then: Callable[[], None]) -> None:
        """What to do once the request has been read to its end."""
        self._then = then

    def on_request(self, body: bytes) -> None:  # noqa: ARG002 - a GET's body means nothing (RFC 9110 §9.3.1)
        """The request is whole."""
        then, self._then = self._then, None  # it may hold this object: no cycle is left
        if then is not None:
            then()

    def on_refused(self, error: ProtocolError) -> bool:  # noqa: ARG002 - the error is the application's to answer
        """The request's rest cannot be read."""
        self.on_gone()
        return False

    def on_gone(self) -> None:
        """The client left."""
        self.gone = True
        self._then = None

    def on_writable(self, writable: bool) -> None:
        """Our answers are small."""
