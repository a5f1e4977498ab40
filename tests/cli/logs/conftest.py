"""A folder with a few calls of an hour ago, and one that is empty."""

import json
from datetime import UTC, datetime, timedelta

import pytest


@pytest.fixture
def reading(here):
    """``./logs`` with a session of two turns, one of which failed."""
    at = datetime.now(UTC) - timedelta(hours=1)
    records = []
    for number, said in enumerate(("How many parks?", "And <lakes>?")):
        common = {
            "request_id": f"{number:032x}", "session_id": "s-1", "origin": "https://geo.example.org", "client": None, "provider": "nrp",
            "model": "kimi",
        }  # fmt: skip
        stamp = f"{at + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S.%fZ}"
        records += [
            {"timestamp": stamp, "type": "request", **common, "message_count": 1 + 2 * number, "user_question": "How many parks?",
             "user_message_this_turn": said},
            {"timestamp": stamp, "type": "response", **common, "latency_ms": 1500, "status": 200, "content": f"Answer {number}",
             "error": "Provider returned 429: slow down" if number else None, "tokens": {"prompt_tokens": 8, "completion_tokens": 2}},
        ]  # fmt: skip
    day = here / "logs" / f"{at:%Y-%m-%d}"
    day.mkdir(parents=True)
    (day / "00-00-01-host-1-00ff.1.1.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return here / "logs"


@pytest.fixture
def empty(here):
    folder = here / "empty"
    folder.mkdir()
    return folder
