"""The peek: the few body fields that routing and editing need, read leniently.

Only ``model`` is typed. Where msgspec refuses what clients do send (a lone surrogate from JavaScript that cut an emoji,
a BOM, NaN) the standard library's json is asked.
"""

import codecs
import json
import re
from codecs import utf_8_decode
from collections import Counter
from collections.abc import Sequence
from typing import Final, cast

import msgspec

from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.members import LENIENT, DuplicateKeyError, Member, scan, walk

_decode: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value: Final = msgspec.json.Decoder().decode
_BOUNDARY: Final = re.compile(rb';[ \t]*boundary=(?:"([^"]{1,200})"|([^ \t;"]{1,200})(?=[ \t;]|$))', re.IGNORECASE)
_DISPOSITION: Final = re.compile(rb"\r\ncontent-disposition:[ \t]*form-data[ \t]*(;[^\r\n]*)", re.IGNORECASE)
_PARAMETER: Final = re.compile(rb';[ \t]*([^ \t=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^ \t;]*))')
_PART_HEAD_BYTES: Final = 8192
_UTF8_SLICE_BYTES: Final = (
    8192  # the text of one is a block that the allocator has at hand; of a whole body, fresh pages
)


class Body:
    """A JSON body as it came, with its top-level values.

    ``duplicates`` are the keys that stand more than once (then ``values`` has the last). ``members`` gives the exact
    spans, for a splice; they are found when first asked for.
    """

    __slots__ = ("_members", "duplicates", "raw", "values")

    def __init__(
        self,
        raw: bytes,
        values: dict[str, msgspec.Raw],
        duplicates: frozenset[str] = frozenset(),
        members: Sequence[Member] | None = None,
    ) -> None:
        self.raw = raw
        self.values = values
        self.duplicates = duplicates
        self._members = members

    @property
    def members(self) -> Sequence[Member]:
        """The spans of all members; of a body with duplicates, only those that stand once are to be edited."""
        if self._members is None:
            self._members = walk(self.raw, self.values)
        return self._members

    def get(self, key: str) -> object:
        """A decoded value that we route or edit by; None where absent.

        Raises:
            Refusal: 400, it stands twice: parsers differ in which they take.
        """
        if key in self.duplicates:
            raise Refusal(errors.DUPLICATE_KEY, f"`{key}` stands twice in the body; send it once", param=key)
        value = self.values.get(key)
        return None if value is None else read_value(value)


def read_value(raw: msgspec.Raw | bytes) -> object:
    """One value; what only the standard library reads (NaN, a number out of range) is read by it.

    Raises:
        Refusal: 400, nested too deeply.
    """
    try:
        return _decode_value(raw)
    except msgspec.DecodeError:
        return LENIENT.decode(bytes(raw).decode())
    except RecursionError as error:
        raise Refusal(errors.BAD_JSON, "the body is nested too deeply") from error


def _repeated(keys: Sequence[str]) -> frozenset[str]:
    return frozenset(key for key, count in Counter(keys).items() if count > 1)


def _bom(raw: bytes) -> int:
    return len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0


def _members_by_scan(text: str, found: Sequence[tuple[str, int, int, int]], offset: int) -> list[Member]:
    """Character spans to byte spans."""
    members: list[Member] = []
    characters, position = 0, offset
    for key, *spans in found:
        edges: list[int] = []
        for span in spans:
            position += len(text[characters:span].encode())
            characters = span
            edges.append(position)
        members.append(Member(key, *edges))
    return members


def peek(raw: bytes) -> dict[str, msgspec.Raw] | None:
    """The top-level values of a body that is compact JSON with each key once, as most are; None: ``read_body`` it."""
    try:
        values = _decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    return values if _is_compact(raw, values) and _is_utf8(raw) else None


def _is_utf8(raw: bytes) -> bool:
    """Whether all of it is UTF-8. ``Raw`` values are not looked at by msgspec, and the text itself is not needed."""
    if raw.isascii():
        return True
    view = memoryview(raw)
    position, end = 0, len(raw)
    try:
        while position < end:
            stop = position + _UTF8_SLICE_BYTES
            position += utf_8_decode(view[position:stop], "strict", stop >= end)[1]
    except UnicodeDecodeError:
        return False
    return True


def _is_compact(raw: bytes, values: dict[str, msgspec.Raw]) -> bool:
    """Whether each key stands once and nothing but structure stands between: anything else makes the body longer."""
    return len(raw) == 1 + sum(map(len, values.values())) + len("".join(values)) + 4 * len(values)


def read_body(raw: bytes) -> Body:
    """The body of a JSON call.

    Raises:
        Refusal: 400: no body, not JSON, not UTF-8, nested too deeply, or no object.
    """
    try:
        values = _decode(raw)
        if not _is_utf8(raw):
            raw.decode()  # says where
        if _is_compact(raw, values):
            return Body(raw, values)
        return _locate(raw, values)
    except msgspec.ValidationError as error:
        raise Refusal(errors.NOT_OBJECT, f"the body must be a JSON object: {error}") from error
    except UnicodeDecodeError as error:
        raise Refusal(errors.BAD_JSON, f"the body is not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise Refusal(errors.BAD_JSON, "the body is nested too deeply") from error
    except msgspec.DecodeError as error:
        if not raw.strip():
            raise Refusal(errors.NO_BODY, "the request has no body; send a JSON object with `model`") from error
        return _read_leniently(raw)


def _locate(raw: bytes, values: dict[str, msgspec.Raw]) -> Body:
    try:
        return Body(raw, values, members=walk(raw, values))
    except DuplicateKeyError:
        text = raw.decode()
        found = scan(text)
        return Body(raw, values, _repeated([key for key, *_ in found]), _members_by_scan(text, found, 0))


def _read_leniently(raw: bytes) -> Body:
    try:
        text = raw.decode("utf-8-sig")
        found = scan(text)
        values = {key: msgspec.Raw(text[start:end].encode()) for key, _, start, end in found}
        return Body(raw, values, _repeated([key for key, *_ in found]), _members_by_scan(text, found, _bom(raw)))
    except UnicodeDecodeError as error:
        raise Refusal(errors.BAD_JSON, f"the body is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise Refusal(errors.BAD_JSON, f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise Refusal(errors.BAD_JSON, "the body is nested too deeply") from error
    except TypeError as error:
        raise Refusal(errors.NOT_OBJECT, "the body must be a JSON object") from error


def read_model(body: Body) -> str:
    """The requested model.

    Raises:
        Refusal: 400, it is not a non-empty string.
    """
    raw = body.values.get("model")
    model = body.get("model") if raw is not None else None
    if not isinstance(model, str) or not model.strip() or not _encodable(model):
        was = "is absent" if raw is None else f"is {bytes(raw)[:60].decode('utf-8', 'replace')}"
        raise Refusal(errors.NO_MODEL, f"`model` must be a non-empty string; it {was}", param="model")
    return model


def read_user_id(body: Body) -> object:
    """``metadata.user_id`` of a Messages request (https://docs.anthropic.com/en/api/messages)."""
    metadata = body.get("metadata")
    return cast("dict[str, object]", metadata).get("user_id") if isinstance(metadata, dict) else None


def _encodable(model: str) -> bool:
    try:
        model.encode()
    except UnicodeEncodeError:  # a lone surrogate names no model
        return False
    return True


def read_multipart_model(raw: bytes, content_type: bytes) -> str:
    """The ``model`` field of a multipart form (RFC 7578); the form itself is passed on as it came.

    Raises:
        Refusal: 400, no boundary, no such field, or an empty one.
    """
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise Refusal(errors.BAD_MULTIPART, "the content type names no boundary")
    delimiter = b"--" + (match[1] or match[2]).rstrip()
    found: bytes | None = None
    position = 0 if raw.startswith(delimiter) else raw.find(b"\r\n" + delimiter) + 2
    while raw.startswith(delimiter, position):
        start = position + len(delimiter)
        part_end = raw.find(b"\r\n" + delimiter, start)
        head_end = raw.find(b"\r\n\r\n", start, min(part_end, start + _PART_HEAD_BYTES))
        if raw.startswith(b"--", start) or part_end < 0:
            break
        if head_end >= 0 and _field_name(raw[start:head_end]) == b"model":
            if found is not None:
                raise Refusal(errors.DUPLICATE_KEY, "the form has `model` twice; send it once", param="model")
            found = raw[head_end + 4 : part_end]
        position = part_end + 2
    model = (found or b"").decode("utf-8", "replace").strip()
    if not model:
        raise Refusal(errors.NO_MODEL, "the form has no field `model`", param="model")
    return model


def _field_name(part_head: bytes) -> bytes | None:
    """The ``name`` of a form's part (RFC 7578 §4.2), whose header lines are each begun by CRLF."""
    disposition = _DISPOSITION.search(part_head)
    if disposition is None:
        return None
    for name, quoted, bare in _PARAMETER.findall(disposition[1]):
        if name.lower() == b"name":
            return quoted or bare
    return None
