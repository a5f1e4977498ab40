import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.logs.condense import corpus

from open_llm_proxy.logs.condense.plan import Selection, Shard
from open_llm_proxy.logs.condense.press import Press
from open_llm_proxy.logs.condense.run import condense
from open_llm_proxy.logs.folder import Folder

DAYS = ("2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02")
TODAY = "2026-11-03"
WHOLE_DAY_S = 86_400


@st.composite
def calls(draw):
    """The records of one call; ids of few digits, that come again on other days; answers that come after midnight."""
    day = draw(st.sampled_from(DAYS[:-1]))
    second = draw(st.sampled_from((0, 3600, WHOLE_DAY_S - 2)))
    request_id = draw(st.sampled_from(("0000000a", "0000000b", "0000000c")))
    session = draw(st.sampled_from(("s-1", "s-2")))
    made = []
    if draw(st.integers(0, 9)):
        made.append(corpus.request(request_id, corpus.stamp(day, second), session))
    if draw(st.integers(0, 4)):
        content = draw(st.sampled_from(("42", "43", None)))
        made.append(
            corpus.response(request_id, corpus.stamp(day, second + draw(st.sampled_from((1, 9)))), session, content)
        )
    return made


prompts = st.builds(
    lambda day, sha: [corpus.prompt(sha, corpus.stamp(day, 5))], st.sampled_from(DAYS), st.sampled_from(("aa", "bb"))
)
# How a record is stored: in which of a day's chunk files, before or after the first run, once or twice.
places = st.tuples(st.integers(0, 2), st.booleans(), st.booleans())


@given(groups=st.lists(calls() | prompts, max_size=12), data=st.data())
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_records_in_any_chunk_files_late_doubled_and_torn_come_to_the_models_rows(groups, data, tmp_path_factory):
    condense_twice(groups, data, tmp_path_factory)


@pytest.mark.slow
@pytest.mark.timeout(900)
@given(groups=st.lists(calls() | prompts, max_size=20), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_many_more_of_them(groups, data, tmp_path_factory):
    condense_twice(groups, data, tmp_path_factory)


def condense_twice(groups, data, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("any")
    folder = Folder(tmp_path / "logs")
    records = [record for group in groups for record in group]
    phases = ({}, {})
    for record in records:
        file, late, doubled = data.draw(places)
        phases[late].setdefault(file, []).append(record)
        if doubled:
            phases[data.draw(st.booleans())].setdefault(2 - file, []).append(record)
    today = data.draw(st.sampled_from((TODAY, "2026-11-01")))
    for number, files in enumerate(phases):
        for file, held in files.items():
            corpus.put(folder, held, f"12-00-0{number}-host-1-00ff.{file}.{file}")
            corpus.put_lines(folder, "2026-10-30", [b'{"type":"requ'], f"12-00-0{number}-torn-1-00ff.{file}.{file}")
        report = condense(folder, Selection((today, TODAY)[number]), temporary=tmp_path)
        assert (report.failed, report.waiting) == ([], [])
    assert not any(key[:2] == "20" for key in corpus.keys(folder))
    corpus.check(folder, records, tmp_path, month_of=_period)
    assert condense(folder, Selection(TODAY), temporary=tmp_path).done == []


def _period(record):
    """October is closed by the runs, November is not: its days are counted each by itself."""
    day = record["timestamp"][:10]
    return day[:7] if day < "2026-11" else day


def test_one_run_does_days_and_then_their_month(folder, tmp_path):
    records = [
        corpus.request("a", corpus.stamp("2026-10-30", 5)),
        corpus.response("a", corpus.stamp("2026-10-30", 6)),
        corpus.request("b", corpus.stamp("2026-10-31", WHOLE_DAY_S - 1)),
        corpus.response("b", corpus.stamp("2026-11-01", 3)),
        corpus.request("c", corpus.stamp("2026-11-01", 9)),
    ]
    corpus.put(folder, records)
    steps = []
    report = condense(folder, Selection("2026-11-03"), watch=steps.append, temporary=tmp_path)
    assert [one.period for one in report.done] == ["2026-10-30", "2026-10-31", "2026-11-01", "2026-10"]
    assert [(step.number, step.of, step.state) for step in steps[-2:]] == [(4, 4, "begun"), (4, 4, "done")]
    assert corpus.keys(folder) == [
        "consolidated/daily/2026-11-01.parquet",
        "consolidated/monthly/2026-10.parquet",
        "session-rollup/daily/2026-11-01.parquet",
        "session-rollup/monthly/2026-10.parquet",
        "sessions/daily/2026-11-01.parquet",
        "sessions/monthly/2026-10.parquet",
    ]
    corpus.check(folder, records, tmp_path, month_of=_period)


def test_shards_do_it_all_between_them_and_a_later_run_closes_the_month(folder, tmp_path):
    records = [
        made
        for number, day in enumerate(DAYS)
        for made in (
            corpus.request(f"{number}", corpus.stamp(day, WHOLE_DAY_S - 1)),
            corpus.response(f"{number}", corpus.stamp(day, WHOLE_DAY_S + 1)),
        )
    ]
    corpus.put(folder, records)
    done = [condense(folder, Selection("2026-11-05"), Shard(index, 3), temporary=tmp_path) for index in range(3)]
    days = [one.period for report in done for one in report.done if len(one.period) == 10]
    assert sorted(days) == [*DAYS, "2026-11-03"]
    assert condense(folder, Selection("2026-11-05"), temporary=tmp_path).failed == []
    corpus.check(folder, records, tmp_path, month_of=_period)


def test_raw_files_can_be_kept_and_are_not_done_again(folder, tmp_path):
    records = [corpus.request("a", corpus.stamp("2026-10-30", 5)), corpus.request("b", corpus.stamp("2026-11-01", 5))]
    corpus.put(folder, records)
    first = condense(folder, Selection(TODAY), keep_raw=True, temporary=tmp_path)
    assert [one.period for one in first.done] == ["2026-10-30", "2026-11-01", "2026-10"]
    assert len([key for key in corpus.keys(folder) if key.endswith(".jsonl")]) == 2
    assert condense(folder, Selection(TODAY), keep_raw=True, temporary=tmp_path).done == []
    late = [corpus.response("a", corpus.stamp("2026-10-30", 9)), corpus.response("b", corpus.stamp("2026-11-01", 9))]
    corpus.put(folder, late, "13-00-00-host-1-00ff.2.2")
    second = condense(folder, Selection(TODAY), keep_raw=True, temporary=tmp_path)
    assert [one.period for one in second.done] == ["2026-11-01", "2026-10"]
    corpus.check(folder, records + late, tmp_path, month_of=_period)
    third = condense(folder, Selection(TODAY), temporary=tmp_path)
    assert [one.period for one in third.done] == ["2026-11-01", "2026-10"]
    assert not [key for key in corpus.keys(folder) if key.endswith(".jsonl")]
    corpus.check(folder, records + late, tmp_path, month_of=_period)


def test_a_day_that_fails_is_named_stops_no_other_and_keeps_its_raw_files(folder, tmp_path, monkeypatch):
    for number, day in enumerate(("2026-10-30", "2026-10-31", "2026-11-01")):
        corpus.put(folder, [corpus.request(f"{number}", corpus.stamp(day, 5))])
    real = Press.copy

    def copy(self, select, path, **more):
        if "2026-10-31/" in select:
            select = f"SELECT * FROM ({select}) WHERE false"  # a writer that loses rows
        real(self, select, path, **more)

    monkeypatch.setattr(Press, "copy", copy)
    report = condense(folder, Selection(TODAY), temporary=tmp_path)
    assert [one.period for one in report.done] == ["2026-10-30", "2026-11-01"]
    assert [one.period for one in report.failed] == ["2026-10-31"]
    assert "holds 0 records" in report.failed[0].why
    assert report.waiting == ["2026-10"]
    assert [key for key in corpus.keys(folder) if key.endswith(".jsonl")] == [
        "2026-10-31/12-00-00-host-1-00ff.1.1.jsonl"
    ]
    monkeypatch.undo()
    assert condense(folder, Selection(TODAY), temporary=tmp_path).failed == []


def test_files_that_somebody_else_takes_are_looked_for_again(folder, tmp_path, monkeypatch):
    record = corpus.request("a", corpus.stamp("2026-11-01", 5))
    corpus.put(folder, [record])
    corpus.put(folder, [record], "13-00-00-host-1-00ff.2.2")
    real, taken = Press.raw_figures, []

    def raw_figures(self, keys):
        if not taken:
            taken.append(folder.delete([keys[0]]))
        return real(self, keys)

    monkeypatch.setattr(Press, "raw_figures", raw_figures)
    report = condense(folder, Selection(TODAY), temporary=tmp_path)
    assert [(one.period, one.records) for one in report.done] == [("2026-11-01", 1)]


@pytest.mark.parametrize("today", ["2026-11-01", "2026-10-31"])
def test_days_that_are_not_over_are_left(folder, tmp_path, today):
    corpus.put(folder, [corpus.request("a", corpus.stamp("2026-11-01", 5))])
    assert condense(folder, Selection(today), temporary=tmp_path).done == []


def test_a_bucket_is_condensed_as_a_folder_is(bucket, tmp_path):
    records = [
        corpus.request("a", corpus.stamp("2026-10-31", WHOLE_DAY_S - 1)),
        corpus.response("a", corpus.stamp("2026-11-01", 1)),
        corpus.request("b", corpus.stamp("2026-11-01", 7)),
    ]
    corpus.put(bucket, records)
    corpus.put_lines(bucket, "2026-11-01", [b"torn {"], "14-00-00-host-1-00ff.3.3")
    report = condense(bucket, Selection(TODAY), temporary=tmp_path)
    assert (report.failed, report.waiting) == ([], [])
    corpus.check(bucket, records, tmp_path, month_of=_period)
    assert bucket.read("unreadable/2026-11-01/14-00-00-host-1-00ff.3.3.torn.txt") == b"torn {\n"
