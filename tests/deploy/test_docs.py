"""The pages on deploying: what they name exists, and what exists is named."""

import re
from pathlib import Path

import pytest
import yaml
from tests.parts.manifests import COMPONENTS, DEPLOY, OVERLAYS, ROOT, find, read

PAGES = ("deploy", "operations", "moving")
TEXTS = {name: (ROOT / "docs" / f"{name}.md").read_text() for name in PAGES}


def test_each_alert_has_its_row_and_no_row_is_of_the_past():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    rows = set(re.findall(r"`(OpenLlmProxy\w+)`", TEXTS["operations"]))
    assert rows == alerts


def test_each_secret_and_key_is_explained():
    for one in read("secrets.yaml.example"):
        assert f"`{one['metadata']['name']}`" in TEXTS["deploy"]
        for key in one["stringData"]:
            assert f"`{key}`" in TEXTS["deploy"], key


def test_each_component_and_overlay_is_explained():
    for name in (*COMPONENTS, *OVERLAYS):
        assert f"`{name}`" in TEXTS["deploy"]


@pytest.mark.parametrize("name", PAGES)
def test_files_and_links_exist(name):
    text = TEXTS[name]
    paths = set(re.findall(r"(?<![\w./-])deploy/[\w./-]+\w", text)) - {"deploy/kubernetes/secrets.yaml"}
    assert [path for path in paths if not (ROOT / path).exists()] == []
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert [link for link in links if "://" not in link and not (ROOT / "docs" / link).resolve().exists()] == []


def test_moving_is_one_page():
    assert len(TEXTS["moving"].splitlines()) <= 66


def test_the_figures_of_the_drain_are_the_manifests():
    deployment = (DEPLOY / "kubernetes" / "deployment.yaml").read_text()
    assert "waits 15 s" in TEXTS["deploy"]
    assert '"sleep", "15"' in deployment
    assert "up to 21 minutes (`DRAIN_SECONDS`)" in TEXTS["deploy"]
    assert 'value: "1260"' in deployment
    assert find(read("deployment.yaml"), "Deployment")["spec"]["progressDeadlineSeconds"] == 15 * 60


def test_commands_apply_every_manifest():
    applied = set(re.findall(r"kubectl apply -f (deploy/kubernetes/\S+)", TEXTS["deploy"]))
    there = {f"deploy/kubernetes/{path.name}" for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    there -= {
        f"deploy/kubernetes/{name}" for name in ("kustomization.yaml", "config-folder.patch.yaml", "secrets.yaml")
    }
    assert applied - {"deploy/kubernetes/secrets.yaml"} == there


def test_open_llm_proxy_has_the_commands():
    commands = (ROOT / "docs" / "cli.md").read_text()
    for page in TEXTS.values():
        for command in re.findall(r"open-llm-proxy (check|serve|version|logs \w+)", page):
            assert f"open-llm-proxy {command}" in commands, command


def test_the_readme_leads_here():
    readme = (ROOT / "README.md").read_text()
    for name in PAGES:
        assert f"docs/{name}.md" in readme
    assert Path(ROOT / "examples/page.html").exists()
    assert "examples/page.html" in readme
    assert "deploy/sidecar/nginx.conf.template" in readme
