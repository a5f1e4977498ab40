"""Counts calls that have ended in the ledger, for ``/metrics``; the labels stay few, whatever clients send."""

from typing import Final

from open_llm_proxy.answers.usage import normalise
from open_llm_proxy.recorder.answered import Answered
from open_llm_proxy.recorder.progress import Place
from open_llm_proxy.spool.frame import ResponseHeader
from open_llm_proxy.telemetry.ledger import LATENCY, OTHER, OWN, TTFT, UPSTREAM, Labels, Ledger, Row

MODELS: Final = 100
"""So many models that the configuration does not name get a label of their own; the rest are ``other``."""
MOST_TOKENS: Final = 1 << 40
"""A provider that counts more in one call cannot count."""


class Meter:
    """An ``Observer``. ``models`` are those that the configuration names.

    Calls that ended before this ``serve`` began are not counted: an earlier one did, or died.
    """

    def __init__(self, ledger: Ledger, models: frozenset[str]) -> None:
        self._ledger = ledger
        self.models = models
        self._others = {labels.model for labels, _ in ledger.rows()} - {OTHER}

    def observe(self, place: Place, answered: Answered) -> None:
        """Count one call, unless it was counted before this process began."""
        header = answered.header
        if header.at_ns < self._ledger.begun_ns or self._ledger.is_counted(*place):
            return
        row = self._ledger.row(Labels(header.provider, self._model_label(header), header.key))
        row.count_call(header.status)
        kind = answered.kind
        if kind is not None:
            row.count_error(kind)
        _count_tokens(row, answered.record.tokens)
        if answered.record.latency_ms is not None:
            _observe_times(row, header)

    def forget(self, directory: str) -> None:
        """The directory's place is free."""
        self._ledger.forget(directory)

    def _model_label(self, header: ResponseHeader) -> str:
        """The model, if it is configured or has answered: what clients make up does not use labels up."""
        model = header.model
        if model is None:
            return OTHER
        if model in self.models or model in self._others:
            return model
        if header.provider_status is None or header.provider_status >= 400 or len(self._others) >= MODELS:
            return OTHER
        self._others.add(model)
        return model


def _count_tokens(row: Row, usage: object) -> None:
    tokens = normalise(usage)
    for which, count in (("input", tokens.prompt), ("output", tokens.completion), ("cached_input", tokens.cached)):
        if count is not None and 0 <= count <= MOST_TOKENS:
            row.count_tokens(which, count)


def _observe_times(row: Row, header: ResponseHeader) -> None:
    row.observe(LATENCY, header.latency_us)
    if header.ttft_us is not None and header.provider_status is not None and header.provider_status < 400:
        row.observe(TTFT, header.ttft_us)
    if header.attempts:
        row.observe(OWN, header.own_us)
        row.observe(UPSTREAM, header.latency_us - header.own_us)
