"""``stream_usage``: ask for usage on streams when the client did not (OpenAI ``stream_options.include_usage``)."""

import msgspec

from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.request import Body

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def ask(body: Body, _model: str, changes: Changes) -> None:
    """Set ``stream_options.include_usage`` on a stream whose client did not say; a ``false`` of its own stays."""
    if body.get("stream") is not True:
        return
    raw = body.values.get("stream_options")
    options: dict[str, msgspec.Raw] = {}
    if raw is not None and bytes(raw) != b"null":
        try:
            options = _decode_object(raw)
        except msgspec.ValidationError:
            return  # the provider's to refuse
        if "include_usage" in options:
            return
    changes.set("stream_options", {**options, "include_usage": True})
    changes.names.append("stream_usage")
