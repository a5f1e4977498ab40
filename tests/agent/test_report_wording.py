import pytest
from tests.agent.test_report import outcomes_of

from open_llm_proxy.agent.interval import share
from open_llm_proxy.agent.report import make_report
from open_llm_proxy.agent.report_wording import (
    HEADS,
    say_group,
    say_interval,
    say_mark,
    say_share,
    say_summary,
    say_versions,
)


@pytest.fixture
def report(make_plan):
    plan = make_plan()
    return make_report(plan, outcomes_of(plan))


def test_a_group_has_a_text_a_head(report):
    rows = [say_group(group) for group in report.groups]
    assert {len(row) for row in rows} == {len(HEADS)}
    assert rows[0][:10] == ["one", "plain", "1/1 100%", "21%-100%", "2/2", "2.0", "1.0", "60 → 40", "$1.00", "300 ms"]
    assert rows[3] == ["two", "brief", "-", "-", "0/2", "-", "-", "-", "-", "-", "-"]


def test_shares():
    assert (say_share(share(8, 10)), say_interval(share(8, 10))) == ("8/10 80%", "49%-94%")
    assert (say_share(share(0, 0)), say_interval(share(0, 0))) == ("-", "-")


def test_marks(report):
    assert "".join(map(say_mark, report.outcomes)) == "✓✓✗!···!"


def test_the_summary(report):
    assert say_summary(report) == "6 of 8 cells run · 2/3 67% passed (21%-94%) · $4.00"


def test_versions(report):
    said = dict(say_versions(report.versions))
    assert said["proxy"] == "open-llm-proxy 1.2.3"
    assert said["model one"] == "up-m"
    assert said["prompt plain"] == "none"
    assert said["prompt brief"].startswith("sha256 ")
    assert "judge" not in said
