"""Who asks the views need not know what is condensed: before, between and after they tell the same."""

import pytest
from tests.logs.condense import corpus

from open_llm_proxy.logs.condense.plan import Selection
from open_llm_proxy.logs.condense.run import condense
from open_llm_proxy.logs.engine import connect
from open_llm_proxy.logs.views import VIEWS, create_views
from open_llm_proxy.logs.window import ALL

pytestmark = pytest.mark.slow

DAYS = ("2026-10-30", "2026-10-31", "2026-11-01")


def tell(source):
    with connect([source]) as connection:
        create_views(connection, [source], ALL)
        return {
            view: sorted(connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {view}").fetchall(), key=repr)
            for view in VIEWS
        }


@pytest.fixture
def records():
    made = [corpus.prompt("aa", corpus.stamp(day, 4)) for day in DAYS]
    for number in range(12):
        day, second, session = DAYS[number % 3], (5, 86_399)[number % 2], f"s-{number % 4}"
        made.append(corpus.request(f"{number:08x}", corpus.stamp(day, second), session))
        if number % 5:
            made.append(corpus.response(f"{number:08x}", corpus.stamp(day, second + 1.5), session))
    return made


@pytest.mark.parametrize("keep_raw", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_views_are_the_same_whatever_is_condensed(folder, tmp_path, records, keep_raw):
    corpus.put(folder, records)
    corpus.put(folder, records[::5], "13-00-00-host-1-00ff.2.2")
    raw = tell(folder)
    assert len(raw["turns"]) == 12
    for today in ("2026-10-31", "2026-11-01", "2026-11-02", "2026-12-01"):
        assert condense(folder, Selection(today), keep_raw=keep_raw, temporary=tmp_path).failed == []
        told = tell(folder)
        for view in VIEWS:
            assert told[view] == raw[view], (today, view)
