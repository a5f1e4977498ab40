from datetime import UTC, datetime

import pytest

from open_llm_proxy.logs.condense.plan import Selection
from open_llm_proxy.logs.condense.run import condense
from open_llm_proxy.logs.verify.run import verify
from open_llm_proxy.logs.window import ALL, parse_window
from open_llm_proxy.records.scrub import Scrubber

NOW = datetime(2026, 11, 5, tzinfo=UTC)


def check(source, window=ALL, now=NOW):
    return verify(source, window, Scrubber(), now)


@pytest.mark.parametrize("place", ["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def test_clean_before_and_after_condensing(place, request, corpus, calls, tmp_path):
    source = request.getfixturevalue(place)
    late = [
        corpus.request("z", corpus.stamp("2026-10-31", 86_399)),
        corpus.response("z", corpus.stamp("2026-11-01", 2)),
    ]
    corpus.put(source, [*calls, *late])
    assert check(source) == (["2026-10-31", "2026-11-01"], 2, [])
    condense(source, Selection("2026-11-05"), keep_raw=True, temporary=tmp_path)
    assert check(source) == (["2026-10", "2026-10-31", "2026-11-01"], 8, [])
    condense(source, Selection("2026-11-05"), temporary=tmp_path)
    assert check(source) == (["2026-10", "2026-11-01"], 6, [])


def test_only_the_window_is_looked_at_and_what_may_still_be_answered_is_left(folder, corpus):
    corpus.put(
        folder,
        [corpus.request("a", corpus.stamp("2026-10-31", 5)), corpus.request("b", corpus.stamp("2026-11-04", 86_000))],
    )
    assert [one.where for one in check(folder).findings] == ["2026-10-31"]
    later = datetime(2026, 11, 6, tzinfo=UTC)
    told = []
    found = verify(folder, parse_window(None, "2026-11-01", None, later), Scrubber(), later, watch=told.append)
    assert [one.where for one in found.findings] == ["2026-11-04"]
    assert told == found.periods == ["2026-11-04"]


def test_a_file_that_cannot_be_read_is_a_finding(folder, corpus, calls):
    corpus.put(folder, calls)
    folder.write("consolidated/daily/2026-11-01.parquet", b"no parquet")
    (finding,) = check(folder).findings
    assert (finding.check, finding.where) == ("tables", "2026-11-01")
    assert "cannot be read" in finding.detail
