"""Which calls are wanted: by app, model, session, or only those that went wrong."""

import msgspec

from open_llm_proxy.answers.answer import as_text
from open_llm_proxy.logs.calls import Call
from open_llm_proxy.logs.session_key import session_key_of


class CallFilter(msgspec.Struct, frozen=True, kw_only=True):
    """``origin`` and ``model`` are a part of the name, in any case; ``session`` an id or key, or its beginning."""

    origin: str | None = None
    model: str | None = None
    session: str | None = None
    errors: bool = False

    def takes(self, call: Call) -> bool:
        """Whether a call is wanted."""
        if not (_is_in(self.origin, call.field("origin")) and _is_in(self.model, call.field("model"))):
            return False
        if self.session is not None and not self._is_of_session(call):
            return False
        return not self.errors or is_failed(call)

    def _is_of_session(self, call: Call) -> bool:
        keys = (as_text(call.field("session_id")), session_key_of(call.first))
        return any(key is not None and key.startswith(self.session or "") for key in keys)


def is_failed(call: Call) -> bool:
    """Whether a call has come to its end and not to a good one."""
    if call.response is None:
        return False
    status = call.response.get("status")
    return bool(call.response.get("error")) or (isinstance(status, int) and status >= 400)


def _is_in(part: str | None, text: object) -> bool:
    return part is None or (isinstance(text, str) and part.lower() in text.lower())
