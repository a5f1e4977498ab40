"""How much JSON is read: a few megabytes of brackets become a gigabyte of objects.

A request's body is cut where it has had too many values, and is from there on a body whose capture was cut: what there
is, is read, and the record says so. Long texts, tables in texts and binary data are no matter. A text within it that is
JSON of so many values is scrubbed as free text.
"""

import re
from typing import Final

MOST_VALUES: Final = 200_000
FREE_BYTES: Final = 1 << 20
"""A body of this size cannot hold too many."""

_MARKS: Final = (b",", b"[", b"{")
# Strings, so that what is in them does not count; the groups are possessive: linear on hostile text.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([,\[{])', re.DOTALL)


def readable_part(body: bytes) -> bytes:
    """The body up to its 200,000th value; the same object where it has fewer."""
    if len(body) <= FREE_BYTES or sum(map(body.count, _MARKS)) <= MOST_VALUES:
        return body
    values = 0
    for match in _TOKEN.finditer(body):
        if match.lastindex:
            values += 1
            if values > MOST_VALUES:
                return body[: match.start()]
    return body


def has_too_many_values(text: str) -> bool:
    """Whether a JSON text has; what stands within its strings counts, too."""
    return len(text) > FREE_BYTES and sum(map(text.count, ",[{")) > MOST_VALUES
