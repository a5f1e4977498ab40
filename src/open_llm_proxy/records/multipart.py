"""Multipart forms (RFC 7578) as a record shows them: fields as text, files as their type, size and hash."""

import re
from typing import Any, Final

from open_llm_proxy.answers.answer import Object
from open_llm_proxy.records.omit import omitted

MAX_PARTS: Final = 256
_MAX_FIELD_BYTES: Final = 65536
_BOUNDARY: Final = re.compile(r';\s*boundary=(?:"([^"]{1,200})"|([^\s;,"]{1,200}))', re.IGNORECASE)
_NAME: Final = re.compile(rb';\s*name=(?:"([^"]*)"|([^\s;"]+))', re.IGNORECASE)
_FILE: Final = re.compile(rb";\s*filename\*?=", re.IGNORECASE)
_TYPE: Final = re.compile(rb"^content-type:[ \t]*([^\r\n;]+)", re.IGNORECASE | re.MULTILINE)
_DISPOSITION: Final = re.compile(rb"^content-disposition:[^\r\n]*", re.IGNORECASE | re.MULTILINE)


def read_form(body: bytes, content_type: str) -> Object | None:
    """The form's fields by name, a list where a name comes twice; None where the body is no multipart form."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None or not content_type.lower().startswith("multipart/"):
        return None
    delimiter = b"\r\n--" + (boundary[1] or boundary[2]).encode("latin-1", "replace")
    form: Object = {}
    for part in (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)[1 : MAX_PARTS + 1]:
        if part.startswith(b"--"):
            break
        head, _, data = part.partition(b"\r\n\r\n")
        _add(form, head, data)
    return form


def _add(form: Object, head: bytes, data: bytes) -> None:
    disposition = _DISPOSITION.search(head)
    name = _NAME.search(disposition[0]) if disposition else None
    if disposition is None or name is None:
        return
    key = (name[1] or name[2] or b"").decode("utf-8", "replace")
    value = _value(head, data, is_file=_FILE.search(disposition[0]) is not None)
    if key not in form:
        form[key] = value
    elif isinstance(form[key], list):
        form[key].append(value)
    else:
        form[key] = [form[key], value]


def _value(head: bytes, data: bytes, *, is_file: bool) -> Any:
    kind = _TYPE.search(head)
    media_type = kind[1].decode("latin-1").strip().lower() if kind else "text/plain"
    if is_file or len(data) > _MAX_FIELD_BYTES or not media_type.startswith(("text/", "application/json")):
        return omitted(media_type if kind else "application/octet-stream", data)
    return data.decode("utf-8", "replace")
