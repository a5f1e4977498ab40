"""LOGGING.md's code blocks, and the calls whose records its queries are asked of."""

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.parts import answers
from tests.parts.bucket import Bucket
from tests.parts.http_client import ask, call
from tests.parts.model_upstream import ModelUpstream
from tests.parts.processes import wait_until
from tests.parts.proxy import Proxy, provider, run_proxy

PAGE: Final = Path(__file__).parents[2] / "LOGGING.md"
ORIGIN: Final = "https://geo.example.org"
SESSION: Final = "0b6e9a1e-3c55-4d80-9df5-2a8f3f1e7c11"
SYSTEM: Final = {"role": "system", "content": "You are a geographer."}
CALLS: Final = 6


class Block(NamedTuple):
    """A code block under a heading."""

    heading: str
    language: str
    text: str


def blocks_of(page: str) -> list[Block]:
    heading, found = "", []
    for match in re.finditer(
        r"^#+ (?P<heading>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", page, re.MULTILINE | re.DOTALL
    ):
        heading = match["heading"] or heading
        if match["text"]:
            found.append(Block(heading, match["language"], match["text"]))
    return found


BLOCKS: Final = blocks_of(PAGE.read_text())


def converse(proxy: Proxy, upstream: ModelUpstream) -> None:
    """Six calls: a tool loop in a session, another app's, one without a session, a failure, one that keeps no text."""
    headers = {"Origin": ORIGIN, "X-Client": "geo-agent/v3.13.1"}
    question = {"role": "user", "content": "Where is Rome?"}
    upstream.play(answers.answer(answers.dump(answers.chat(None, tool_calls=[answers.TOOL_CALL]))))
    tools: dict[str, Any] = {"model": "m", "user": SESSION, "tools": [answers.TOOL]}
    assert call(proxy, {**tools, "messages": [SYSTEM, question]}, headers=headers).status == 200
    said = {"role": "assistant", "content": None, "tool_calls": [answers.TOOL_CALL]}
    result = {"role": "tool", "tool_call_id": "call_1", "content": "In Italy"}
    call(proxy, {**tools, "messages": [SYSTEM, question, said, result]}, headers=headers)
    call(proxy, ask("And Paris?", user="free text"), headers={"Origin": "https://other.example.org"})
    call(proxy, ask("Nobody's"), headers=headers)
    assert call(proxy, ask(model="error-429"), headers=headers).status == 429
    call(proxy, ask("please forget me", user="shy"), headers={**headers, "X-Log-Content": "none"})


def open_to_everybody(bucket: Bucket) -> None:
    """Let anybody list and read it."""
    resources = [f"arn:aws:s3:::{bucket.name}", f"arn:aws:s3:::{bucket.name}/*"]
    allowed = {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject", "s3:ListBucket"]}
    policy = {"Version": "2012-10-17", "Statement": [{**allowed, "Resource": resources}]}
    bucket.client.put_bucket_policy(Bucket=bucket.name, Policy=json.dumps(policy))


def fill(bucket: Bucket, upstream: ModelUpstream, place: Path) -> None:
    """Let a proxy with this store answer the calls."""
    env = {**bucket.environment(), "LOG_CAPTURE_MODE": "full"}
    with run_proxy(place, provider(upstream.endpoint), env=env) as proxy:
        converse(proxy, upstream)
        wait_until(lambda: proxy.health()["logging"]["records"]["shipped"] == 2 * CALLS, "all records in the bucket")
