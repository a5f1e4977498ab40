"""The views over files of any tier, age and place give what the records alone would give."""

import random
from datetime import UTC, datetime

import pytest
from tests.logs.archive import FIVE, Archive, day_of, make_tables, next_day, rows_of, stamp

from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.statements import statement
from open_llm_proxy.logs.views import PROMPTS, VIEWS, create_views
from open_llm_proxy.logs.window import ALL, Window
from open_llm_proxy.store.schema import CONSOLIDATED, ROLLUP, SESSIONS

DAYS = ("2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03")
DAY_S = 86400
MODELS = ("kimi", "qwen3", "nemotron")


class Story:
    """Records of some days: sessions over midnight, answers after it, ids that come again, prompts, failures."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)
        self.records = []
        self._ids = 0
        for session in range(14):
            self._play(session)
        self._play_short_ids()
        for day in DAYS:
            self._add(
                {
                    "timestamp": stamp(day, 5),
                    "type": "system_prompt",
                    "origin": "https://a.b",
                    "system_sha256": "h1",
                    "content": "Be good.",
                }
            )

    def _add(self, record):
        if day_of(record) in DAYS:
            self.records.append(record)

    def _play(self, session):
        source = self.source
        second = source.choice([1000.0, 40000.0, DAY_S - 3.0, DAY_S - 40.0]) + source.randrange(len(DAYS) - 1) * DAY_S
        question = f"question {session % 5}"
        identity = {
            "session_id": None if session % 4 == 0 else f"s{session}",
            "origin": f"https://app{session % 3}.example.org",
            "provider": "nrp",
            "user_question": question,
        }
        models = MODELS if session % 3 == 0 else (MODELS[session % 3],)
        for turn in range(source.choice([1, 3, 6])):
            self._ids += 1
            self._call(f"{self._ids:032x}", second, identity | {"model": source.choice(models)}, turn)
            second += source.choice([1, 30, 20000, 50000])

    def _play_short_ids(self):
        for day in range(
            self.source.randrange(2), len(DAYS), 2
        ):  # on the day between, its late answer would be another's
            if self.source.random() < 0.9:
                second = day * DAY_S + self.source.choice([500.0, DAY_S - 2.0])
                self._call("abcd1234", second, {"session_id": f"old{day}", "model": "kimi", "origin": None}, 0)

    def _call(self, request_id, second, identity, turn):
        self._add(
            {
                "timestamp": stamp(DAYS[0], second),
                "type": "request",
                "request_id": request_id,
                **identity,
                "message_count": turn + 1,
                "user_message_this_turn": f"turn {turn}",
            }
        )
        outcome = self.source.random()
        if outcome < 0.1:
            return
        answer = {
            "content": f"answer {request_id}",
            "error": None,
            "tokens": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "cost": 0.25},
        }
        if outcome < 0.25:
            answer = {"content": None, "error": "Request timed out after 5ms"}
        later = second + self.source.choice([0.5, 5, 3600])
        identity = {name: value for name, value in identity.items() if name != "user_question"}
        self._add(
            {
                "timestamp": stamp(DAYS[0], later),
                "type": "response",
                "request_id": request_id,
                **identity,
                "latency_ms": 3,
                **answer,
            }
        )

    def of(self, *days):
        return [record for record in self.records if day_of(record) in days]


def place(story, archives, source):
    """Put each day's records somewhere; what is left late or doubled is the archive's to sort out."""
    first, second = archives
    if source.random() < 0.3:
        first.monthly(story.records, "2026-10")
        rest = DAYS[2:]
        if source.random() < 0.5:
            first.raw(source.sample(story.of(*DAYS[:2]), 3))  # brought back by an upload that was tried again
    else:
        rest = DAYS
    for day in rest:
        records = story.of(day)
        match source.choice(
            ["raw", "older", "daily", "daily", "early", "late", "doubled", "five", "alone", "both", "split"]
        ):
            case "raw":
                first.raw(records)
            case "older":
                first.raw(records, older=True)
            case "daily":
                first.daily(story.records, day)
            case "early":  # before the next day's records had come
                first.daily(records, day)
                if next_day(day) in DAYS:
                    first.raw(story.of(next_day(day)))
            case "late":
                late = source.sample(records, min(3, len(records)))
                first.daily([one for one in story.records if one not in late], day)
                first.raw(late)
            case "doubled":
                first.daily(story.records, day)
                first.raw(source.sample(records, min(3, len(records))))
            case "five":
                first.daily(story.records, day, tables=["consolidated"], columns=FIVE)
            case "alone":
                first.daily(story.records, day, tables=["consolidated"])
            case "both":
                first.daily(story.records, day)
                second.daily(story.records, day)
            case "split":
                first.raw(records[::2])
                second.raw(records[1::2])


def some_of(count, quick):
    """Seeds; those after the first few are for the long run."""
    return [pytest.param(seed, marks=[] if seed < quick else pytest.mark.slow) for seed in range(count)]


@pytest.fixture
def archives(tmp_path):
    return [Archive(Folder(tmp_path / name), tmp_path / f"{name}-work") for name in ("first", "second")]


def opened(archives, window, views=VIEWS):
    sources = [archive.source for archive in archives]
    connection = connect(sources)
    create_views(connection, sources, window, views)
    return connection


@pytest.mark.parametrize("seed", some_of(8, 3))
def test_wherever_records_lie_the_views_are_the_same(archives, tmp_path, seed):
    story = Story(seed)
    place(story, archives, random.Random(seed))
    expected = connect(())
    make_tables(expected, story.records, tmp_path)
    found = opened(archives, ALL)
    found.execute("SET TimeZone = 'America/Los_Angeles'")
    expected.execute("SET TimeZone = 'America/Los_Angeles'")
    assert rows_of(found, "records") == rows_of(expected, "consolidated")
    assert rows_of(found, "turns") == rows_of(expected, "sessions")
    assert rows_of(found, "sessions") == rows_of(expected, '"session-rollup"')


@pytest.mark.parametrize("seed", some_of(4, 1))
def test_a_window_has_the_rows_whose_time_is_in_it(archives, tmp_path, seed):
    story = Story(seed)
    place(story, archives, random.Random(seed))
    expected = connect(())
    make_tables(expected, story.records, tmp_path)
    window = Window(datetime(2026, 10, 31, 18, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    found = opened(archives, window)
    chosen = "BETWEEN '2026-10-31 18:00:00+00' AND '2026-11-01 23:59:59.999999+00'"
    assert rows_of(found, "records") == rows_of(expected, f"consolidated WHERE ts {chosen}")
    columns = "(SELECT * EXCLUDE (turn_idx) FROM {})"
    assert rows_of(found, columns.format("turns")) == rows_of(
        expected, columns.format(f"sessions WHERE request_ts {chosen}")
    )


def test_columns_are_the_schemas_whatever_there_is(archives):
    connection = opened(archives, ALL)
    expected = {"records": CONSOLIDATED, "turns": SESSIONS, "sessions": ROLLUP, "system_prompts": PROMPTS}
    for view, columns in expected.items():
        described = connection.execute(f"DESCRIBE {view}").fetchall()
        kinds = [(name, kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")) for name, kind, *_ in described]
        assert kinds == list(columns), view
        assert rows_of(connection, view) == []


@pytest.mark.parametrize("seed", some_of(4, 1))
def test_sessions_are_whole_as_far_as_the_windows_days_go(archives, tmp_path, seed):
    story = Story(seed)
    for day in DAYS:
        if random.Random(f"{seed} {day}").random() < 0.6:
            archives[0].daily(story.records, day)
        else:
            archives[0].raw(story.of(day))
    expected = connect(())
    make_tables(expected, story.records, tmp_path)
    window = Window(datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
    turns = "(FROM sessions WHERE request_ts >= '2026-10-31 00:00:00+00' AND request_ts < '2026-11-02 00:00:00+00')"
    assert rows_of(opened(archives, window), "sessions") == rows_of(expected, f"({statement('sessions', turns=turns)})")


def test_a_session_is_listed_when_the_window_touches_it(archives):
    records = [
        {
            "timestamp": stamp("2026-11-01", second),
            "type": "request",
            "request_id": f"{second:032x}",
            "session_id": name,
        }
        for name, second in (("before", 100), ("across", 100), ("across", 50000), ("after", 50000))
    ]
    archives[0].daily(records, "2026-11-01")
    window = Window(datetime(2026, 11, 1, 6, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC))
    found = opened(archives, window).execute("SELECT session_key, turns FROM sessions ORDER BY ALL").fetchall()
    assert found == [("across", 2)]


def test_only_the_windows_files_are_opened(archives):
    story = Story(1)
    archives[0].daily(story.records, "2026-10-31")
    for key in (
        "sessions/daily/2026-10-29.parquet",
        "consolidated/daily/2026-11-09.parquet",
        "session-rollup/monthly/2026-09.parquet",
    ):
        archives[0].source.write(key, b"no Parquet")
    archives[0].source.write("2026-10-29/00-00-00-host-7-00ff.0.0.jsonl", b"no record")
    connection = opened(archives, Window(datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)))
    for view in VIEWS:
        connection.execute(f"SELECT count(*) FROM {view}")


def test_a_roll_up_is_read_and_not_made_again(archives):
    story = Story(1)
    for day in DAYS:
        archives[0].daily(story.records, day, tables=["session-rollup"])
    connection = opened(archives, ALL, ["sessions"])
    assert connection.execute("SELECT sum(turns) > 10 FROM sessions").fetchone() == (True,)
    assert connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == [("sessions",)]


def test_a_prompt_is_there_once_with_the_days_it_was_seen(archives):
    story = Story(1)
    archives[0].daily(story.records, DAYS[0])
    archives[0].raw(story.of(*DAYS[1:3]))
    archives[1].raw(story.of(DAYS[1]))
    window = Window(datetime(2026, 10, 30, 12, tzinfo=UTC), datetime(2026, 10, 31, 12, tzinfo=UTC))
    found = rows_of(opened(archives, window), "system_prompts")
    assert found == [("h1", "Be good.", "https://a.b", "2026-10-30 00:00:05+00", "2026-11-01 00:00:05+00")]


def test_views_are_replaced_by_those_of_another_window(archives):
    archives[0].raw(Story(1).records)
    connection = opened(archives, ALL)
    create_views(connection, [archives[0].source], Window(None, datetime(2020, 1, 1, tzinfo=UTC)))
    assert connection.execute("SELECT count(*) FROM records").fetchone() == (0,)


def test_a_bucket_is_read_as_a_folder_is(bucket, tmp_path):
    story = Story(3)
    archive = Archive(bucket, tmp_path / "work")
    archive.monthly(story.records, "2026-10")
    archive.daily(story.records, "2026-11-01")
    archive.raw(story.of(*DAYS[3:]))
    expected = connect(())
    make_tables(expected, story.records, tmp_path)
    found = opened([archive], ALL)
    assert rows_of(found, "turns") == rows_of(expected, "sessions")
    assert rows_of(found, "sessions") == rows_of(expected, '"session-rollup"')


@pytest.mark.parametrize("view", VIEWS)
def test_a_raw_line_is_parsed_once_whatever_is_asked(view, scribe, tmp_path):
    scribe.ask("How many?")
    archive = Archive(Folder(tmp_path / "logs"), tmp_path / "work")
    archive.raw(scribe.records)
    connection = connect([archive.source])
    create_views(connection, [archive.source], ALL, [view])
    plan = connection.sql(f"EXPLAIN (FORMAT json) FROM {view}").fetchall()[0][1]
    # Where a condition was moved below, it stands there with the parsing in it, once for each field that it names.
    assert "READ_NDJSON_OBJECTS" in plan
    assert "struct_extract(json_transform(" not in plan
