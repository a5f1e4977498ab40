"""``GET /health``: open, for all three probes; ``healthy`` while calls are served, whatever the logs do."""

import time
from typing import TYPE_CHECKING, Any, Final

from open_llm_proxy.telemetry import scoreboard as board

if TYPE_CHECKING:
    from open_llm_proxy.proxy.application import ProxyApplication

STORE_STATES: Final = ("none", "ok", "failing")


def health(app: "ProxyApplication") -> dict[str, Any]:
    """Providers and the log side, over all workers of this ``serve``."""
    setup = app.setup
    return {
        "status": "healthy",
        "providers": {
            name: {"configured": not provider.key_missing, "endpoint": provider.settings.endpoint}
            for name, provider in setup.providers.items()
        },
        "proxy_key_configured": bool(setup.keyring),
        "logging": _logging(app.board),
        "unauthorized": app.board.total(board.UNAUTHORIZED),
    }


def _logging(counts: board.Scoreboard) -> dict[str, Any]:
    total = counts.total
    requests, responses = total(board.WINDOW_REQUESTS), total(board.WINDOW_RESPONSES)
    recorded = total(board.RECORDED)
    oldest_ns = counts.slot(board.RECORDER_SLOT)[board.OLDEST_UNSHIPPED_NS]
    state = counts.slot(board.RECORDER_SLOT)[board.STORE_STATE]
    return {
        "last_window": {
            "requests": requests,
            "responses": responses,
            "ratio": round(responses / requests, 3) if requests else None,
        },
        "windows_checked": total(board.WINDOWS_CHECKED),
        "imbalance_windows": total(board.IMBALANCE_WINDOWS),
        "swallowed_exceptions": total(board.SWALLOWED),
        "buffer_depth": total(board.FRAMES_WAITING),
        "records": {
            "accepted": total(board.ACCEPTED),
            "spooled": total(board.SPOOLED),
            "recorded": recorded,
            "shipped": total(board.SHIPPED),
            "lost": total(board.LOST),
            "unreadable": total(board.UNREADABLE),
        },
        "store": {
            "state": STORE_STATES[min(state, 2)],
            "last_error": counts.text(board.RECORDER_SLOT) or None,
            "oldest_unshipped_s": round(max(0.0, time.time() - oldest_ns / 1e9), 1) if oldest_ns else 0,
            "outbox_files": total(board.OUTBOX_FILES),
            "outbox_bytes": total(board.OUTBOX_BYTES),
            "shipped_files": total(board.SHIPPED_FILES),
            "failed_attempts": total(board.FAILED_ATTEMPTS),
        },
    }
