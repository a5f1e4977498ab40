"""``GET /``: what this is."""

from typing import TYPE_CHECKING, Any

from open_llm_proxy import __version__

if TYPE_CHECKING:
    from open_llm_proxy.proxy.application import ProxyApplication


def root(app: "ProxyApplication") -> dict[str, Any]:
    """Name, version, providers, endpoints."""
    return {
        "name": "open-llm-proxy",
        "version": __version__,
        "providers": list(app.setup.providers),
        "endpoints": [
            "POST /v1/chat/completions",
            "POST /v1/{completions, embeddings, responses, messages, …}",
            "POST /chat",
            "GET /v1/models",
            "GET /v1/models/{id}",
            "GET /health",
        ],
    }
