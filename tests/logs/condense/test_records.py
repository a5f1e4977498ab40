import json

import pytest

from open_llm_proxy.logs.condense.press import parquet
from open_llm_proxy.logs.condense.records import drop_doubles, merge, torn_lines
from open_llm_proxy.logs.condense.site import Site

DAY = "2026-11-01"


@pytest.fixture
def site(folder, work):
    return Site(folder, work)


def test_distinct_records_in_their_own_columns(site, press, folder, corpus, work):
    first = corpus.request("a", corpus.stamp(DAY, 5))
    later = corpus.request("a", corpus.stamp(DAY, 6))
    prompts = [corpus.prompt("f", corpus.stamp(DAY, second)) for second in (1, 2)]
    corpus.put(folder, [later, *prompts, first, first])
    merged = merge(site, press, corpus.keys(folder), [], work / "out.parquet")
    assert (merged.figures.records, merged.doubles, merged.torn) == (2, 3, 0)
    rows = press.run(f"SELECT entry FROM {parquet([work / 'out.parquet'])} ORDER BY type")
    assert [json.loads(entry) for (entry,) in rows] == [first, prompts[0]]
    assert [path.name for path in work.iterdir() if path.suffix == ".all"] == []


def test_records_without_an_id_are_told_apart_by_their_text(site, press, folder, corpus, work):
    corpus.put_lines(folder, DAY, [b'{"type":"note","a":1}', b'{"type":"note","a":2}', b'{"type":"note","a":1}'])
    assert merge(site, press, corpus.keys(folder), [], work / "out.parquet")[1:] == (1, 0)


def test_a_table_and_late_files_with_what_it_has_already(site, press, folder, corpus, work):
    records = [corpus.request(name, corpus.stamp(DAY, 5)) for name in "abc"]
    corpus.put(folder, records[:2])
    merge(site, press, corpus.keys(folder), [], work / "out.parquet")
    folder.write("consolidated/daily/x.parquet", work / "out.parquet")
    corpus.put(folder, records, "13")
    merged = merge(site, press, [f"{DAY}/13.jsonl"], ["consolidated/daily/x.parquet"], work / "out.parquet")
    assert (merged.figures.records, merged.doubles) == (3, 2)


TORN = [
    b'{"timestamp":"2026-11-01T00:00:05Z","type":"requ',
    b'{"a":1}{"b":2}',
    b'"x"',
    b"[1]",
    b'{"other":1}',
    b'{"type":"\xff"}',
]


def test_torn_lines_are_kept_as_unreadable(site, press, folder, corpus, work):
    good = json.dumps(corpus.request("a", corpus.stamp(DAY, 5))).encode()
    corpus.put_lines(folder, DAY, [TORN[0], good, b"", *TORN[1:]], "13-00-00-host-1-00ff.1.1")
    corpus.put(folder, [corpus.request("b", corpus.stamp(DAY, 5))])
    raw = corpus.keys(folder)
    merged = merge(site, press, raw, [], work / "out.parquet")
    assert (merged.figures.records, merged.doubles, merged.torn) == (2, 0, len(TORN))
    assert folder.read(f"unreadable/{DAY}/13-00-00-host-1-00ff.1.1.torn.txt").splitlines() == TORN
    assert [key for key in corpus.keys(folder) if key.startswith("unreadable")] == [
        f"unreadable/{DAY}/13-00-00-host-1-00ff.1.1.torn.txt"
    ]


def test_a_file_of_torn_lines_alone(site, press, folder, corpus, work):
    corpus.put_lines(folder, DAY, [b"{"])
    assert merge(site, press, corpus.keys(folder), [], work / "out.parquet").torn == 1
    assert press.count(parquet([work / "out.parquet"])) == 0


def test_many_lines_are_looked_at_in_batches(press, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"".join(b'{"request_id":"%d"}\n{\n' % number for number in range(400)))
    assert torn_lines(press, path) == [b"{"] * 400


def test_doubles_are_found_a_share_at_a_time(press, folder, corpus, work):
    corpus.put(folder, [corpus.request(f"{number % 40}", corpus.stamp(DAY, 5)) for number in range(100)])
    press.copy(press.raw_records(corpus.keys(folder)), work / "all.parquet")
    for at_once in (7, 1000):
        drop_doubles(press, work / "all.parquet", work / "out.parquet", at_once=at_once)
        assert press.run(f"SELECT count(*), count(DISTINCT request_id) FROM {parquet([work / 'out.parquet'])}") == [
            (40, 40)
        ]
