"""A call that has ended, as metrics and traces see it: its frame's header, its record, and the kind of its error."""

from typing import Final, NamedTuple, Protocol

from open_llm_proxy.recorder.progress import Place
from open_llm_proxy.records.types import ResponseRecord
from open_llm_proxy.spool.frame import WORKER_ENDED, ResponseHeader

# How our own texts begin: contracts, as all of `error`'s texts are.
_BY_START: Final = (
    (WORKER_ENDED, "worker_ended"),
    ("Client disconnected", "client_gone"),
    ("Request timed out", "timeout"),
)
_BY_STATUS: Final = {500: "not_configured", 502: "unreachable", 503: "overloaded", 504: "timeout"}


class Answered(NamedTuple):
    """``header`` has times to the microsecond, ``record`` what was read of the body."""

    header: ResponseHeader
    record: ResponseRecord

    @property
    def kind(self) -> str | None:
        """The kind of error, one of ``ledger.KINDS``; None: the call went well."""
        if self.record.error is None:
            return None
        if self.header.error is not None:
            return _own_kind(self.header, self.header.error)
        return _provider_kind(self.header)


def _own_kind(header: ResponseHeader, error: str) -> str:
    """What went wrong on our side of the provider's answer, or before there was one."""
    for start, kind in _BY_START:
        if error.startswith(start):
            return kind
    if header.provider_status is not None:
        return "cut_off"
    if header.status == 0:  # the client had left, and did not see what became of it
        return "unreachable" if header.attempts else "refused"
    return _BY_STATUS.get(header.status, "refused")


def _provider_kind(header: ResponseHeader) -> str:
    status = header.provider_status or 0
    if status == 429:
        return "rate_limited"
    if status >= 500:
        return "provider_failed"
    if status >= 400:
        return "provider_refused"
    return "bad_answer" if header.complete else "cut_off"


class Observer(Protocol):
    """Who is told of calls that have ended, each once a process, in the order of their frames."""

    def observe(self, place: Place, answered: Answered) -> None:
        """The frame at ``place`` of the spool was recorded."""

    def forget(self, directory: str) -> None:
        """No more frames come of this directory."""
