import json

import pytest

from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import Press, parquet
from open_llm_proxy.store.schema import CONSOLIDATED


def columns(press, relation):
    return [(name, kind.replace(" WITH TIME ZONE", "TZ")) for name, kind, *_ in press.run(f"DESCRIBE {relation}")]


def test_raw_records_have_the_columns_of_the_contract_and_the_line_verbatim(press, folder, corpus):
    line = b'{"timestamp": "2026-11-01T00:00:05.000000Z",  "type":"request","request_id":"a", "new": [1]}'
    corpus.put_lines(folder, "2026-11-01", [line])
    relation = f"({press.raw_records(corpus.keys(folder))})"
    assert columns(press, f"FROM {relation}") == [(name, kind) for name, kind in CONSOLIDATED]
    assert press.run(f"SELECT strftime(ts, '%H:%M:%S'), entry FROM {relation}") == [("00:00:05", line.decode())]


def test_torn_lines_have_a_row_only_where_they_are_asked_for(press, folder, corpus):
    corpus.put_lines(folder, "2026-11-01", [b'{"type":"request","requ', b"", b"5", b'{"type":"request"}'])
    names = corpus.keys(folder)
    assert press.count(f"({press.raw_records(names)})") == 1
    assert press.count(f"({press.raw_rows(names)})") == 3


@pytest.mark.parametrize("length", [1000, 40 << 20], ids=["short", "long"])
def test_lines_may_be_long(press, folder, corpus, length):
    corpus.put(folder, [corpus.request("a", corpus.stamp("2026-11-01", 5), user_question="x" * length)])
    assert press.run(f"SELECT length(user_question) FROM ({press.raw_records(corpus.keys(folder))})") == [(length,)]


def test_figures_of_lines_and_of_their_rows_are_the_same(press, folder, corpus, work):
    records = [
        made
        for number in range(50)
        for made in (
            corpus.request(f"{number}", corpus.stamp("2026-11-01", number)),
            corpus.response(f"{number}", corpus.stamp("2026-11-01", 86390 + number)),
        )
    ]
    corpus.put(folder, records)
    names = corpus.keys(folder)
    press.copy(press.raw_records(names), work / "x.parquet")
    of_lines, suspicious = press.raw_figures(names)
    assert not suspicious
    assert of_lines == press.figures(parquet([work / "x.parquet"]))
    assert of_lines[:3] == (100, 50, 50)
    press.copy(
        f"SELECT * REPLACE (request_id || 'x' AS request_id) FROM ({press.raw_records(names)})", work / "y.parquet"
    )
    assert of_lines.checksum != press.figures(parquet([work / "y.parquet"])).checksum


def test_doubles_do_not_count_in_figures(press, folder, corpus):
    corpus.put(
        folder, [corpus.request("a", corpus.stamp("2026-11-01", 5)), corpus.prompt("f", corpus.stamp("2026-11-01", 5))]
    )
    once, suspicious = press.raw_figures(corpus.keys(folder))
    corpus.put(
        folder,
        [corpus.request("a", corpus.stamp("2026-11-01", 5)), corpus.prompt("f", corpus.stamp("2026-11-01", 7))],
        "13",
    )
    assert press.raw_figures(corpus.keys(folder)) == (once, True)
    assert (once.records, suspicious) == (2, True)


def test_older_tables_are_read_in_todays_columns(press, folder, work, corpus):
    record = corpus.request("a", corpus.stamp("2026-11-01", 5))
    press.copy(
        f"SELECT now() AS ts, 'request' AS type, 'a' AS request_id, NULL AS origin, '{json.dumps(record)}' AS entry",
        work / "x.parquet",
    )
    folder.write("consolidated/daily/2026-11-01.parquet", work / "x.parquet")
    relation = f"({press.stored_records(['consolidated/daily/2026-11-01.parquet'])})"
    assert columns(press, f"FROM {relation}") == [(name, kind) for name, kind in CONSOLIDATED]
    assert press.run(f"SELECT strftime(ts, '%d'), session_id, message_count FROM {relation}") == [("01", "s-1", 2)]


def test_several_statements_make_one_file_with_a_note(press, folder, work):
    target, told = work / "all.parquet", []
    press.copy_all([lambda: "SELECT 1 AS n", lambda: "SELECT 2 AS n"], target, note="it's", after=told.append)
    assert sorted(press.run(f"FROM {parquet([target])}")) == [(1,), (2,)]
    assert len(told) == 2
    assert not any(part.exists() for part in told)
    folder.write("x.parquet", target)
    assert press.note_of("x.parquet") == "it's"
    press.copy_all([lambda: "SELECT 1 AS n"], target)
    folder.write("x.parquet", target)
    assert press.note_of("x.parquet") is None
    assert press.uncompressed_bytes([target]) > 0


def test_a_file_that_has_gone_is_no_fault_of_the_job(press):
    with pytest.raises(FileNotFoundError):
        press.count(press.stored("consolidated/daily/2026-11-01.parquet"))


def test_so_it_is_in_a_bucket(bucket, work):
    with Press(bucket, work) as press, pytest.raises(FileNotFoundError):
        press.count(press.stored("consolidated/daily/2026-11-01.parquet"))


def test_what_the_engine_refuses_is_one_line(press):
    with pytest.raises(CondenseError, match="nothing_here") as caught:
        press.run("SELECT nothing_here")
    assert "\n" not in str(caught.value)


def test_ctrl_c_is_no_error_of_the_engine(press, monkeypatch):
    class Interrupted:
        def execute(self, *_):
            raise RuntimeError("Query interrupted")

        def close(self):
            pass

    monkeypatch.setattr(press, "_connection", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        press.run("SELECT 1")


def test_a_file_that_is_put_again_at_once_is_read_as_it_is(bucket, work):
    with Press(bucket, work) as press:
        for count in (1, 5000, 3, 70_000):
            press.copy(f"SELECT range AS n, md5(range::VARCHAR) AS text FROM range({count})", work / "x.parquet")
            bucket.write("x.parquet", work / "x.parquet")
            assert press.run(f"SELECT count(*), max(text) IS NOT NULL, max(n) FROM {press.stored('x.parquet')}") == [
                (count, True, count - 1)
            ]
