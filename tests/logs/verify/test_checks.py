from datetime import UTC, datetime

import pytest

from open_llm_proxy.logs.condense.day import condense_day
from open_llm_proxy.logs.verify.checks import check_columns, check_doubles, check_pairs, check_tables, check_torn_lines

DAY, NEXT = "2026-11-01", "2026-11-02"
SETTLED = datetime(2026, 12, 1, tzinfo=UTC)


def plain(findings):
    return [(one.where, one.times, one.detail) for one in findings]


def test_calls_that_are_whole(site, press, folder, corpus, calls, unit):
    over_midnight = [corpus.request("b", corpus.stamp(DAY, 86_399)), corpus.response("b", corpus.stamp(NEXT, 1))]
    corpus.put(folder, [*calls, *over_midnight])
    assert list(check_pairs(site, press, unit(), SETTLED)) == []
    assert list(check_doubles(press, unit())) == []
    assert list(check_torn_lines(press, unit())) == []
    condense_day(site, press, DAY)
    assert list(check_pairs(site, press, unit(), SETTLED)) == []
    assert list(check_columns(press, unit())) == list(check_tables(press, unit())) == []


def test_requests_without_a_response_and_the_reverse(site, press, folder, corpus, unit):
    corpus.put(
        folder,
        [
            corpus.request("a", corpus.stamp(DAY, 5)),
            corpus.request("b", corpus.stamp(DAY, 9)),
            corpus.response("c", corpus.stamp(DAY, 9)),
        ],
    )
    assert plain(check_pairs(site, press, unit(), SETTLED)) == [
        (DAY, 2, "requests without a response, such as a"),
        (DAY, 1, "responses without a request, such as c"),
    ]
    early = datetime(2026, 11, 1, 0, 0, 7, tzinfo=UTC)
    assert [one.times for one in check_pairs(site, press, unit(), early)] == [1, 1]


def test_an_id_that_comes_again_pairs_with_its_own_day(site, press, folder, corpus, unit):
    corpus.put(folder, [corpus.request("a", corpus.stamp(DAY, 5)), corpus.response("a", corpus.stamp("2026-11-03", 5))])
    assert [one.times for one in check_pairs(site, press, unit(), SETTLED)] == [1]


def test_doubles_of_raw_files_and_of_a_table(site, press, folder, corpus, calls, unit, work):
    corpus.put(folder, calls)
    corpus.put(folder, calls[:2], "13")
    assert plain(check_doubles(press, unit())) == [(f"{DAY}/", 2, "records that are there already, such as a")]
    condense_day(site, press, DAY)
    assert list(check_doubles(press, unit())) == []
    place = f"consolidated/daily/{DAY}.parquet"
    press.copy(f"FROM {press.stored(place)} UNION ALL FROM {press.stored(place)}", work / "x.parquet")
    folder.write(place, work / "x.parquet")
    assert [(one.where, one.times) for one in check_doubles(press, unit())] == [(place, 3)]


def test_prompts_are_in_raw_files_once_a_recorder(site, press, folder, corpus, calls, unit):
    prompt = {"timestamp": corpus.stamp(DAY, 5), "type": "system_prompt", "system_sha256": "5" * 64, "content": "Be."}
    for name in ("12", "13"):
        corpus.put(folder, [prompt, {**prompt, "type": "tools", "tools_sha256": "6" * 64}], name)
    corpus.put(folder, calls, "14")
    assert list(check_doubles(press, unit())) == []
    condense_day(site, press, DAY)
    assert list(check_doubles(press, unit())) == []


def test_torn_lines(press, folder, corpus, unit):
    corpus.put_lines(folder, DAY, [b'{"type":"request"}', b'{"ty', b"{"], "13")
    assert [(one.where, one.times) for one in check_torn_lines(press, unit())] == [(f"{DAY}/13.jsonl", 2)]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ("*, 1 AS extra", "unknown columns: extra"),
        ("* REPLACE (latency_ms::VARCHAR AS latency_ms)", "columns of another type: latency_ms VARCHAR, not BIGINT"),
        ("ts, type, request_id, origin, entry", None),
    ],
)
def test_columns_of_tables(site, press, folder, corpus, calls, unit, work, columns, told):
    corpus.put(folder, calls)
    condense_day(site, press, DAY)
    place = f"consolidated/daily/{DAY}.parquet"
    press.copy(f"SELECT {columns} FROM {press.stored(place)}", work / "x.parquet")
    folder.write(place, work / "x.parquet")
    assert plain(check_columns(press, unit())) == ([(place, 1, told)] if told else [])


def test_tables_that_lack_something(site, press, folder, corpus, calls, unit, work):
    corpus.put(folder, calls)
    condense_day(site, press, DAY)
    corpus.put(folder, [*calls, corpus.request("late", corpus.stamp(DAY, 9))])
    assert [(one.where, one.times) for one in check_tables(press, unit())] == [(f"consolidated/daily/{DAY}.parquet", 1)]
    place = f"sessions/daily/{DAY}.parquet"
    press.copy(f"FROM {press.stored(place)} LIMIT 0", work / "x.parquet")
    folder.write(place, work / "x.parquet")
    folder.delete([f"{DAY}/12-00-00-host-1-00ff.1.1.jsonl"])
    assert [one.where for one in check_tables(press, unit())] == [place, f"session-rollup/daily/{DAY}.parquet"]
    folder.delete([place])
    assert plain(check_tables(press, unit())) == [(DAY, 1, "tables that are not there: sessions")]
