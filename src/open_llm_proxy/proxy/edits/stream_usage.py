"""``stream_usage``: ask for usage on streams when the client did not (OpenAI ``stream_options.include_usage``)."""

from open_llm_proxy.proxy.edits import nested
from open_llm_proxy.proxy.edits.changes import Changes
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.request import Body


def ask(body: Body, _model: str, changes: Changes) -> None:
    """Set ``stream_options.include_usage`` on a stream whose client did not say; a ``false`` of its own stays."""
    if body.get("stream") is not True:
        return
    try:
        options = nested.read(body, "stream_options")
    except Refusal:
        return  # the provider's to refuse
    if "include_usage" in options.values:
        return
    changes.set("stream_options", nested.put(options, "include_usage", value=True))
    changes.names.append("stream_usage")
