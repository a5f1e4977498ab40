"""Frames to records, records to lines: what the recorder calls.

::

    build_request(frame, context, known)   -> BuiltRequest(record, dedup)
    build_response(frame, context)         -> ResponseRecord
    build_ended(request_header, at_ns, context) -> ResponseRecord    "worker ended"
    encode(record)                         -> the line, without its newline
    encode_line_for_stdout(record, n)      -> the same with texts cut to n characters
"""

from open_llm_proxy.records.context import Context
from open_llm_proxy.records.encode import encode, encode_line_for_stdout
from open_llm_proxy.records.full import dedup_key
from open_llm_proxy.records.request import BuiltRequest, build_request
from open_llm_proxy.records.response import build_ended, build_response

__all__ = [
    "BuiltRequest",
    "Context",
    "build_ended",
    "build_request",
    "build_response",
    "dedup_key",
    "encode",
    "encode_line_for_stdout",
]
