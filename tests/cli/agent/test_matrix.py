import pytest
from tests.agent.test_matrix import reply
from tests.parts.model_upstream import run_upstream

PLAN = """
origin = "https://parks.example.org"
models = ["one", "two"]
[[questions]]
name = "count"
ask = "How many?"
gold = {numeric = 42}
"""


@pytest.fixture
def upstream():
    with run_upstream() as running:
        running.ordinarily = reply
        yield running


def test_a_plan_is_run_and_reported(run, upstream, here):
    (here / "parks.toml").write_text(PLAN)
    said = run("agent", "matrix", "parks.toml", "--proxy-url", upstream.url)
    assert said.status == 0
    assert said.out.startswith("parks: 2 of 2 cells run · 1/2 50% passed")
    assert "open-llm-proxy: [2/2] " in said.err
    assert said.err.endswith("runs/parks/report.md, runs/parks/report.html\n")
    assert (here / "runs" / "parks" / "report.html").exists()
    said = run("agent", "matrix", "parks.toml", "--proxy-url", upstream.url)
    assert said.err.startswith("open-llm-proxy: 2 of 2 cells had been run before\n")


def test_what_could_not_be_run_is_4(run, upstream, here):
    (here / "parks.toml").write_text(PLAN.replace("two", "broken"))
    said = run("agent", "matrix", "parks.toml", "--proxy-url", upstream.url, "--out", "here")
    assert said.status == 4
    assert "count.broken.none.1: the proxy answered 400: no such model" in said.out
    assert "not everything could be run: 1 cells are left; the same command goes on" in said.err
    assert (here / "here" / "report.md").exists()


def test_every_mistake_is_a_line(run, here):
    (here / "parks.toml").write_text(PLAN.replace("models", "model").replace("ask", "asks"))
    said = run("agent", "matrix", "parks.toml")
    assert (said.status, said.out) == (2, "")
    assert said.err.splitlines() == [
        "open-llm-proxy: error: wrong plan (parks.toml): 4 problems",
        "open-llm-proxy: error:   model: no such key; did you mean models?",
        "open-llm-proxy: error:   models: is missing",
        "open-llm-proxy: error:   questions[0].asks: no such key; did you mean ask?",
        "open-llm-proxy: error:   questions[0].ask: is missing",
    ]


def test_no_plan(run):
    said = run("agent", "matrix", "none.toml")
    assert (said.status, said.err) == (
        2,
        "open-llm-proxy: error: none.toml cannot be read: No such file or directory\n",
    )
