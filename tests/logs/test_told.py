import json

from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.told import read_told
from open_llm_proxy.logs.weave import weave

TOOLS = json.dumps([{"type": "function", "function": {"name": "query"}}])


def prompts(day="2026-04-07"):
    """What one recorder writes once a day, and what others are told."""
    stamp = {"timestamp": f"{day}T00:00:01.000000Z", "origin": "https://geo.example.org"}
    return [
        {**stamp, "type": "system_prompt", "system_sha256": "5" * 64, "content": "You are a geographer"},
        {**stamp, "type": "system_prompt", "system_sha256": "6" * 64, "content": "somebody else's"},
        {**stamp, "type": "tools", "tools_sha256": "7" * 64, "tools": TOOLS},
        {**stamp, "type": "tools", "tools_sha256": "8" * 64, "tools": "[]"},
    ]


def kinds(records):
    return sorted(record["type"] for record in records)


def test_the_records_of_a_conversations_calls_and_what_they_name(tool_loop, scribe, store_records):
    mine = [one | {"tools_sha256": "7" * 64} if one["type"] == "request" else one for one in tool_loop.records]
    stranger = {**mine[0], "request_id": "f" * 32, "session_id": "other", "system_sha256": "6" * 64}
    folder = Folder(store_records([*mine, stranger, *prompts(), *prompts()]))
    told = read_told(weave(mine), [folder])
    assert kinds(told) == [*["request"] * 3, *["response"] * 3, "system_prompt", "tools"]
    assert next(one["content"] for one in told if one["type"] == "system_prompt") == "You are a geographer"
    assert next(one["tools"] for one in told if one["type"] == "tools") == TOOLS


def test_in_a_bucket(tool_loop, bucket: Bucket):
    lines = "".join(json.dumps(one) + "\n" for one in (*tool_loop.records, *prompts()))
    bucket.write("2026-04-07/12-00-00-host-1-00ff.1.1.jsonl", lines.encode())
    told = read_told(weave(tool_loop.records), [bucket])
    assert kinds(told) == [*["request"] * 3, *["response"] * 3, "system_prompt"]


def test_what_is_in_no_file_yet(tool_loop, store_records):
    folder = Folder(store_records(tool_loop.records[:2]))
    unshipped = [*tool_loop.records[2:], {"type": "request", "request_id": "f" * 32}, *prompts()[:1]]
    told = read_told(weave(tool_loop.records), [folder], unshipped)
    assert kinds(told) == [*["request"] * 3, *["response"] * 3, "system_prompt"]


def test_nothing(store_records):
    assert read_told(weave([]), []) == []
