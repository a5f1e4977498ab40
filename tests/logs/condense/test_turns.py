import pytest

from open_llm_proxy.logs.condense.figures import CondenseError
from open_llm_proxy.logs.condense.press import parquet
from open_llm_proxy.logs.condense.turns import write_turns
from open_llm_proxy.store.schema import SESSIONS

DAYS = ("2026-11-01", "2026-11-02")


@pytest.fixture
def records(corpus):
    """Two sessions over two days, with an id that comes again, answers over midnight, and one without a time."""
    made = [
        corpus.request("0000000a", corpus.stamp(DAYS[0], 86_399)),
        corpus.response("0000000a", corpus.stamp(DAYS[1], 1), content="late"),
    ]
    made += [corpus.request("0000000b", corpus.stamp(DAYS[0], 86_399), "s-2")]
    made += [
        corpus.request("0000000b", corpus.stamp(DAYS[1], 5)),
        corpus.response("0000000b", corpus.stamp(DAYS[1], 6)),
    ]
    for number in range(40):
        second = 100 + number * 2_000
        made += [corpus.request(f"{number}", corpus.stamp(DAYS[0], second), f"s-{number % 3}")]
        made += [corpus.response(f"{number}", corpus.stamp(DAYS[0], second + 50_000), f"s-{number % 3}")]
    return made


@pytest.mark.parametrize("slice_bytes", [1 << 40, 2_000, 300])
def test_however_many_slices_the_turns_are_the_same(press, folder, corpus, work, tmp_path, records, slice_bytes):
    corpus.put(folder, records)
    press.copy(press.raw_records(corpus.keys(folder)), work / "records.parquet")
    write_turns(press, work / "records.parquet", 43, work / "turns.parquet", slice_bytes=slice_bytes)
    folder.write("sessions/daily/x.parquet", work / "turns.parquet")
    turns = corpus.rows(folder, "sessions", corpus.TURN_COLUMNS, tmp_path)
    assert set(turns) == corpus.expected_turns(records, lambda _: "both days")
    described = press.run(f"DESCRIBE FROM {parquet([work / 'turns.parquet'])}")
    assert [name for name, *_ in described] == [column.name for column in SESSIONS]
    assert sorted(path.name for path in work.iterdir() if "turns" in path.name) == ["turns.parquet"]


def test_requests_without_a_time_or_an_id_are_turns_too(press, folder, corpus, work):
    corpus.put_lines(
        folder, DAYS[0], [b'{"type":"request"}', b'{"type":"request","request_id":"a"}', b'{"type":"response"}']
    )
    press.copy(press.raw_records(corpus.keys(folder)), work / "records.parquet")
    write_turns(press, work / "records.parquet", 2, work / "turns.parquet", slice_bytes=100)


def test_a_turn_too_few_is_noticed(press, folder, corpus, work, records):
    corpus.put(folder, records)
    press.copy(press.raw_records(corpus.keys(folder)), work / "records.parquet")
    with pytest.raises(CondenseError, match=r"turns\.parquet holds 43 turns of 44 requests"):
        write_turns(press, work / "records.parquet", 44, work / "turns.parquet")
