"""Records in chunk files of a folder or bucket, and in plain Python what condensing them has to give."""

import hashlib
import json
from collections import defaultdict
from datetime import datetime, timedelta

import duckdb


def request(request_id, at, session="s-1", **more):
    record = {
        "timestamp": at,
        "type": "request",
        "request_id": request_id,
        "session_id": session,
        "origin": "https://geo.example.org/run-1",
        "client": "geo-agent/v3",
        "provider": "nrp",
        "model": "kimi",
        "message_count": 2,
        "enable_thinking": True,
        "user_question": "How many parks?",
        "user_message_this_turn": "How many parks?",
        "tool_results_this_turn": None,
        "key": "default",
    }
    return record | more


def response(request_id, at, session="s-1", content="42", **more):
    record = {
        "timestamp": at,
        "type": "response",
        "request_id": request_id,
        "session_id": session,
        "origin": "https://geo.example.org/run-1",
        "provider": "nrp",
        "model": "kimi",
        "latency_ms": 500,
        "has_content": content is not None,
        "has_tool_calls": False,
        "tool_calls": None,
        "content": content,
        "reasoning_content": None,
        "tokens": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.5},
        "error": None,
        "status": 200,
    }
    return record | more


def prompt(sha, at):
    return {"timestamp": at, "type": "system_prompt", "origin": None, "system_sha256": sha, "content": "Be brief."}


def stamp(day, second):
    return f"{datetime.fromisoformat(day) + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S.%fZ}"


def put_lines(source, day, lines, name="12-00-00-host-1-00ff.1.1"):
    source.write(f"{day}/{name}.jsonl", b"".join(line + b"\n" for line in lines))


def put(source, records, name="12-00-00-host-1-00ff.1.1"):
    """One chunk file a day."""
    by_day = defaultdict(list)
    for record in records:
        by_day[record["timestamp"][:10]].append(json.dumps(record).encode())
    for day, lines in by_day.items():
        put_lines(source, day, lines, name)


def keys(source, prefix=""):
    return [file.key for file in source.list(prefix)]


def rows(source, table, columns, tmp_path, where="true"):
    """Of all files of a table, sorted; read with plain DuckDB, from copies."""
    found = []
    connection = duckdb.connect()
    # One path has many contents here; the cache would give one file's blocks for another's.
    connection.execute("SET TimeZone = 'UTC'; SET enable_external_file_cache = false")
    for file in source.list(f"{table}/"):
        copy = tmp_path / "copy.parquet"
        source.copy_out(file.key, copy)
        found += connection.execute(f"SELECT {columns} FROM '{copy}' WHERE {where}").fetchall()
        copy.unlink()
    connection.close()
    return sorted(found, key=repr)


# --- the model -----------------------------------------------------------------------------------------------------


def day_of(record):
    return record["timestamp"][:10]


def next_day(day):
    return (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()


def identity(record):
    hashed = {"system_prompt": "system_sha256", "tools": "tools_sha256"}
    return record.get("request_id") or record.get(hashed.get(record["type"], ""))


def expected_records(records):
    """(day, type, id, text) of each, doubles dropped: the earliest stays, then the lowest hash of its text."""
    kept = {}
    for record in records:
        key = (day_of(record), record["type"], identity(record))
        text = json.dumps(record)
        rank = (record["timestamp"], hashlib.md5(text.encode()).hexdigest())
        if key not in kept or rank < kept[key][0]:
            kept[key] = (rank, text)
    return {key: text for key, (_, text) in kept.items()}


def expected_turns(records, period_of=day_of):
    """(session, turn_idx, request day, id, answer's time, its content) of each request."""
    distinct = [json.loads(text) for text in expected_records(records).values()]
    answers = {(day_of(one), one["request_id"]): one for one in distinct if one["type"] == "response"}
    asked = {(day_of(one), one["request_id"]) for one in distinct if one["type"] == "request"}
    sessions = defaultdict(list)
    for one in distinct:
        if one["type"] == "request":
            sessions[period_of(one), one["session_id"]].append(one)
    turns = set()
    for (_, session), requests in sessions.items():
        requests.sort(key=lambda one: (one["timestamp"], one["request_id"]))
        for number, one in enumerate(requests, 1):
            day, key = day_of(one), one["request_id"]
            answer = answers.get((day, key))
            if answer is None and (next_day(day), key) not in asked:
                answer = answers.get((next_day(day), key))
            told = (answer["timestamp"], answer["content"]) if answer else (None, None)
            turns.add((session, number, day, key, *told))
    return turns


TURN_COLUMNS = """session_key, turn_idx, strftime(request_ts, '%Y-%m-%d'), request_id,
strftime(response_ts, '%Y-%m-%dT%H:%M:%S.%fZ'), assistant_content"""


def check(source, records, tmp_path, *, month_of=None):
    """Hold what is stored against the model; ``month_of``: sessions are counted over months."""
    found = rows(source, "consolidated", "strftime(ts, '%Y-%m-%d'), type, request_id, entry", tmp_path)
    model = expected_records(records)
    assert sorted((day, kind, entry) for day, kind, _, entry in found) == sorted(
        (day, kind, text) for (day, kind, _), text in model.items()
    )
    turns = rows(source, "sessions", TURN_COLUMNS, tmp_path)
    assert len(turns) == len(set(turns))
    assert set(turns) == expected_turns(records, month_of or day_of)
    rolled = rows(source, "session-rollup", "session_key, turns, unanswered_turns", tmp_path)
    counted = defaultdict(lambda: [0, 0])
    for session, _, day, _, answered, _ in turns:
        count = counted[(month_of or day_of)({"timestamp": day}), session]
        count[0] += 1
        count[1] += answered is None
    assert rolled == sorted(((session, *count) for (_, session), count in counted.items()), key=repr)
