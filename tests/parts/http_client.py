"""A plain HTTP caller (the standard library's), for exact bodies and headers."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.parts.proxy import Proxy


class Answer(NamedTuple):
    """What the proxy answered; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def request_id(self) -> str:
        return self.headers["x-llm-request-id"]


def send(
    proxy: Proxy,
    body: bytes | Mapping[str, Any] | None,
    path: str = "/v1/chat/completions",
    *,
    method: str = "POST",
    headers: Mapping[str, str] = {},
) -> http.client.HTTPConnection:
    """Send a request, with the proxy's key unless ``headers`` say otherwise, and do not wait for its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    fields = {"Authorization": f"Bearer {proxy.key}", "Content-Type": "application/json", **headers}
    connection.request(method, path, data, {name: value for name, value in fields.items() if value})
    return connection


def call(proxy: Proxy, *arguments: Any, **more: Any) -> Answer:
    """Send a request as ``send`` does and take its whole answer."""
    connection = send(proxy, *arguments, **more)
    try:
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    finally:
        connection.close()


def ask(text: str = "Hello", model: str = "m", **more: Any) -> dict[str, Any]:
    """A chat completion's body."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}
