"""The few paths that we answer ourselves: ``/``, ``/health``, ``/v1/models`` and ``/v1/models/{id}``.

They run on the same engine. Each is a function of the application; a **local answer** is the responder of a request
that needs nothing more.
"""

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote_to_bytes

import msgspec

from open_llm_proxy.http1.downstream import Downstream
from open_llm_proxy.http1.head import RequestHead
from open_llm_proxy.http1.roles import Responder
from open_llm_proxy.proxy import errors
from open_llm_proxy.proxy.endpoints.health import health
from open_llm_proxy.proxy.endpoints.local import LocalAnswer
from open_llm_proxy.proxy.endpoints.models import ModelLists, model_list
from open_llm_proxy.proxy.endpoints.root import root
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.relay import own_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from open_llm_proxy.proxy.application import ProxyApplication

MODELS: Final = b"/v1/models"
_encode = msgspec.json.Encoder().encode


class Endpoints:
    """The endpoints of one worker."""

    def __init__(self, app: "ProxyApplication") -> None:
        self._app = app
        self._open: dict[bytes, Callable[[ProxyApplication], object]] = {b"/": root, b"/health": health}
        self._lists = ModelLists(app)

    def owns(self, path: bytes) -> bool:
        """Whether ``path`` is one of ours, whatever the method."""
        return path in self._open or path == MODELS or path.startswith(MODELS + b"/")

    def reload(self) -> None:
        """The configuration changed: what was fetched for the old one is asked again."""
        self._lists.reload()

    def begin(self, connection: Downstream, head: RequestHead, request_id: str) -> Responder:
        """Answer a GET or HEAD."""
        path = head.path
        answer = LocalAnswer()
        make = self._open.get(path)
        if make is not None:
            self._send(connection, head, request_id, make(self._app))
            return answer
        refusal = self._app.check_key(head)
        if refusal is not None:
            self._app.answer_refusal(connection, refusal, head, request_id)
            return answer
        refresh = parse_qs(head.query.decode("latin-1")).get("refresh", ["false"])[-1].lower() in ("true", "1", "yes")

        def send() -> None:
            if answer.gone:
                return
            try:
                self._send_models(connection, head, path, request_id)
            except Exception as error:  # noqa: BLE001 - the others that wait for the same lists get their answers
                self._app.on_error(error)
                connection.abort()

        answer.when_whole(lambda: self._lists.fetch(send, refresh=refresh))
        return answer

    def _send_models(self, connection: Downstream, head: RequestHead, path: bytes, request_id: str) -> None:
        listed = model_list(self._lists)
        if path == MODELS:
            self._send(connection, head, request_id, listed)
            return
        wanted = unquote_to_bytes(path[len(MODELS) + 1 :]).decode("utf-8", "replace")
        for model in listed["data"]:
            if model["id"] == wanted:
                self._send(connection, head, request_id, model)
                return
        refusal = Refusal(errors.UNLISTED_MODEL, f"no provider lists the model '{wanted[:200]}'", param="model")
        self._app.answer_refusal(connection, refusal, head, request_id)

    def _send(self, connection: Downstream, head: RequestHead, request_id: str, value: object) -> None:
        body = _encode(value)
        lines = b"x-llm-request-id: %b\r\nx-request-id: %b\r\n" % (request_id.encode(), request_id.encode())
        lines += b"cache-control: no-store\r\n" + self._app.setup.cors.lines(head.fields.get(b"origin"))
        self._app.respond(connection, head, own_head(200, b"application/json", lines), body)
