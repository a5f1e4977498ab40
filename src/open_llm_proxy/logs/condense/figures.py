"""What is compared before a source goes: of distinct records, so that doubles do not count."""

from typing import NamedTuple

from open_llm_proxy.errors import OpenLlmProxyError


class CondenseError(OpenLlmProxyError):
    """A file does not hold what it was made from, or cannot be made: its source stays."""


class Figures(NamedTuple):
    """``checksum`` is over the records' days, types and ids; it can be compared within one process only."""

    records: int
    requests: int
    responses: int
    checksum: int

    def check(self, expected: "Figures", what: str) -> None:
        """Hold these against those of the source.

        Raises:
            CondenseError: They differ.
        """
        if self == expected:
            return
        shown = f"{self.records} records, {self.requests} requests, {self.responses} responses"
        if self[:3] == expected[:3]:
            raise CondenseError(f"{what} holds other records than its source (their checksums differ)")
        raise CondenseError(
            f"{what} holds {shown}, its source {expected.records}, {expected.requests} and {expected.responses}"
        )
