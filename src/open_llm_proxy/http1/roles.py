"""What a client connection asks of the other side: an application, and for each request a responder."""

from typing import TYPE_CHECKING, Protocol

from open_llm_proxy.http1.errors import ProtocolError
from open_llm_proxy.http1.flow import Turn
from open_llm_proxy.http1.head import RequestHead
from open_llm_proxy.http1.limits import EngineLimits

if TYPE_CHECKING:
    from open_llm_proxy.http1.downstream import Downstream


class Responder(Protocol):
    """One request's other side: it will call ``respond``, or ``start`` … ``finish``, on the connection."""

    def on_request(self, body: bytes) -> None:
        """The request is whole."""

    def on_refused(self, error: ProtocolError) -> bool:
        """The rest of the request cannot be read; the connection ends. True: it was answered as ``error`` says."""
        ...

    def on_gone(self) -> None:
        """The client left, or its connection was ended, before the answer was out."""

    def on_writable(self, writable: bool) -> None:
        """The client reads too slowly (False), or reads again (True)."""


class Application(Protocol):
    """What a worker gives each of its connections."""

    limits: EngineLimits
    turn: Turn
    draining: bool
    clock: float
    """The loop's time at the last sweep, seconds: deadlines need no better."""
    buffered_bytes: int
    """Request bodies held; each connection counts its own."""

    def connected(self, connection: "Downstream") -> None:
        """Count a new connection; where there are too many, turn it away."""

    def disconnected(self, connection: "Downstream") -> None:
        """It is gone."""

    def begin(self, connection: "Downstream", head: RequestHead, content_length: int) -> Responder:
        """A request's head has come; it may be answered at once."""
        ...

    def begin_whole(self, connection: "Downstream", head: RequestHead, content_length: int) -> Responder | None:
        """As ``begin``, where the body is here; None: it was answered from the head alone."""
        ...

    def refuse(self, connection: "Downstream", error: ProtocolError) -> None:
        """Answer a request that broke HTTP, with ``respond`` or ``start``/``finish``."""

    def on_error(self, error: BaseException) -> None:
        """An exception of ours was caught so that serving goes on."""
