import csv
import io
import json
import os

import duckdb
import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.export.rows import copy_to_file, copy_to_stream, form_of, read_texts, write_markdown

SQL = """
SELECT * FROM (VALUES
  (1, 'a|b', TIMESTAMPTZ '2026-11-25 10:00:00+00', '{"x": 1}'::JSON, 0.5::DOUBLE, [1, 2]),
  (2, E'line\\nbreak', NULL, NULL, 'nan'::DOUBLE, NULL)
) AS v(id, "te xt", moment, js, num, many)
"""


@pytest.fixture
def rows():
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection.sql(SQL)


@pytest.mark.parametrize(
    ("form", "output", "chosen"),
    [
        (None, None, "table"),
        (None, "x.CSV", "csv"),
        (None, "x.ndjson", "jsonl"),
        (None, "x.md", "markdown"),
        (None, "x", "table"),
        ("json", "x.csv", "json"),
        ("parquet", "x", "parquet"),
    ],
)
def test_the_form_is_as_said_or_as_the_file_is_named(form, output, chosen):
    assert form_of(form, output) == chosen


def test_wrong_forms_are_said():
    with pytest.raises(UserError, match="--format takes table, csv"):
        form_of("xml", None)
    with pytest.raises(UserError, match=r"-o FILE\.parquet"):
        form_of("parquet", None)


def streamed(rows, form):
    stream = io.BytesIO()
    copy_to_stream(rows, form, stream)
    return stream.getvalue().decode()


def test_csv(rows):
    first, second = csv.DictReader(io.StringIO(streamed(rows, "csv")))
    assert first == {
        "id": "1",
        "te xt": "a|b",
        "moment": "2026-11-25 10:00:00+00",
        "js": '{"x": 1}',
        "num": "0.5",
        "many": "[1, 2]",
    }
    assert (second["te xt"], second["moment"]) == ("line\nbreak", "")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_is_what_any_parser_takes(rows, form):
    text = streamed(rows, form)
    found = json.loads(text) if form == "json" else [json.loads(line) for line in text.splitlines()]
    assert found == [
        {"id": 1, "te xt": "a|b", "moment": "2026-11-25 10:00:00+00", "js": {"x": 1}, "num": 0.5, "many": [1, 2]},
        {"id": 2, "te xt": "line\nbreak", "moment": None, "js": None, "num": None, "many": None},
    ]


def test_no_rows_are_no_rows():
    nothing = duckdb.connect().sql("SELECT 1 AS a WHERE false")
    assert streamed(nothing, "csv") == "a\n"
    assert json.loads(streamed(nothing, "json")) == []
    assert streamed(nothing, "jsonl") == ""


def test_markdown(rows):
    text = io.StringIO()
    write_markdown(rows.project('id, "te xt", moment'), text)
    assert text.getvalue().splitlines() == [
        "| id | te xt | moment |",
        "| ---: | --- | --- |",
        "| 1 | a\\|b | 2026-11-25 10:00:00+00 |",
        "| 2 | line<br>break |  |",
    ]


def test_texts_are_duckdbs(rows):
    assert list(read_texts(rows))[1] == ("2", "line\nbreak", None, None, "nan", None)


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_a_file_appears_whole(rows, tmp_path, form):
    path = tmp_path / f"out 'x'.{form}"
    path.write_text("older")
    copy_to_file(rows, form, path)
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208 - hidden ones, too
    reader = {"csv": "read_csv", "parquet": "read_parquet"}.get(form, "read_json")
    escaped = str(path).replace("'", "''")
    assert duckdb.sql(f"SELECT count(*) FROM {reader}('{escaped}')").fetchone() == (2,)


def test_a_query_that_fails_leaves_the_older_file(tmp_path):
    path = tmp_path / "out.csv"
    path.write_text("older")
    failing = duckdb.connect().sql("SELECT CAST(x AS INTEGER) FROM (VALUES ('x')) AS v(x)")
    with pytest.raises(duckdb.Error):
        copy_to_file(failing, "csv", path)
    with pytest.raises(duckdb.Error):
        streamed(failing, "csv")
    assert path.read_text() == "older"
    assert os.listdir(tmp_path) == ["out.csv"]  # noqa: PTH208 - as above


def test_a_file_that_cannot_be_written_is_said(rows, tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        copy_to_file(rows, "csv", tmp_path / "none" / "x.csv")


def test_a_reader_that_left_ends_it():
    class Left(io.RawIOBase):
        def write(self, data):
            raise BrokenPipeError

    many = duckdb.connect().sql("SELECT * FROM range(1000000)")
    with pytest.raises(BrokenPipeError):
        copy_to_stream(many, "csv", Left())
