"""Every query of LOGGING.md as printed, on what the real proxy wrote, in sessions whose time zone is not UTC, too.

Only the names of a machine are put in the place of the page's: folder, bucket, endpoint, day, session, key.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import duckdb_extensions
import pytest
from tests.docs.page import BLOCKS, CALLS, ORIGIN, SESSION, SYSTEM, Block, fill, open_to_everybody
from tests.parts.answers import TOOL_CALL, USAGE
from tests.parts.bucket import Bucket
from tests.parts.model_upstream import ModelUpstream
from tests.parts.proxy import Proxy
from tests.parts.rgw import run_rgw

SQL: Final = [block for block in BLOCKS if block.language == "sql"]
OPENING: Final = "Reading them"
ZONES: Final = ("UTC", "America/Los_Angeles", "Asia/Tokyo")
Rows = list[dict[str, Any]]


class Place(NamedTuple):
    """Where the records are, and what stands on the page for it."""

    kind: str  # folder | public | key
    names: Mapping[str, str]


def place_of_folder(proxy: Proxy) -> Place:
    return Place("folder", {"'logs/*/": f"'{proxy.log_dir}/*/"})


def place_of_bucket(bucket: Bucket, kind: str) -> Place:
    keys = bucket.environment()
    host = bucket.endpoint.removeprefix("http://")
    return Place(
        kind,
        {
            "'logs/*/": f"'s3://{bucket.name}/*/",
            "s3://logs-<ns>/": f"s3://{bucket.name}/",
            "'s3-west.nrp-nautilus.io', USE_SSL 'TRUE'": f"'{host}', USE_SSL 'FALSE'",
            "<key>": keys["AWS_ACCESS_KEY_ID"],
            "<secret>": keys["AWS_SECRET_ACCESS_KEY"],
        },
    )


class Session:
    """A DuckDB session with the page's view on the records."""

    def __init__(self, place: Place, zone: str, extensions: Path) -> None:
        self.place = place
        self.connection = duckdb.connect(config={"extension_directory": str(extensions)})
        self.connection.execute(f"SET TimeZone = '{zone}'")
        of_folder, of_public_bucket, with_key, _ = [block.text for block in SQL if block.heading == OPENING]
        if place.kind == "folder":
            self.run(of_folder)
        else:
            self.run(of_public_bucket if place.kind == "public" else with_key)
            view = of_public_bucket.partition("CREATE OR REPLACE VIEW")
            self.run(view[1] + view[2])

    def run(self, text: str) -> Rows:
        """What the last statement gives, values as DuckDB writes them."""
        for name, value in {
            **self.place.names,
            "2026-04-07": datetime.now(UTC).strftime("%Y-%m-%d"),
            "<session>": SESSION,
        }.items():
            text = text.replace(name, value)
        *others, last = [statement for part in text.split(";\n") if (statement := part.strip())]
        for statement in others:
            self._execute(statement)
        if not last.startswith(("SELECT", "WITH", "FROM")):
            self._execute(last)
            return []
        found = self.connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM ({last})")
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _execute(self, statement: str) -> None:
        if statement == "INSTALL httpfs":
            duckdb_extensions.import_extension("httpfs", con=self.connection)  # what INSTALL would download
        else:
            self.connection.execute(statement)


# --- what each query must give ---------------------------------------------------------------------------------------


def check_all(rows: Rows) -> None:
    kinds = [row["type"] for row in rows]
    assert (kinds.count("request"), kinds.count("response")) == (CALLS, CALLS)
    assert {SESSION, "free text"} <= {row["session_id"] for row in rows}


def check_questions(rows: Rows) -> None:
    asked = [row["user_question"] for row in rows]
    assert asked == ["Where is Rome?", "Where is Rome?", "And Paris?", "Nobody's", "Hello", None]


def check_app(rows: Rows) -> None:
    said = [row["user_message_this_turn"] for row in rows]
    assert said == ["Where is Rome?", "Where is Rome?", "Nobody's", "Hello", None]
    assert [row["session_id"] for row in rows] == [SESSION, SESSION, None, None, "shy"]


def check_pairs(rows: Rows) -> None:
    assert [row["content"] for row in rows] == [None, *["Hello, world"] * 3, None, None]
    assert all(int(row["latency_ms"]) >= 0 for row in rows)
    assert [bool(row["error"]) for row in rows] == [False] * 4 + [True, False]
    assert rows[4]["error"].startswith("Provider returned 429: {")
    assert {row["origin"] for row in rows} == {ORIGIN, "https://other.example.org"}


def check_conversation(rows: Rows) -> None:
    assert [row["type"] for row in rows] == ["request", "response", "request", "response"]
    asked, called, resulted, answered = rows
    assert asked["user_message_this_turn"] == "Where is Rome?"
    assert TOOL_CALL["function"]["name"] in called["tool_calls"]
    assert "In Italy" in resulted["tool_results"]
    assert answered["content"] == "Hello, world"


def check_conversations(rows: Rows) -> None:
    found = {row["conversation"]: row for row in rows}
    assert set(found) == {SESSION, "Nobody's", "Hello", "shy"}
    assert (found[SESSION]["turns"], found[SESSION]["messages"]) == ("2", "4")
    assert found[SESSION]["question"] == "Where is Rome?"


def check_costs_or_failures(rows: Rows) -> None:
    if "calls" in rows[0]:
        assert {row["model"]: (row["calls"], row["errors"]) for row in rows} == {
            "m": ("5", "0"),
            "error-429": ("1", "1"),
        }
        assert rows[0]["tokens"] == str(5 * USAGE["total_tokens"])
    else:
        assert [(row["model"], row["status"]) for row in rows] == [("error-429", "429")]


def check_prompts(rows: Rows) -> None:
    assert [row["system_prompt"] for row in rows] == [SYSTEM["content"]] * 2


CHECKS: Final[dict[str, Callable[[Rows], None]]] = {
    OPENING: check_all,
    "Why `union_by_name`": check_all,
    "Times": check_questions,
    "What was an app asked?": check_app,
    "Request and response side by side": check_pairs,
    "One conversation": check_conversation,
    "An app's conversations": check_conversations,
    "What failed, and what did it cost?": check_costs_or_failures,
    "A system prompt put back": check_prompts,
}


def check(session: Session, block: Block) -> None:
    if session.place.kind == "folder" and "s3://" in block.text:
        return
    rows = session.run(block.text)
    if "SELECT" in block.text and "VIEW" not in block.text:
        CHECKS[block.heading](rows)


@pytest.fixture(scope="module")
def extensions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("extensions")


SESSIONS: Final = (*(("folder", zone) for zone in ZONES), ("public", ZONES[1]), ("key", ZONES[2]))


@pytest.fixture(scope="module", params=SESSIONS, ids="-".join)
def session(request: pytest.FixtureRequest, extensions: Path) -> Iterator[Session]:
    kind, zone = request.param
    if kind == "folder":
        place = place_of_folder(request.getfixturevalue("folder"))
    else:
        place = place_of_bucket(request.getfixturevalue("bucket"), kind)
    made = Session(place, zone, extensions)
    yield made
    made.connection.close()


@pytest.mark.parametrize("block", SQL, ids=lambda block: f"{block.heading}-{SQL.index(block)}")
def test_every_query_gives_what_it_says(session: Session, block: Block):
    check(session, block)


def test_times_are_right_in_every_time_zone(session: Session):
    (row,) = session.run("SELECT max(epoch(timestamp)) AS last, min(epoch(timestamp)) AS first FROM logs")
    assert time.time() - 600 < float(row["first"]) <= float(row["last"]) <= time.time() + 1
    (row,) = session.run(
        "SELECT count(*) AS n FROM logs WHERE timestamp BETWEEN now() - INTERVAL 1 HOUR AND now() + INTERVAL 1 MINUTE"
    )
    assert int(row["n"]) >= 2 * CALLS


@pytest.mark.parametrize(
    "options", ["", ", union_by_name = true", ", ignore_errors = true", ", union_by_name = true, ignore_errors = true"]
)
def test_the_forms_that_users_have(session: Session, options: str):
    form = SQL[3].text.replace("'logs-<ns>", "'logs-<ns>").replace("*.jsonl'", f"*.jsonl'{options}")
    if session.place.kind == "folder":
        form = form.replace("s3://logs-<ns>/2026-04-07/", "logs/*/")
    check_all(session.run(form))


AS_EVER: Final = """\
INSTALL httpfs;
LOAD httpfs;
CREATE SECRET (TYPE S3,{key} ENDPOINT 's3-west.nrp-nautilus.io', USE_SSL 'TRUE', URL_STYLE 'path');
SELECT * FROM read_ndjson_auto('s3://logs-<ns>/2026-04-07/*.jsonl');
"""


@pytest.mark.parametrize(("kind", "key"), [("public", ""), ("key", " KEY_ID '<key>', SECRET '<secret>',")])
def test_the_secret_and_the_query_of_the_older_readme(bucket: Bucket, extensions: Path, kind: str, key: str):
    session = Session(place_of_bucket(bucket, kind), ZONES[1], extensions)
    session.connection.execute("DROP SECRET __default_s3")
    check_all(session.run(AS_EVER.format(key=key)))
    session.connection.close()


@pytest.mark.slow
def test_a_store_that_knows_who_asks(upstream: ModelUpstream, tmp_path: Path, extensions: Path):
    """The secret without a key reads what anybody may, the one with a key the rest; each only that."""
    (tmp_path / "rgw").mkdir()
    with run_rgw(tmp_path / "rgw") as rgw:
        private, public = rgw.bucket(), rgw.bucket()
        open_to_everybody(public)
        for bucket, kind in ((public, "public"), (private, "key")):
            fill(bucket, upstream, tmp_path / kind)
            session = Session(place_of_bucket(bucket, kind), ZONES[1], extensions)
            for block in SQL[3:]:
                check(session, block)
        with pytest.raises(duckdb.Error, match="403"):
            Session(place_of_bucket(private, "public"), ZONES[1], extensions)
