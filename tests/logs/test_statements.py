"""The statements' meaning, each on few rows: lines to records, records to turns, turns to sessions."""

import contextlib
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from open_llm_proxy.answers.usage import Tokens, normalise
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.statements import no_rows, quote, quote_all, statement
from open_llm_proxy.store.schema import CONSOLIDATED, ROLLUP, SESSIONS

DAY = "2026-11-25"


class Tables:
    """Lines of JSON as the three tables."""

    def __init__(self, folder):
        self.connection = connect(())
        self.folder = folder
        self.chunk = folder / "chunk.jsonl"

    def write(self, *records):
        lines = [one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in records]
        self.chunk.write_bytes(b"".join(lines))
        lines_of = statement("raw_lines", files=quote_all([str(self.chunk)]))
        records_of = statement("records_from_raw", lines=f"({lines_of})")
        self.connection.execute(f"CREATE OR REPLACE TABLE records AS {records_of}")
        self.connection.execute(f"CREATE OR REPLACE TABLE turns AS {statement('turns', records='records')}")
        self.connection.execute(f"CREATE OR REPLACE TABLE sessions AS {statement('sessions', turns='turns')}")
        return self

    def rows(self, sql):
        """Rows as dicts; times as text in UTC."""
        found = self.connection.sql(sql)
        names = [
            f"strftime({name} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS {name}"
            if "TIME ZONE" in str(kind)
            else name
            for name, kind in zip(found.columns, found.types, strict=True)
        ]
        found = found.project(", ".join(names))
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def row(self, sql):
        (found,) = self.rows(sql)
        return found


@pytest.fixture
def tables(tmp_path):
    return Tables(tmp_path)


def at(clock, day=DAY):
    return f"{day}T{clock}.000001Z"


def request(request_id="a", clock="10:00:00", day=DAY, **more):
    return {"timestamp": at(clock, day), "type": "request", "request_id": request_id, **more}


def response(request_id="a", clock="10:00:01", day=DAY, **more):
    return {"timestamp": at(clock, day), "type": "response", "request_id": request_id, **more}


class TestRecords:
    def test_columns_are_the_schemas(self, tables):
        tables.write(request())
        for table, columns in (("records", CONSOLIDATED), ("turns", SESSIONS), ("sessions", ROLLUP)):
            described = tables.connection.sql(f"DESCRIBE {table}").fetchall()
            kinds = [(name, kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")) for name, kind, *_ in described]
            assert kinds == list(columns), table
        none = tables.connection.sql(f"SELECT * FROM {no_rows(ROLLUP)}")
        assert none.columns == [column.name for column in ROLLUP]
        assert none.fetchall() == []

    def test_each_field_has_its_column(self, tables):
        said = request(
            session_id="s", origin="https://o", client="c", provider="p", model="m", message_count=3, tools_count=2,
            enable_thinking=True, user_question="q", user_message_this_turn="u", stream=False, key="k", endpoint="/e",
            tool_results_this_turn=[{"tool_call_id": "t", "content": "r"}],
        )  # fmt: skip
        row = tables.write(said).row("FROM records")
        assert row["ts"] == at("10:00:00")
        assert json.loads(row.pop("tool_results")) == said.pop("tool_results_this_turn")
        assert json.loads(row.pop("entry")) == said | {
            "tool_results_this_turn": [{"tool_call_id": "t", "content": "r"}]
        }
        del said["timestamp"]
        assert said.items() <= row.items()
        assert {name for name, value in row.items() if value is None} == {
            "latency_ms", "has_tool_calls", "has_content", "tool_calls", "tokens", "error", "status", "ttft_ms",
            "finish_reason", "upstream_model",
        }  # fmt: skip

    def test_an_entry_is_the_line_verbatim(self, tables):
        line = b'{"timestamp": "2026-11-25T10:00:00Z",  "type":"request", "request_id":"\\u0061", "x":1.50}'
        assert tables.write(line + b"\n").row("SELECT entry, request_id FROM records") == {
            "entry": line.decode(),
            "request_id": "a",
        }

    def test_null_is_null_in_columns_of_json_too(self, tables):
        tables.write(response(tokens=None, tool_calls=None))
        assert tables.row("SELECT tokens, tool_calls FROM records") == {"tokens": None, "tool_calls": None}

    def test_torn_lines_and_what_is_no_record_are_left_out(self, tables):
        whole = json.dumps(request()).encode()
        tables.write(
            whole[:40] + b"\n", whole + whole + b"\n", b"\n", b"no json\n", b'{"x":"\xff"}\n', b"[1]\n", b'"s"\n', b"{}\n",
            request("b"), whole[:-1],
        )  # fmt: skip
        assert tables.rows("SELECT request_id FROM records") == [{"request_id": "b"}]

    def test_a_field_of_another_type_is_null_not_an_error(self, tables):
        tables.write(
            request(message_count={"a": 1}, enable_thinking="perhaps", stream=[]),
            response("b", latency_ms="long", status=10**30, tokens="many", model={"x": 1}),
            {"timestamp": 17, "type": "request", "request_id": 12345678},
            {"timestamp": "soon", "type": "response", "request_id": "c"},
        )
        rows = tables.rows("SELECT ts, request_id, message_count, latency_ms, status FROM records ORDER BY request_id")
        assert [tuple(row.values()) for row in rows] == [
            (None, "12345678", None, None, None),
            (at("10:00:00"), "a", None, None, None),
            (at("10:00:01"), "b", None, None, None),
            (None, "c", None, None, None),
        ]

    @pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kolkata"])
    @pytest.mark.parametrize(
        "written",
        ["2026-11-25T10:00:00", "2026-11-25T10:00:00Z", "2026-11-25T02:00:00-08:00", "2026-11-25 10:00:00+00"],
    )
    def test_a_time_is_the_same_in_any_session_zone(self, tables, zone, written):
        tables.connection.execute(f"SET TimeZone = '{zone}'")
        tables.write(request() | {"timestamp": written})
        assert tables.row("SELECT epoch_us(ts) AS us FROM records")["us"] == 1795600800000000


class TestTurns:
    def test_a_turn_is_a_request_with_its_answer(self, tables):
        tables.write(
            request(session_id="s", user_question="q", user_message_this_turn="u", origin="o"),
            response(
                content="c", reasoning_content="r", latency_ms=5, tokens={"total_tokens": 1}, status=200, error=None
            ),
        )
        row = tables.row("FROM turns")
        expected = {
            "session_key": "s", "session_id": "s", "turn_idx": 1, "request_ts": at("10:00:00"),
            "response_ts": at("10:00:01"), "request_id": "a", "user_question": "q", "user_message_this_turn": "u",
            "assistant_content": "c", "reasoning_content": "r", "latency_ms": 5, "tokens": '{"total_tokens":1}',
            "status": 200,
        }  # fmt: skip
        assert expected.items() <= row.items()

    def test_a_key_is_made_where_there_is_no_session_id(self, tables):
        tables.write(request(origin="https://o", user_question="q"), request("b", user_question=None))
        keys = {row["request_id"]: row["session_key"] for row in tables.rows("FROM turns")}
        assert keys == {
            "a": "anon:" + hashlib.md5(b"https://o|q").hexdigest(),
            "b": "anon:" + hashlib.md5(b"|").hexdigest(),
        }

    def test_turns_are_numbered_by_time_then_id(self, tables):
        tables.write(
            request("b", session_id="s"), request("a", session_id="s"), request("c", "09:00:00", session_id="s"),
            request("d", session_id="t"),
        )  # fmt: skip
        numbers = {row["request_id"]: row["turn_idx"] for row in tables.rows("FROM turns")}
        assert numbers == {"c": 1, "a": 2, "b": 3, "d": 1}

    def test_an_unanswered_request_is_a_turn_and_an_answer_alone_is_none(self, tables):
        tables.write(request("a"), response("b"))
        assert tables.row("SELECT request_id, response_ts FROM turns") == {"request_id": "a", "response_ts": None}

    def test_an_answer_after_midnight_is_its_requests(self, tables):
        tables.write(request("a", "23:59:59"), response("a", "00:00:03", "2026-11-26", content="late"))
        assert tables.row("SELECT assistant_content FROM turns") == {"assistant_content": "late"}

    def test_an_id_that_comes_again_answers_its_own_day(self, tables):
        tables.write(
            request("8digits0"), response("8digits0", content="first"),
            request("8digits0", day="2026-11-26"), response("8digits0", day="2026-11-26", content="second"),
            request("8digits0", day="2026-12-09"),
        )  # fmt: skip
        rows = tables.rows("SELECT assistant_content FROM turns ORDER BY request_ts")
        assert [row["assistant_content"] for row in rows] == ["first", "second", None]

    def test_an_id_that_comes_again_on_the_next_day_does_not_lose_its_late_answer(self, tables):
        tables.write(
            request("8digits0", "23:59:59"), response("8digits0", "00:00:01", "2026-11-26", content="late"),
        )  # fmt: skip
        assert [row["assistant_content"] for row in tables.rows("FROM turns")] == ["late"]

    def test_an_answer_two_days_later_is_no_answer(self, tables):
        tables.write(request("a"), response("a", day="2026-11-27"))
        assert tables.row("SELECT response_ts FROM turns") == {"response_ts": None}


def counted(connection, usages):
    """What ``token_counts`` makes of usage objects, in their order."""
    lines = [json.dumps(usage) for usage in usages]
    found = connection.execute(
        "SELECT unnest(token_counts(line::JSON)) FROM (SELECT unnest($1) AS line, generate_subscripts($1, 1) AS number) "
        "ORDER BY number",
        [lines],
    )
    return [Tokens(prompt, completion, total, cached) for prompt, completion, cached, total, _ in found.fetchall()]


COUNTS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**9), st.floats(-1e9, 1e9), st.sampled_from(["", "12", "many", [], {}])
)
DETAILS = st.one_of(COUNTS, st.dictionaries(st.sampled_from(["cached_tokens", "audio_tokens"]), COUNTS))
USAGES = st.one_of(
    COUNTS,
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens",
                "cache_read_input_tokens", "cache_creation_input_tokens", "cost",
            ),
            COUNTS,
        )
        | {"prompt_tokens_details": DETAILS, "input_tokens_details": DETAILS},
    ),
)  # fmt: skip


class TestTokenCounts:
    @settings(max_examples=20, deadline=None)
    @given(st.lists(USAGES, min_size=10, max_size=20))
    def test_they_are_those_of_the_proxy(self, usages):
        with contextlib.closing(connect(())) as connection:
            assert counted(connection, usages) == list(map(normalise, usages))

    def test_each_shape(self):
        shapes = [
            {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}},
            {"prompt_tokens": 9, "prompt_tokens_details": None, "input_tokens_details": {"cached_tokens": 4}},
            {"input_tokens": 9, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 0}},
            {"input_tokens": 9, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 3},
            {"input_tokens": 9, "cache_creation_input_tokens": 5},
            {"prompt_tokens": 114, "input_tokens": 9, "cache_read_input_tokens": 100},  # a router that gives both
            {"prompt_tokens": 114, "cache_read_input_tokens": 100, "completion_tokens": 0},
            {"cache_read_input_tokens": 100, "output_tokens": 3},
            {"total_tokens": 5},
            {"prompt_tokens": 2.9, "completion_tokens": -2.9, "total_tokens": "5"},
            {"prompt_tokens": True, "input_tokens": 3},
            {},
            [],
            "usage",
            None,
        ]
        assert counted(connect(()), shapes) == list(map(normalise, shapes))

    @pytest.mark.parametrize("count", [2**63 - 1, 10**30, 10**400])
    def test_no_count_is_too_large_to_be_read(self, count):
        usage = {"input_tokens": count, "cache_read_input_tokens": count, "output_tokens": count, "cost": count}
        counted(connect(()), [usage])

    def test_a_cost_is_a_number(self):
        costs = [0.25, 3, "0.5", True, None, {}]
        found = [
            connect(()).execute("SELECT token_counts($1::JSON).cost_usd", [json.dumps({"cost": cost})]).fetchall()[0][0]
            for cost in costs
        ]
        assert found == [0.25, 3.0, None, None, None, None]


USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "prompt_tokens_details": {"cached_tokens": 4}}


class TestSessions:
    def test_sums_and_ends(self, tables):
        tables.write(
            request("a", "10:00:00", session_id="s", origin="https://geo.example.org/run-7", client="c1", model="m1",
                    provider="p1", user_question="q", user_message_this_turn="first"),
            response("a", "10:00:05", tokens=USAGE | {"cost": 0.5}, latency_ms=5000, content="",
                     tool_calls=[{"id": "t"}, {"id": "u"}]),
            request("b", "10:00:06", session_id="s", client="c2", model="m2", provider="p2", origin="https://other",
                    user_question="q", user_message_this_turn="second"),
            response("b", "10:00:07.5".replace(".5", ""), tokens=USAGE, latency_ms=1000, content="the answer"),
            request("c", "10:00:08", session_id="s", model="m1"),
            response("c", "10:00:10", error="Provider returned 500: x", latency_ms=2000),
        )  # fmt: skip
        row = tables.row("FROM sessions")
        assert row == {
            "session_key": "s", "session_id": "s", "session_key_synthetic": False,
            "origin": "https://geo.example.org/run-7", "app": "geo", "run_tag": "/run-7", "client": "c1", "model": "m1",
            "provider": "p1", "models_used": 2, "question": "first", "turns": 3, "tool_calls_total": 2,
            "prompt_tokens": 20, "completion_tokens": 10, "cached_tokens": 8, "total_tokens": 30, "cost_usd": 0.5,
            "cost_turns": 1, "llm_ms_total": 8000, "wall_clock_s": 10.0, "error_turns": 1, "unanswered_turns": 0,
            "status": "error", "final_error": "Provider returned 500: x", "final_answer": "the answer",
            "started_at": at("10:00:00"), "finished_at": at("10:00:10"),
        }  # fmt: skip

    def test_what_was_not_reported_is_no_cost_of_zero(self, tables):
        row = tables.write(request(), response()).row("FROM sessions")
        assert (row["cost_usd"], row["cost_turns"], row["total_tokens"], row["tool_calls_total"]) == (None, 0, 0, 0)
        assert tables.write(request(), response(tokens={"cost": 0})).row("FROM sessions")["cost_usd"] == 0

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (None, "incomplete"),
            ({}, "ok"),
            ({"error": "Request Timed Out after 5ms"}, "timeout"),
            ({"error": "Provider returned 402: Budget Limit exceeded"}, "budget_capped"),
            ({"error": "your credit balance is too low"}, "budget_capped"),
            ({"error": "This requires more credits"}, "budget_capped"),
            ({"error": "Provider returned 500: x"}, "error"),
        ],
    )
    def test_its_status_is_its_last_turns(self, tables, answer, status):
        last = [] if answer is None else [response("b", "10:01:01", **answer)]
        tables.write(request(session_id="s"), response(error="x"), request("b", "10:01:00", session_id="s"), *last)
        assert tables.row("SELECT status FROM sessions")["status"] == status

    @pytest.mark.parametrize(
        ("origin", "app", "run_tag"),
        [
            (None, None, None),
            ("https://geo.example.org", "geo", None),
            ("http://localhost:8080/run/1?x=/y#z", "localhost", "/run/1"),
            ("https://user@maps.example.org/", "maps", "/"),
            ("https://Maps.example.org?x=/y", "maps", None),
            ("null", "null", None),
            ("bare.example.org", "bare", None),
        ],
    )
    def test_app_and_run_come_from_the_origin(self, tables, origin, app, run_tag):
        row = tables.write(request(origin=origin)).row("SELECT app, run_tag FROM sessions")
        assert row == {"app": app, "run_tag": run_tag}

    def test_the_first_turns_fields_are_kept_though_they_are_null(self, tables):
        tables.write(request(session_id="s"), request("b", "10:00:02", session_id="s", model="m", user_question="q"))
        row = tables.row("SELECT model, question, models_used FROM sessions")
        assert row == {"model": None, "question": None, "models_used": 1}

    def test_a_key_of_ours_is_said_to_be_synthetic(self, tables):
        row = tables.write(request(user_question="q")).row("SELECT session_key_synthetic, session_id FROM sessions")
        assert row == {"session_key_synthetic": True, "session_id": None}

    @pytest.mark.parametrize(
        ("tokens", "counts"),
        [
            ({"input_tokens": 3, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}}, (3, 4, 2, 7)),
            (
                {
                    "input_tokens": 3,
                    "output_tokens": 4,
                    "cache_read_input_tokens": 10,
                    "cache_creation_input_tokens": 5,
                },
                (18, 4, 10, 22),
            ),
            ({"prompt_tokens": "x", "total_tokens": 9}, (0, 0, 0, 9)),
            ("none", (0, 0, 0, 0)),
        ],
    )
    def test_tokens_have_other_names_elsewhere(self, tables, tokens, counts):
        row = tables.write(request(), response(tokens=tokens)).row("FROM sessions")
        assert (row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"], row["total_tokens"]) == counts


def test_text_is_quoted():
    assert quote("it's") == "'it''s'"
    assert quote_all(["a", "b'"]) == "['a', 'b''']"
    assert statement("raw_lines", files="[]").endswith("33554432)")
