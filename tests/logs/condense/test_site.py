import pytest

from open_llm_proxy.logs.condense.figures import CondenseError, Figures
from open_llm_proxy.logs.condense.site import Site, digest, key_of, keys


@pytest.fixture
def site(folder, work):
    return Site(folder, work)


def test_raw_files_are_those_right_in_the_days_folder(site, folder, corpus):
    corpus.put(folder, [corpus.request("a", corpus.stamp("2026-11-01", 5))])
    folder.write("2026-11-01/deeper/x.jsonl", b"")
    folder.write("2026-11-01/x.txt", b"")
    assert keys(site.raw_files("2026-11-01")) == ["2026-11-01/12-00-00-host-1-00ff.1.1.jsonl"]
    assert site.find("2026-11-01/x.txt").key == "2026-11-01/x.txt"
    assert site.find("2026-11-02/x.txt") is None


def test_a_table_that_is_not_what_it_was_made_from_is_not_taken(site, press, corpus, folder, work):
    corpus.put(folder, [corpus.request("a", corpus.stamp("2026-11-01", 5))])
    press.copy(press.raw_records(corpus.keys(folder)), work / "x.parquet")
    figures = press.figures(f"'{work / 'x.parquet'}'")
    site.put(press, work / "x.parquet", "consolidated/daily/2026-11-01.parquet", figures)
    with pytest.raises(CondenseError, match=r"consolidated/daily/2026-11-01\.parquet holds"):
        site.put(press, work / "x.parquet", "consolidated/daily/2026-11-01.parquet", Figures(2, 2, 0, 1))


def test_rows_are_counted_in_place(site, press, work, folder, monkeypatch):
    press.copy("FROM range(3)", work / "x.parquet")
    press.copy("FROM range(2)", work / "y.parquet")
    site.put_rows(press, work / "x.parquet", "sessions/daily/2026-11-01.parquet")
    monkeypatch.setattr(folder, "write", lambda *_: None)
    with pytest.raises(CondenseError, match="other rows"):
        site.put_rows(press, work / "y.parquet", "sessions/daily/2026-11-01.parquet")


def test_the_digest_tells_names_and_sizes(site, folder):
    folder.write("2026-11-01/a.jsonl", b"{}\n")
    before = digest(site.raw_files("2026-11-01"))
    folder.write("2026-11-01/b.jsonl", b"{}\n")
    assert digest(site.raw_files("2026-11-01")) != before
    folder.delete(["2026-11-01/b.jsonl"])
    assert digest(site.raw_files("2026-11-01")) == before


def test_keys():
    assert key_of("sessions", "2026-11-01") == "sessions/daily/2026-11-01.parquet"
    assert key_of("sessions", "2026-11") == "sessions/monthly/2026-11.parquet"
