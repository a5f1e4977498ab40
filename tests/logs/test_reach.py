from datetime import UTC, datetime, timedelta

import pytest

from open_llm_proxy.logs.call_filter import CallFilter
from open_llm_proxy.logs.feed import silent
from open_llm_proxy.logs.reach import open_tail
from open_llm_proxy.spool.directory import frames_root


@pytest.fixture
def reach(tmp_path):
    frames_root(tmp_path / "open-llm-proxy" / "8002").mkdir(parents=True)

    def reach(from_dir=None, store=None, spool=None, **environ):
        variables = {"XDG_STATE_HOME": str(tmp_path), **environ}
        return open_tail(CallFilter(), from_dir, store, spool, variables, cwd=tmp_path, say=silent)

    return reach


def test_without_a_word_the_proxy_on_this_machine_is_read(reach, tmp_path):
    place, _ = reach(LOG_DIR=str(tmp_path / "logs"))
    assert place == f"{tmp_path}/open-llm-proxy/8002, {tmp_path}/logs"


def test_a_place_that_is_named_is_read_alone(reach, tmp_path):
    assert reach(str(tmp_path))[0] == str(tmp_path)
    assert reach(LOGS_DIR=str(tmp_path))[0] == str(tmp_path)
    assert reach(str(tmp_path), spool="/s")[0] == f"/s, {tmp_path}"


def test_a_week_is_looked_at(reach, tmp_path):
    for age in (5, 9):
        at = datetime.now(UTC) - timedelta(days=age)
        folder = tmp_path / f"{at:%Y-%m-%d}"
        folder.mkdir()
        line = f'{{"type":"response","request_id":"{age:032}","timestamp":"{at.isoformat()}"}}\n'
        (folder / "00-00-00-1.jsonl").write_text(line)
    _, found = reach(str(tmp_path))
    assert [int(call.request_id) for call in found.recent(10)] == [5]
