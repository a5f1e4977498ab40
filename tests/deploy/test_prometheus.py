"""Alert rules and dashboard: Prometheus' own tool reads them, and each metric that they name is one that we have."""

import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from tests.parts.model_upstream import run_upstream
from tests.parts.ports import free_port
from tests.parts.processes import plain_environment, run_program
from tests.parts.proxy import provider, run_proxy
from tests.parts.requirement import require

from open_llm_proxy.telemetry.exposition import PREFIX, make_registry
from open_llm_proxy.telemetry.ledger import KINDS, STATUSES, Labels
from open_llm_proxy.telemetry.scoreboard import Facts, Scoreboard

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
ALERT_TESTS = DEPLOY / "prometheus" / "alerts.test.yaml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h"}


def promtool(*arguments):
    done = subprocess.run(
        [require("promtool"), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def samples():
    """Name to label names of every sample of a scrape."""
    board, fd = Scoreboard.create(2)
    board.ledger.row(Labels("p", "m", "k"))
    found = {}
    for family in make_registry(board, lambda: Facts("1", 1, 2)).collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    os.close(fd)
    return found


def alerts():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads(DASHBOARD.read_text())


def dashboard_queries():
    shown = dashboard()
    queries = [target["expr"] for panel in shown["panels"] for target in panel.get("targets", ())]
    return queries + [annotation["expr"] for annotation in shown["annotations"]["list"]]


def resolved(query):
    """The query as Grafana sends it."""
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    query = re.sub(r"=~\"\$(instance|provider|model|key)\"", '=~".*"', query)
    assert "$" not in query
    return query


def test_the_rules_are_well_formed_and_fire_as_their_tests_say():
    promtool("check", "rules", ALERTS)
    promtool("test", "rules", ALERT_TESTS)


def test_each_alert_fires_in_a_test():
    text = ALERT_TESTS.read_text()
    quiet = re.findall(r"alertname: (\w+), eval_time: \w+, exp_alerts: \[\]", text)
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) >= 15
    for name in names:
        assert text.count(name) > quiet.count(name), f"nothing shows that {name} fires"


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_each_alert_says_what_is_wrong(rule):
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description"}


def test_each_dashboard_query_is_promql(tmp_path):
    rules = [{"record": f"query_{number}", "expr": resolved(query)} for number, query in enumerate(dashboard_queries())]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", path)


@pytest.mark.parametrize("query", [*dashboard_queries(), *(rule["expr"] for rule in alerts())])
def test_queries_name_metrics_and_labels_that_there_are(samples, query):
    names = set(re.findall(rf"{PREFIX}\w+", query))
    assert names or query.startswith("up{")
    assert names <= samples.keys()
    known = {"instance", "job"}.union(*(samples[name] for name in names))
    asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query))
    for group in re.findall(r"(?:by|on) \(([\w, ]+)\)", query):
        asked |= set(group.replace(" ", "").split(","))
    assert asked <= known


@pytest.mark.parametrize(("label", "values"), [("kind", KINDS), ("status", STATUSES)])
def test_queries_select_values_that_there_are(label, values):
    for query in [*dashboard_queries(), *(rule["expr"] for rule in alerts())]:
        for given in re.findall(rf"\b{label}=~?\"([^$\"]+)\"", query):
            assert set(given.split("|")) <= set(values)


def test_the_dashboard_shows_every_metric(samples):
    shown = set(re.findall(rf"{PREFIX}\w+", " ".join(dashboard_queries())))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in samples}
    assert families - {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} == set()


def test_the_dashboards_panels_do_not_lie_on_each_other():
    taken = set()
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


# --- a real Prometheus -----------------------------------------------------------------------------------------------


@pytest.fixture
def scraped(tmp_path):
    """A Prometheus that scrapes a proxy with calls behind it, rules loaded; its URL."""
    program = require("promtool").with_name("prometheus")
    if not program.exists():
        pytest.skip("prometheus is not installed: make parts")
    metrics_port, port = free_port(), free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [
            {"job_name": "open-llm-proxy", "static_configs": [{"targets": [f"127.0.0.1:{metrics_port}"]}]}
        ],
    }
    (tmp_path / "prometheus").mkdir()
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
    command = [
        program,
        f"--config.file={tmp_path}/prometheus.yaml",
        f"--storage.tsdb.path={tmp_path}/prometheus/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (
        run_upstream() as upstream,
        run_proxy(tmp_path / "proxy", provider(upstream.endpoint), env={"METRICS_PORT": str(metrics_port)}) as proxy,
        run_program(command, env=plain_environment(tmp_path), folder=tmp_path / "prometheus") as prometheus,
    ):
        ask(proxy)
        prometheus.wait_until(lambda: ready(port), "a Prometheus that is ready")
        yield f"http://127.0.0.1:{port}", proxy, prometheus


def ask(proxy):
    body = json.dumps({"model": "kimi", "messages": [{"role": "user", "content": "hi"}]}).encode()
    headers = {"Authorization": f"Bearer {proxy.key}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{proxy.base_url}/chat/completions", body, headers)) as answer:
        answer.read()


def ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def api(url, path, **parameters):
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=20) as answer:
        return json.load(answer)["data"]


@pytest.mark.slow
def test_a_real_prometheus_takes_scrapes_rules_and_every_query(scraped):
    url, proxy, prometheus = scraped

    def calls():
        found = api(url, "query", query='sum(open_llm_proxy_calls_total{model="kimi",status="2xx"})')["result"]
        return found and float(found[0]["value"][1]) == 1

    prometheus.wait_until(calls, "the call in Prometheus")
    ask(proxy)
    for query in dashboard_queries():
        promtool("query", "instant", url, resolved(query))
    rules = [rule for group in api(url, "rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(alerts())
    prometheus.wait_until(
        lambda: all(rule["health"] == "ok" for group in api(url, "rules")["groups"] for rule in group["rules"]),
        "every rule evaluated",
    )
    assert api(url, "alerts")["alerts"] == []
    targets = api(url, "targets")["activeTargets"]
    assert [(target["health"], target["lastError"]) for target in targets] == [("up", "")]
