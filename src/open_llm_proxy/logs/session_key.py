"""What calls of one session have in common (records.md's formula, as the views have it in SQL)."""

import hashlib

from open_llm_proxy.answers.answer import Object, as_text


def session_key_of(request: Object) -> str:
    """The session's id; where the caller sent none, a key of its origin and first question."""
    session_id = as_text(request.get("session_id"))
    if session_id is not None:
        return session_id
    origin, question = (request.get(name) or "" for name in ("origin", "user_question"))
    text = f"{origin}|{question}".encode("utf-8", "replace")
    return f"anon:{hashlib.md5(text, usedforsecurity=False).hexdigest()}"
