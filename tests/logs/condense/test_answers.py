import pytest

from open_llm_proxy.logs.condense.answers import add_answers
from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import parquet
from open_llm_proxy.logs.condense.turns import write_turns

DAY, NEXT = "2026-11-01", "2026-11-02"


@pytest.fixture
def turns(press, folder, corpus, work):
    """Turns of ``DAY``: a and b without an answer, c with one."""
    records = [corpus.request(name, corpus.stamp(DAY, 86_390 + number)) for number, name in enumerate("abc")]
    corpus.put(folder, [*records, corpus.response("c", corpus.stamp(DAY, 86_399), content="in time")])
    press.copy(press.raw_records(corpus.keys(folder)), work / "records.parquet")
    write_turns(press, work / "records.parquet", 3, work / "turns.parquet")
    return parquet([work / "turns.parquet"])


def later(press, folder, corpus, records):
    corpus.put(folder, records, "late")
    return [press.raw_records(key for key in corpus.keys(folder) if "late" in key)]


def contents(press, work):
    return press.run(
        f"SELECT request_id, turn_idx, assistant_content, status, strftime(response_ts, '%d') FROM {parquet([work / 'out'])} ORDER BY 1"
    )


def test_late_answers_are_put_in_and_nothing_else_changes(press, folder, corpus, work, turns):
    records = later(
        press, folder, corpus, [corpus.response(name, corpus.stamp(NEXT, 1), content="late") for name in "acx"]
    )
    assert add_answers(press, turns, records, work / "out") == 1
    assert contents(press, work) == [
        ("a", 1, "late", 200, "02"),
        ("b", 2, None, None, None),
        ("c", 3, "in time", 200, "01"),
    ]
    assert add_answers(press, parquet([work / "out"]), records, work / "again") == 0
    assert not (work / "again").exists()


def test_an_answer_to_the_next_days_own_request_is_not_taken(press, folder, corpus, work, turns):
    records = [corpus.request("a", corpus.stamp(NEXT, 1)), corpus.response("a", corpus.stamp(NEXT, 2))]
    assert add_answers(press, turns, later(press, folder, corpus, records), work / "out") == 0


def test_an_answer_of_the_day_itself_that_came_late(press, folder, corpus, work, turns):
    assert (
        add_answers(
            press, turns, later(press, folder, corpus, [corpus.response("b", corpus.stamp(DAY, 86_399))]), work / "out"
        )
        == 1
    )


def test_an_answer_after_two_midnights_is_none(press, folder, corpus, work, turns):
    records = later(press, folder, corpus, [corpus.response("a", corpus.stamp("2026-11-03", 1))])
    assert add_answers(press, turns, records, work / "out") == 0


def test_of_two_answers_the_first(press, folder, corpus, work, turns):
    two = [corpus.response("a", corpus.stamp(NEXT, second), content=f"at {second}") for second in (7, 3)]
    assert add_answers(press, turns, later(press, folder, corpus, two), work / "out") == 1
    assert contents(press, work)[0][2] == "at 3"


def test_only_one_day_may_be_looked_at(press, folder, corpus, work, turns):
    records = later(press, folder, corpus, [corpus.response("a", corpus.stamp(NEXT, 1))])
    assert add_answers(press, turns, records, work / "out", day=NEXT) == 0
    assert add_answers(press, turns, records, work / "out", day=DAY) == 1
    assert add_answers(press, turns, [], work / "out") == 0


def test_lost_turns_are_noticed(press, folder, corpus, work, turns, monkeypatch):
    real = press.copy
    monkeypatch.setattr(press, "copy", lambda select, path, **more: real(f"FROM ({select}) LIMIT 2", path, **more))
    records = later(press, folder, corpus, [corpus.response("a", corpus.stamp(NEXT, 1))])
    with pytest.raises(CondenseError, match="other turns"):
        add_answers(press, turns, records, work / "out")
