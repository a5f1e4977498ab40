"""The authenticated client of a call, and all that its head says: derived once for each head, shared by its calls."""

from typing import Final, TypeAlias

from open_llm_proxy.http1.head import RequestHead
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.auth import CALLER_CHARACTERS, identity
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.providers import ReadyProvider, is_messages
from open_llm_proxy.proxy.request import read_value
from open_llm_proxy.proxy.setup import Setup

CHAT_PATHS: Final = (b"/v1/chat/completions", b"/chat")
PLANS_REMEMBERED: Final = 64
SESSIONS_REMEMBERED: Final = 64
REMEMBERED_BYTES: Final = 256

Identity: TypeAlias = tuple[str, str, str | None, str, str | None, str | None]
"""``endpoint, provider, model, key, origin, client``: so they stand in a frame's header."""

_JSON_TYPES: Final = (b"application/json", b"*/*", b"")
_MULTIPART: Final = b"multipart/form-data"


def cut(user: str) -> str:
    """A session's id as records show it; a lone surrogate cannot stand in a frame."""
    return user[:CALLER_CHARACTERS].encode("utf-8", "replace").decode()


class Caller:
    """Identity fields as records show them (512 characters at most), and what the head decides for the whole call."""

    __slots__ = (
        "chat",
        "client",
        "client_request_id",
        "content_logged",
        "content_type",
        "cors_lines",
        "endpoint",
        "fields",
        "key",
        "messages",
        "multipart",
        "origin",
        "path",
        "plain",
        "plans",
        "query",
        "refusal",
        "session_id",
        "sessions",
        "setup",
        "traceparent",
    )

    def __init__(self, setup: Setup, key: str, head: RequestHead) -> None:
        # Not the head itself: that keeps this object, and the two would be left to the garbage collector.
        fields = self.fields = head.fields
        self.path, self.query = head.path, head.query
        self.setup = setup
        self.key = key
        self.endpoint = head.path.decode()
        self.chat = head.path in CHAT_PATHS
        self.messages = is_messages(head.path)
        self.origin = identity(fields.get(b"origin") or fields.get(b"referer"))
        self.client = identity(fields.get(b"x-client"))
        self.session_id = identity(fields.get(b"x-session-id"))
        self.client_request_id = identity(fields.get(b"x-request-id"))
        self.content_type = identity(fields.get(b"content-type"))
        self.traceparent = identity(fields.get(b"traceparent"))
        self.content_logged = setup.log_content and fields.get(b"x-log-content", b"").lower() != b"none"
        self.cors_lines = setup.cors.lines(fields.get(b"origin"))
        kind = fields.get(b"content-type", b"").partition(b";")[0].strip().lower()
        self.multipart = kind == _MULTIPART
        self.plain = not self.multipart and not self.messages
        self.refusal = _refusal(fields, kind)
        self.plans: dict[bytes, Plan] = {}
        self.sessions: dict[bytes, str | None] = {}

    def identity(self, provider: str, model: str | None) -> Identity:
        """What both frames of a call tell of it first."""
        return self.endpoint, provider, model, self.key, self.origin, self.client

    def session(self, raw_user: bytes) -> str | None:
        """The session that the JSON of a body's ``user`` names: itself if it is a string, else the head's."""
        sessions = self.sessions
        if raw_user in sessions:
            return sessions[raw_user]
        user = read_value(raw_user)
        session_id = cut(user) if isinstance(user, str) else self.session_id
        if len(sessions) >= SESSIONS_REMEMBERED:
            sessions.clear()
        if len(raw_user) <= REMEMBERED_BYTES:
            sessions[raw_user] = session_id
        return session_id

    def wants_less(self) -> bool:
        """Whether the caller asked that its texts be kept out of the record."""
        return self.fields.get(b"x-log-content", b"").lower() == b"none"

    def plan(self, raw_model: bytes, model: str, provider: ReadyProvider) -> "Plan":
        """What all calls of this caller to this model have in common; ``raw_model`` is the JSON of ``model``."""
        plan = Plan(self, model, provider)
        if len(self.plans) >= PLANS_REMEMBERED:
            self.plans.clear()
        if len(raw_model) <= REMEMBERED_BYTES:
            self.plans[raw_model] = plan
        return plan


class Plan:
    """Where a caller's calls to a model go, and the bytes that are the same in each of them."""

    __slots__ = ("answer_lines", "between_bytes_s", "content_logged", "edits", "identity", "provider", "request_lines")

    def __init__(self, caller: Caller, model: str, provider: ReadyProvider) -> None:
        self.identity = caller.identity(provider.name, model)
        self.between_bytes_s = caller.setup.limits.between_bytes_s
        self.provider = provider
        self.edits = provider.edits
        self.content_logged = caller.content_logged
        if provider.log_content is not None:  # the caller can only lessen
            self.content_logged = provider.log_content and not caller.wants_less()
        self.request_lines = provider.request_lines(caller.path, caller.query, caller.fields)
        self.answer_lines = caller.cors_lines + provider.name_line


def _refusal(fields: dict[bytes, bytes], kind: bytes) -> Refusal | None:
    if fields.get(b"content-encoding", b"identity").lower() != b"identity":
        return Refusal(errors.BAD_TYPE, "send the body uncompressed: it is routed by its `model`")
    if kind not in _JSON_TYPES and kind != _MULTIPART and not kind.endswith(b"+json"):
        shown = kind.decode("latin-1")
        return Refusal(
            errors.BAD_TYPE, f"content type `{shown}` cannot be routed; send application/json or multipart/form-data"
        )
    return None
