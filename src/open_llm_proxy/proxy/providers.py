"""A provider made ready: everything about it that does not change from call to call, computed once."""

import ssl
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from open_llm_proxy.config.schema import Provider
from open_llm_proxy.http1.pool import Origin, Pool
from open_llm_proxy.proxy.edits import Edits

CHAT_SUFFIX: Final = "/chat/completions"
FORWARDED: Final = (
    b"content-type",
    b"accept",
    b"accept-encoding",
    b"user-agent",
    b"anthropic-version",
    b"anthropic-beta",
    b"openai-beta",
    b"idempotency-key",
    b"x-client-request-id",
    b"traceparent",
    b"tracestate",
)
"""Client headers that go upstream; never its keys, cookies, origin or addresses."""


def _lines(fields: dict[str, str]) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in fields.items())


def is_messages(path: bytes) -> bool:
    """Whether a path is of the Messages API (``/v1/messages``, ``…/count_tokens``), with keys and errors of its own."""
    return path == b"/v1/messages" or path.startswith(b"/v1/messages/")


class ReadyProvider:
    """One provider: where calls go, with which head lines and edits.

    ``key`` None: none goes upstream, or (``key_missing``) it should and is not set.
    """

    def __init__(
        self,
        name: str,
        provider: Provider,
        *,
        key: str | None,
        salt: str | None,
        tls: ssl.SSLContext,
        forward: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.name_line = f"x-llm-provider: {name}\r\n".encode("latin-1", "replace")
        self.settings = provider
        self.pool: Pool | None = None
        self.log_content = provider.log_content
        self.on_client_gone = provider.on_client_gone
        self.key_missing = provider.api_key_env is not None and key is None
        self.edits = Edits(provider, salt)
        url = urlsplit(provider.endpoint)
        secure = url.scheme == "https"
        host = url.hostname or ""
        self.origin = Origin(host, url.port or (443 if secure else 80), tls if secure else None)
        self._chat_path = (url.path or "/").encode()
        self._base_path = url.path.removesuffix(CHAT_SUFFIX).rstrip("/").encode()
        self._query = url.query.encode()
        extra = {header.lower() for header in provider.extra_headers}
        self.forward = {
            name: name + b": " for name in (*FORWARDED, *(name.lower().encode() for name in forward))
            if name.decode() not in extra
        }  # fmt: skip
        self._host_line = f"host: {url.netloc.rpartition('@')[2]}\r\n".encode()
        self._extra_lines = _lines(provider.extra_headers)
        self._bearer_lines = _lines({"authorization": f"Bearer {key}"}) if key else b""
        self._x_api_key = provider.models_auth == "x-api-key"
        self._x_api_key_lines = _lines({"x-api-key": key}) if key and "x-api-key" not in extra else b""
        version = {} if "anthropic-version" in extra else {"anthropic-version": provider.anthropic_version}
        self._anthropic_version_line = _lines(version)
        models = urlsplit(provider.models_endpoint) if provider.models_endpoint else None
        self._models_url = models
        self.models_origin = self.origin
        if models is not None and models.hostname:
            models_secure = models.scheme == "https"
            self.models_origin = Origin(
                models.hostname, models.port or (443 if models_secure else 80), tls if models_secure else None
            )

    def request_lines(self, path: bytes, query: bytes, fields: dict[bytes, bytes]) -> bytes:
        """Request line and fields of a call upstream, without ``content-length`` and empty line.

        ``path`` is the client's, ``/chat`` (the older name) or ``/v1/…``; ``fields`` its headers, of which only an
        allow-list goes on.
        """
        x_api_key = self._x_api_key and is_messages(path)
        parts = [self._prefix(path, query, self._x_api_key_lines if x_api_key else self._bearer_lines)]
        forward = self.forward
        for name, value in fields.items():
            if name in forward:
                parts += (forward[name], value, b"\r\n")
        if x_api_key and b"anthropic-version" not in fields:
            parts.append(self._anthropic_version_line)
        return b"".join(parts)

    def _prefix(self, path: bytes, query: bytes, keys: bytes) -> bytes:
        chat = path in (b"/chat", b"/v1/chat/completions")
        target = self._chat_path if chat else self._base_path + path.removeprefix(b"/v1")
        joined = b"&".join(part for part in (self._query, query) if part)
        if joined:
            target += b"?" + joined
        return b"POST %b HTTP/1.1\r\n%b%b%b" % (target, self._host_line, keys, self._extra_lines)

    def models_request(self) -> bytes:
        """The whole request for the provider's model list."""
        if self._models_url is not None:
            path = (self._models_url.path or "/") + (f"?{self._models_url.query}" if self._models_url.query else "")
            target = path.encode()
            host = f"host: {self._models_url.netloc.rpartition('@')[2]}\r\n".encode()
        else:
            target, host = self._base_path + b"/models", self._host_line
        keys = self._x_api_key_lines + self._anthropic_version_line if self._x_api_key else self._bearer_lines
        return b"GET %b HTTP/1.1\r\n%b%b%baccept: application/json\r\n\r\n" % (target, host, keys, self._extra_lines)
