import pytest

from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import parquet
from open_llm_proxy.logs.condense.sessions import are_of, write_sessions
from open_llm_proxy.logs.condense.turns import write_turns
from open_llm_proxy.store.schema import ROLLUP


@pytest.fixture
def turns(press, folder, corpus, work):
    records = []
    for number in range(20):
        session = f"s-{number % 7}"
        records += [corpus.request(f"{number}", corpus.stamp("2026-11-01", number), session)]
        if number < 16:
            records += [corpus.response(f"{number}", corpus.stamp("2026-11-01", 100 + number), session)]
    corpus.put(folder, records)
    press.copy(press.raw_records(corpus.keys(folder)), work / "records.parquet")
    write_turns(press, work / "records.parquet", 20, work / "turns.parquet")
    return parquet([work / "turns.parquet"])


@pytest.mark.parametrize("at_once", [2, 100])
def test_sessions_a_share_at_a_time(press, work, turns, at_once):
    target = work / "rollup.parquet"
    write_sessions(press, turns, target, note="n", at_once=at_once)
    assert [name for name, *_ in press.run(f"DESCRIBE FROM {parquet([target])}")] == [column.name for column in ROLLUP]
    assert press.run(f"SELECT count(*), sum(turns), sum(unanswered_turns), sum(cost_usd) FROM {parquet([target])}") == [
        (7, 20, 4, 8.0)
    ]


def test_sessions_that_do_not_add_up(press, work, turns, monkeypatch):
    target = work / "rollup.parquet"
    write_sessions(press, turns, target)
    assert are_of(press, parquet([target]), turns)
    assert not are_of(press, parquet([target]), f"(FROM {turns} LIMIT 19)")
    real = press.copy
    monkeypatch.setattr(press, "copy", lambda select, path, **more: real(f"FROM ({select}) LIMIT 6", path, **more))
    with pytest.raises(CondenseError, match=r"rollup\.parquet does not add up"):
        write_sessions(press, turns, target)
