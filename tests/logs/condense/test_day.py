import pytest

from open_llm_proxy.logs.condense.day import condense_day
from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.site import Site

DAY, NEXT = "2026-11-01", "2026-11-02"


@pytest.fixture
def site(folder, work):
    return Site(folder, work)


@pytest.fixture
def calls(corpus):
    return [
        corpus.request("a", corpus.stamp(DAY, 5)),
        corpus.response("a", corpus.stamp(DAY, 6)),
        corpus.request("b", corpus.stamp(DAY, 86_399)),
    ]


@pytest.fixture
def late(corpus):
    """The answer to b."""
    return corpus.response("b", corpus.stamp(NEXT, 1), content="late")


def test_the_three_tables_and_no_raw_file(site, press, folder, corpus, calls, tmp_path):
    corpus.put(folder, calls)
    assert condense_day(site, press, DAY) == (DAY, 3, 2, 1, 0, 0, 0)
    assert corpus.keys(folder) == [
        f"{table}/daily/{DAY}.parquet" for table in ("consolidated", "session-rollup", "sessions")
    ]
    corpus.check(folder, calls, tmp_path)


def test_late_records_are_merged(site, press, folder, corpus, calls, tmp_path):
    corpus.put(folder, calls[:1])
    condense_day(site, press, DAY)
    corpus.put(folder, calls)
    assert condense_day(site, press, DAY) == (DAY, 3, 2, 1, 1, 0, 0)
    corpus.check(folder, calls, tmp_path)


@pytest.mark.parametrize("condensed", [True, False])
def test_an_answer_after_midnight_is_found(site, press, folder, corpus, calls, late, tmp_path, condensed):
    corpus.put(folder, [late])
    if condensed:
        condense_day(site, press, NEXT)
    corpus.put(folder, calls, "13")
    assert condense_day(site, press, DAY).late_answers == 1
    assert corpus.rows(folder, "session-rollup", "turns, unanswered_turns, final_answer", tmp_path) == [(2, 0, "late")]


def test_it_is_merged_where_the_day_was_done_before_it(site, press, folder, corpus, calls, late, tmp_path):
    corpus.put(folder, calls)
    condense_day(site, press, DAY)
    corpus.put(folder, [late])
    condense_day(site, press, NEXT)
    corpus.check(folder, [*calls, late], tmp_path)


def test_the_roll_up_is_made_again_where_a_run_ended_between_the_two(
    site, press, folder, corpus, calls, late, tmp_path
):
    corpus.put(folder, calls)
    condense_day(site, press, DAY)
    stale = folder.read(f"session-rollup/daily/{DAY}.parquet")
    corpus.put(folder, [late])
    condense_day(site, press, NEXT)
    folder.write(f"session-rollup/daily/{DAY}.parquet", stale)
    corpus.put(folder, [late])
    condense_day(site, press, NEXT)
    corpus.check(folder, [*calls, late], tmp_path)


def test_a_day_with_its_table_of_records_alone(site, press, folder, corpus, calls, tmp_path):
    corpus.put(folder, calls)
    condense_day(site, press, DAY)
    folder.delete([f"sessions/daily/{DAY}.parquet", f"session-rollup/daily/{DAY}.parquet"])
    condense_day(site, press, DAY)
    corpus.check(folder, calls, tmp_path)


def test_older_chunk_files_and_tables(site, press, folder, corpus, calls, tmp_path, work):
    corpus.put(folder, calls)
    condense_day(site, press, DAY)
    place = f"consolidated/daily/{DAY}.parquet"
    press.copy(f"SELECT ts, type, request_id, origin, entry FROM {press.stored(place)}", work / "older.parquet")
    folder.write(place, work / "older.parquet")
    more = [corpus.request("0000000c", corpus.stamp(DAY, 7)), corpus.response("0000000c", corpus.stamp(DAY, 9))]
    corpus.put(folder, more, "10-00-00-17")
    condense_day(site, press, DAY)
    corpus.check(folder, [*calls, *more], tmp_path)


def test_what_is_put_in_place_is_read_there_before_the_raw_files_go(site, press, folder, corpus, calls, monkeypatch):
    corpus.put(folder, calls)
    monkeypatch.setattr(folder, "write", lambda *_: None)
    with pytest.raises((FileNotFoundError, CondenseError)):
        condense_day(site, press, DAY)
    assert corpus.keys(folder) == [f"{DAY}/12-00-00-host-1-00ff.1.1.jsonl"]


def test_a_file_that_comes_meanwhile_is_left(site, press, folder, corpus, calls, monkeypatch):
    corpus.put(folder, calls)
    real = folder.write

    def write(key, path):
        real(key, path)
        if not key.startswith(DAY):
            real(f"{DAY}/14.jsonl", b"{}\n")

    monkeypatch.setattr(folder, "write", write)
    condense_day(site, press, DAY)
    assert f"{DAY}/14.jsonl" in corpus.keys(folder)
