import pytest
from tests.logs.condense import corpus

from open_llm_proxy.logs.condense.plan import Selection
from open_llm_proxy.logs.condense.run import condense
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.prune import find_prunable
from open_llm_proxy.logs.sync import sync

DAYS = ("2026-10-30", "2026-11-01")
TABLES = ("consolidated", "session-rollup", "sessions")


@pytest.fixture
def here(tmp_path):
    made = Folder(tmp_path / "here")
    corpus.put(
        made,
        [
            record
            for day in DAYS
            for record in (corpus.request("a", corpus.stamp(day, 5)), corpus.prompt("f", corpus.stamp(day, 6)))
        ],
    )
    return made


@pytest.fixture
def there(tmp_path, here):
    made = Folder(tmp_path / "there")
    sync(here, made)
    return made


def raw(source):
    return [key for key in corpus.keys(source) if key.endswith(".jsonl")]


def test_raw_days_that_both_sides_have_condensed_go(here, there, tmp_path):
    condense(here, Selection("2026-11-02"), temporary=tmp_path)
    assert len(raw(there)) == 2
    outcome = sync(here, there, prune=True, dry_run=True)
    assert (outcome.pruned, len(raw(there))) == ([], 2)  # its tables are not there yet
    assert len(sync(here, there, prune=True).pruned) == 2
    assert corpus.keys(there) == corpus.keys(here)


def test_nothing_goes_that_the_first_side_lacks_in_its_tables(here, there, tmp_path):
    condense(there, Selection("2026-11-02"), keep_raw=True, temporary=tmp_path)
    here.delete(raw(here))
    assert find_prunable(here, there) == []


def test_nothing_goes_that_the_targets_own_table_lacks(here, there, tmp_path):
    corpus.put(there, [corpus.request("only there", corpus.stamp(DAYS[1], 7))], "17")
    condense(here, Selection("2026-11-02"), temporary=tmp_path)
    sync(here, there, prune=True)
    assert raw(there) == [f"{DAYS[1]}/12-00-00-host-1-00ff.1.1.jsonl", f"{DAYS[1]}/17.jsonl"]


def test_what_the_first_side_keeps_is_kept(here, there, tmp_path):
    condense(here, Selection("2026-11-02"), keep_raw=True, temporary=tmp_path)
    assert sync(here, there, prune=True).pruned == []
    assert len(raw(there)) == 2


def test_daily_tables_of_a_month_that_both_sides_have_closed_go(here, there, tmp_path):
    condense(here, Selection("2026-11-01"), temporary=tmp_path)
    sync(here, there)
    condense(here, Selection("2026-12-01"), temporary=tmp_path)
    assert [key for key in sync(here, there, prune=True).pruned if key.endswith("parquet")] == []
    assert corpus.keys(there) == corpus.keys(here)


def test_daily_tables_go_when_the_month_has_their_records(here, there, tmp_path):
    condense(here, Selection("2026-10-31"), temporary=tmp_path)
    sync(here, there)
    assert f"consolidated/daily/{DAYS[0]}.parquet" in corpus.keys(there)
    condense(here, Selection("2026-11-02"), temporary=tmp_path)
    pruned = sync(here, there, prune=True).pruned
    assert [key for key in pruned if "daily" in key] == [f"{table}/daily/{DAYS[0]}.parquet" for table in TABLES]
