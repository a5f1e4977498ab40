"""Days of made-up records, as chunk files: ``python -m bench.corpus FOLDER --records 1000000``.

Sessions of a few turns with tool calls, several apps and models, now and then an error; about 4 KB a record, text that
compresses as prose does. The same seed makes the same bytes.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from open_llm_proxy.records.types import RequestRecord, ResponseRecord, ToolCallRecord, ToolResultRecord

DAY = "2026-11-01"
CHUNK_FILES = 288  # one each five minutes
TURNS = 5
ORIGINS = ("https://maps.example.org", "https://fish.example.org/run-7", "https://carbon.example.org", None)
MODELS = (("nrp", "kimi"), ("nrp", "qwen3"), ("openrouter", "anthropic/claude-sonnet-4"), ("nimbus", "nemotron"))
_WORDS = 4000
_PROSE_BYTES = 4 << 20
_encode = msgspec.json.Encoder().encode


class Prose:
    """Text to cut pieces from: words as often as in a language, numbers and names between them."""

    def __init__(self, source: random.Random) -> None:
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        weights = [1 / (rank + 1) for rank in range(len(letters))]
        words = ["".join(source.choices(letters, weights, k=source.randint(2, 11))) for _ in range(_WORDS)]
        chosen = source.choices(words, [1 / (rank + 10) for rank in range(_WORDS)], k=_PROSE_BYTES // 6)
        chosen[::17] = [str(source.randint(1, 10**6)) + ("\n" if source.random() < 0.3 else ".") for _ in chosen[::17]]
        self._text = " ".join(chosen)
        self._source = source

    def cut(self, mean: int) -> str:
        """A piece of about ``mean`` characters, long ones rarely."""
        length = min(int(self._source.expovariate(1 / mean)) + 8, mean * 12)
        start = self._source.randrange(len(self._text) - length)
        return self._text[start : start + length]


@dataclass(slots=True)
class Session:
    """Who asks, and how often so far."""

    origin: str | None
    provider: str
    model: str
    session_id: str | None
    question: str
    turns: int = 0


def make_calls(day: str, calls: int, seed: int = 1) -> Iterator[tuple[RequestRecord, ResponseRecord]]:
    """The two records of each call of a day, in the order of the requests."""
    source = random.Random(f"{seed} {day}")
    prose = Prose(source)
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    step = timedelta(days=1) / calls
    open_sessions: list[Session] = []
    for number in range(calls):
        if not open_sessions or source.random() < 1 / TURNS:
            origin, (provider, model) = source.choice(ORIGINS), source.choice(MODELS)
            session = f"{source.getrandbits(128):032x}" if source.random() < 0.9 else None
            open_sessions.append(Session(origin, provider, model, session, prose.cut(200)))
            if len(open_sessions) > 64:
                open_sessions.pop(0)
        yield _make_call(source, prose, start + step * number, source.choice(open_sessions))


def _make_call(
    source: random.Random, prose: Prose, at: datetime, session: Session
) -> tuple[RequestRecord, ResponseRecord]:
    turn, question = session.turns, session.question
    session.turns += 1
    identity: dict[str, Any] = {
        "request_id": f"{int(at.timestamp() * 1e6):016x}{source.getrandbits(64):016x}",
        "session_id": session.session_id,
        "client": "geo-agent/v3.13.1",
        "origin": session.origin,
        "provider": session.provider,
        "model": session.model,
        "endpoint": "/v1/chat/completions",
        "key": "default",
        "content_logged": True,
        "truncated": [],
        "proxy_version": "1.0.0",
        "host": "llm-proxy-7f9c",
    }
    results = [ToolResultRecord(f"call_{source.getrandbits(64):x}", prose.cut(4100))] if turn else None
    request = RequestRecord(
        timestamp=_stamp(at),
        message_count=2 + 2 * turn,
        tools_count=7,
        enable_thinking=source.choice((None, True, False)),
        user_question=question,
        user_message_this_turn=question if not turn else prose.cut(120),
        tool_results_this_turn=results,
        stream=True,
        request_bytes=source.randint(2000, 200000),
        client_request_id=None,
        params='{"temperature":0.2,"max_tokens":4096,"tool_choice":"auto"}',
        system_sha256=f"{source.getrandbits(256):064x}",
        tools_sha256=f"{source.getrandbits(256):064x}",
        edits=[],
        config_sha256=f"{source.getrandbits(256):064x}",
        request_sha256=f"{source.getrandbits(256):064x}",
        **identity,
    )
    return request, _make_response(source, prose, at, identity)


def _make_response(source: random.Random, prose: Prose, at: datetime, identity: dict[str, Any]) -> ResponseRecord:
    latency_ms = int(source.expovariate(1 / 6000)) + 50
    failed = source.random() < 0.02
    calls = source.random() < 0.6 and not failed
    content = None if failed else prose.cut(900 if calls else 1500)
    reasoning = None if failed else prose.cut(1000)
    sql = f"SELECT {prose.cut(400)} FROM read_parquet('s3://public/data.parquet')"
    arguments = _encode({"sql_query": sql}).decode()
    prompt, completion = source.randint(500, 60000), source.randint(10, 3000)
    tokens = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": prompt // 2},
        "cost": round(prompt * 3e-6 + completion * 15e-6, 6),
    }
    return ResponseRecord(
        timestamp=_stamp(at + timedelta(milliseconds=latency_ms)),
        latency_ms=latency_ms,
        has_content=content is not None,
        has_tool_calls=calls,
        has_reasoning_content=reasoning is not None,
        content=content,
        content_preview=content and content[:200],
        reasoning_content=reasoning,
        reasoning_content_preview=reasoning and reasoning[:200],
        tool_calls=[ToolCallRecord(f"call_{source.getrandbits(64):x}", "query", arguments)] if calls else None,
        tokens=None if failed else tokens,
        error="Provider returned 503: " + prose.cut(200) if failed else None,
        status=503 if failed else 200,
        ttft_ms=None if failed else latency_ms // 4,
        finish_reason=None if failed else "tool_calls" if calls else "stop",
        refusal=None,
        choices=None,
        attempts=1,
        attempt_log=[],
        upstream_model=str(identity["model"]),
        upstream_request_id=f"{source.getrandbits(64):x}",
        completion_id=f"chatcmpl-{source.getrandbits(64):x}",
        response_bytes=len(content or "") + 800,
        response_sha256=f"{source.getrandbits(256):064x}",
        **identity,
    )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def write_day(folder: Path, day: str, records: int, *, files: int = CHUNK_FILES, seed: int = 1) -> int:
    """A day's chunk files in the bucket's layout; their bytes. Each call's answer stands next to its request."""
    (folder / day).mkdir(parents=True, exist_ok=True)
    calls, size = records // 2, 0
    made = make_calls(day, calls, seed)
    for number in range(files):
        minutes = 24 * 60 * number // files
        name = f"{minutes // 60:02d}-{minutes % 60:02d}-00-llm-proxy-7f9c-17-{seed:016x}.{number}.{number}.jsonl"
        with (folder / day / name).open("wb") as file:
            for _ in range(calls * number // files, calls * (number + 1) // files):
                for record in next(made):
                    size += file.write(_encode(record) + b"\n")
    return size


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.corpus", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=250_000, help="of one day (%(default)s)")
    parser.add_argument("--days", nargs="+", default=[DAY], help="YYYY-MM-DD … (%(default)s)")
    options = parser.parse_args(arguments)
    for day in options.days:
        size = write_day(options.folder, day, options.records)
        print(f"{day}: {options.records} records, {size / 1e9:.2f} GB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
