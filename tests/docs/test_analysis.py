"""Every query of docs/analysis.md as printed: on raw files, on tiers, on both, whatever the session's time zone."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl
import pytest
from tests.docs.asked import BLOCKS, PAGE, QUESTION, Block, converse_over_midnight
from tests.logs.archive import Archive, day_of
from tests.parts.requirement import require

from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.query import ask, open_views
from open_llm_proxy.logs.views import VIEWS
from open_llm_proxy.logs.window import ALL

pytestmark = pytest.mark.slow

ZONES: Final = ("UTC", "America/Los_Angeles")
FORMS: Final = ("raw", "tiers", "both")
Rows = list[tuple[Any, ...]]


def of(kind: str, language: str = "sql") -> list[Any]:
    found = [block for block in BLOCKS if (block.language, block.kind) == (language, kind)]
    return [pytest.param(block, id=f"{kind or 'views'}{number}") for number, block in enumerate(found)]


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return converse_over_midnight(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="session")
def folders(records: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The records as chunk files, condensed, and the first day condensed only."""
    root = tmp_path_factory.mktemp("forms")
    first, second = sorted({day_of(record) for record in records})
    made = {form: Archive(Folder(root / form), root / f"{form}-work") for form in FORMS}
    made["raw"].raw(records)
    for day in (first, second):
        made["tiers"].daily(records, day)
    made["both"].daily([record for record in records if day_of(record) == first], first)
    made["both"].raw(record for record in records if day_of(record) == second)
    return {form: root / form for form in FORMS}


@pytest.fixture(scope="session")
def answer(folders: dict[str, Path]) -> Callable[[str, str, str], Rows]:
    """The rows of a query over the views, as text."""
    made = {form: open_views([Folder(path)], ALL) for form, path in folders.items()}

    def answered(sql: str, form: str, zone: str) -> Rows:
        made[form].execute(f"SET TimeZone = '{zone}'")
        rows = ask(made[form], sql)
        return rows.project(", ".join(f"CAST(#{n + 1} AS VARCHAR)" for n in range(len(rows.columns)))).fetchall()

    return answered


@pytest.mark.parametrize("zone", [pytest.param(ZONES[0], marks=pytest.mark.slow), ZONES[1]])
@pytest.mark.parametrize("block", of(""))
def test_a_query_gives_the_same_wherever_the_records_lie(answer, block: Block, zone: str):
    found = {form: sorted(map(repr, answer(block.text, form, zone))) for form in FORMS}
    assert found["raw"]
    assert found["tiers"] == found["raw"]
    assert found["both"] == found["raw"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("block", [*of("raw"), *of("tiers"), *of("engines")])
def test_duckdb_alone_answers_on_the_files(folders, block: Block, zone: str):
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    assert connection.execute(placed(block, folders)).fetchall()


def placed(block: Block, folders: dict[str, Path]) -> str:
    folder = folders["raw" if block.kind == "raw" else "tiers"]
    return re.sub(r"(?<=['\"])logs/", f"{folder}/", block.text)


def rows_of(answer: Callable[[str, str, str], Rows], words: str) -> Rows:
    (block,) = [block for block in BLOCKS if words in block.text]
    return answer(block.text, "both", "UTC")


def test_the_answers_are_right(answer):
    assert rows_of(answer, "count(*) AS sessions, list(DISTINCT app)")[0] == (QUESTION.lower(), "2", "[geo]")
    assert [row[0] for row in rows_of(answer, "WHERE session_key = (SELECT session_key FROM")] == [
        str(n) for n in range(1, 6)
    ]
    best = {row[0]: row[1:] for row in rows_of(answer, "AS mean_wall_clock_s")}
    assert {model: (row[0], row[1], row[4]) for model, row in best.items()} == {
        "kimi": ("1", "5.0", "1.0"),  # not the session without an id
        "qwen3": ("2", "2.0", "0.5"),
        "nemotron": ("2", "2.5", "0.0"),
    }
    ((*_, cost),) = [row[2:6] for row in rows_of(answer, "ORDER BY cost_usd DESC, session_key") if row[0] == "s-parks"]
    assert float(cost) == pytest.approx(0.012)
    assert rows_of(answer, "regexp_matches(result.content") == [
        ("kimi", "query", "SELECT count(*) FROM park", "Catalog Error: Table park does not exist")
    ]
    kinds = {row[2]: row[3] for row in rows_of(answer, "AS kind")}
    assert kinds == {"Provider returned 402": "1", "Provider returned 503": "1"}
    assert [row[2] for row in rows_of(answer, "WHERE response_ts IS NULL")] == ["nemotron"]
    assert rows_of(answer, "finish_reason = 'length'") == [("nemotron", "1", "5")]
    assert ("up", "kimi") in [row[:2] for row in rows_of(answer, "AS cached_share") if row[3] == "600"]
    assert {row[4] for row in rows_of(answer, "AS system_prompt")} == {"You answer with SQL."}
    assert ("kimi", "0.2", "5") in rows_of(answer, "AS temperature")


def test_a_session_over_midnight_is_one(answer, records):
    days = {day_of(record) for record in records if record.get("session_id") == "s-night"}
    assert len(days) == 2
    for form in FORMS:
        found = answer("SELECT turns, status, final_answer FROM sessions WHERE session_key = 's-night'", form, "UTC")
        assert found == [("4", "error", "The sturgeon.")]


@pytest.mark.parametrize("view", VIEWS)
def test_every_column_is_told_of(answer, view: str):
    section = PAGE.read_text().partition(f"### {view}\n")[2].partition("\n#")[0]
    told = [
        (name, kind)
        for line in section.splitlines()
        if (match := re.fullmatch(r"\| (`.+`) \| ([A-Z]+) \| .+ \|", line))
        for name, kind in ((name, match[2]) for name in re.findall(r"`(\w+)`", match[1]))
    ]
    described = answer(f"SELECT column_name, column_type FROM (DESCRIBE {view})", "tiers", "UTC")
    assert told == [(name, kind.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")) for name, kind in described]


def test_there_are_twenty_queries():
    assert len(of("")) >= 20


def engines(folders: dict[str, Path]) -> Rows:
    (block,) = [block for block in BLOCKS if block.kind == "engines"]
    return duckdb.connect().execute(placed(block, folders)).fetchall()


def test_polars_gives_duckdbs_figures(folders):
    (block,) = [block for block in BLOCKS if block.kind == "polars"]
    names: dict[str, Any] = {}
    exec(placed(block, folders), names)
    found = names["answer"]
    assert isinstance(found, pl.DataFrame)
    assert found.rows() == engines(folders)


SPARK: Final = "--master local[1] --conf spark.ui.enabled=false --conf spark.sql.session.timeZone=Asia/Tokyo"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_spark_gives_duckdbs_figures(folders, tmp_path):
    java = require("java").resolve()
    (block,) = [block for block in BLOCKS if block.kind == "spark"]
    script = f"import json\n{placed(block, folders)}\nprint(json.dumps([list(row) for row in answer.collect()]))"
    env = {
        "PATH": f"{java.parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(require("spark")),
        "PYSPARK_PYTHON": sys.executable,
        "JAVA_HOME": str(java.parents[1]),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(tmp_path),
        "PYSPARK_SUBMIT_ARGS": f"{SPARK} pyspark-shell",
    }
    ended = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=360, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert [tuple(row) for row in json.loads(ended.stdout)] == engines(folders)
