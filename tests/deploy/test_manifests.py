"""What the manifests promise: secrets that may be missing, no lost call, room for the spool, no more rights than needed."""

import json
import re
import shutil

import pytest
from tests.parts import manifests as parts

from open_llm_proxy.config.schema import Limits, Timeouts
from open_llm_proxy.serve.supervisor import DRAIN_MARGIN_S, FLUSH_GRACE_S

SECRETS = {
    "open-llm-proxy-secrets": {"nrp-api-key", "proxy-key", "proxy-keys-extra", "cache-salt"},
    "aws": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
    "openrouter-key": {"OPENROUTER_KEY"},
    "nimbus-api-key": {"NIMBUS_API_KEY"},
    "anthropic-api-key": {"ANTHROPIC_API_KEY"},
    "rustfs-logs-write": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_S3_ENDPOINT", "BUCKET"},
}
NEEDED = {"NRP_API_KEY", "PROXY_KEY"}
JOBS = ("logs-consolidate-daily", "logs-consolidate-monthly", "logs-mirror-raw-hourly")


@pytest.fixture(scope="module", params=["written", *parts.OVERLAYS, "all components"])
def objects(request, tmp_path_factory):
    if request.param == "written":
        return parts.written()
    if request.param == "all components":
        return parts.built_with(tmp_path_factory.mktemp("all"), "nrp", parts.COMPONENTS)
    return parts.built(parts.DEPLOY / "overlays" / request.param)


@pytest.fixture(scope="module")
def serving(objects):
    """The Deployment, or the StatefulSet that a component makes of it."""
    (found,) = (one for one in objects if one["kind"] in {"Deployment", "StatefulSet"})
    return found


# --- secrets -----------------------------------------------------------------------------------------------------


def test_only_two_secrets_are_needed(objects):
    for name, reference in parts.secret_references(objects):
        assert reference["key"] in SECRETS[reference["name"]]
        assert reference.get("optional", False) is (name not in NEEDED), name


def test_the_example_holds_every_secret_and_no_more():
    example = {one["metadata"]["name"]: set(one["stringData"]) for one in parts.read("secrets.yaml.example")}
    assert example == SECRETS
    used = {(reference["name"], reference["key"]) for _, reference in parts.secret_references(parts.written())}
    assert used == {(name, key) for name, keys in SECRETS.items() for key in keys}


def test_what_the_example_does_not_need_is_empty():
    for one in parts.read("secrets.yaml.example"):
        assert {key for key, value in one["stringData"].items() if value} <= {"nrp-api-key", "proxy-key"}


# --- place -------------------------------------------------------------------------------------------------------


def test_the_bucket_is_to_be_edited():
    text = (parts.KUBERNETES / "deployment.yaml").read_text()
    assert '- name: LOG_BUCKET\n              value: "logs-<your-namespace>"' in text


def test_jobs_and_proxy_share_bucket_store_and_source(objects, serving):
    proxy = parts.variables(parts.proxy_of(serving))
    for name in JOBS:
        pod = parts.pod_of(parts.find(objects, "CronJob", name))
        job = parts.variables(pod["containers"][0])
        for variable in ("LOG_BUCKET", "AWS_S3_ENDPOINT_URL"):
            assert job[variable] == proxy[variable]
        assert sources(pod) == sources(parts.pod_of(serving))


def sources(pod):
    return [container["env"] for container in pod.get("initContainers", [])]


@pytest.mark.parametrize("overlay", parts.OVERLAYS)
def test_what_is_yours_is_one_place_in_an_overlay(overlay, tmp_path):
    """Values of ``yours.yaml`` reach every object; the file itself is not applied."""
    deploy = tmp_path / "deploy"
    shutil.copytree(parts.DEPLOY, deploy)
    place = deploy / "overlays" / overlay / "yours.yaml"
    mine = {
        "host": "h.example.org",
        "bucket": "logs-mine",
        "s3": "https://s3.example.org",
        "repo": "https://r",
        "ref": "v9",
    }
    text = place.read_text()
    for name, value in mine.items():
        text, count = re.subn(rf"^  {name}: .*$", f"  {name}: {value}", text, flags=re.MULTILINE)
        assert count == 1, name
    place.write_text(text)
    objects = parts.built(place.parent)
    assert not [one for one in objects if one["metadata"]["name"] == "yours"]
    ingress = parts.find(objects, "Ingress", "open-llm-proxy-ingress")["spec"]
    assert ingress["rules"][0]["host"] == mine["host"]
    assert all(tls["hosts"] == [mine["host"]] for tls in ingress.get("tls", []))
    for pod in parts.pods(objects):
        (install,) = pod["initContainers"]
        (main,) = pod["containers"]
        assert parts.variables(install)["GIT_REPO"]["value"] == mine["repo"]
        assert parts.variables(install)["GIT_REF"]["value"] == mine["ref"]
        assert parts.variables(main)["LOG_BUCKET"]["value"] == mine["bucket"]
        assert parts.variables(main)["AWS_S3_ENDPOINT_URL"]["value"] == mine["s3"]


# --- configuration -----------------------------------------------------------------------------------------------


def test_the_config_beside_the_manifests_is_the_shipped_one():
    assert (parts.KUBERNETES / "config.json").read_bytes() == (parts.ROOT / "config.json").read_bytes()


def test_overlays_mount_it_as_a_folder(serving, objects):
    """A file mounted by subPath never changes in a running pod; one in a folder does."""
    container = parts.proxy_of(serving)
    config = parts.variables(container).get("OPEN_LLM_PROXY_CONFIG")
    if config is None:
        assert not [one for one in objects if one["kind"] == "ConfigMap"]
        return
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "config")
    assert "subPath" not in mount
    assert config["value"] == f"{mount['mountPath']}/config.json"
    (volume,) = (volume for volume in parts.pod_of(serving)["volumes"] if volume["name"] == "config")
    data = parts.find(objects, "ConfigMap", volume["configMap"]["name"])["data"]
    assert json.loads(data["config.json"]) == json.loads((parts.ROOT / "config.json").read_text())


def test_a_file_may_be_mounted_over_the_one_in_the_working_directory(serving):
    """As some have it: ``/app/config.json`` by subPath. It is read when no variable says otherwise."""
    assert parts.proxy_of(serving)["workingDir"] == "/app"
    assert "OPEN_LLM_PROXY_CONFIG" not in parts.variables(parts.proxy_of(parts.find(parts.written(), "Deployment")))


# --- no call is lost ---------------------------------------------------------------------------------------------


def test_a_new_pod_is_ready_before_an_old_one_goes(serving):
    if serving["kind"] == "Deployment":
        assert serving["spec"]["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        }


def test_the_grace_period_outlasts_the_drain(serving):
    container = parts.proxy_of(serving)
    program, pause_s = container["lifecycle"]["preStop"]["exec"]["command"]
    drain_s = float(parts.variables(container)["DRAIN_SECONDS"]["value"])
    assert program == "sleep"
    grace_s = parts.pod_of(serving)["terminationGracePeriodSeconds"]
    assert grace_s > float(pause_s) + drain_s + DRAIN_MARGIN_S + FLUSH_GRACE_S
    assert drain_s > Timeouts().between_bytes_s, "the longest silence of a provider fits"


def test_the_pause_outlasts_the_readiness_of_a_pod_that_leaves(serving):
    container = parts.proxy_of(serving)
    probe = container["readinessProbe"]
    assert (
        float(container["lifecycle"]["preStop"]["exec"]["command"][1])
        >= probe["periodSeconds"] * probe["failureThreshold"]
    )


def test_all_probes_ask_health(serving):
    container = parts.proxy_of(serving)
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[kind]["httpGet"] == {"path": "/health", "port": 8002}


# --- room --------------------------------------------------------------------------------------------------------


def test_the_spool_has_room_for_all_that_may_be_in_it(serving):
    limits = Limits()
    pod = parts.pod_of(serving)
    claims = serving["spec"].get("volumeClaimTemplates", [])
    sizes = {claim["metadata"]["name"]: claim["spec"]["resources"]["requests"]["storage"] for claim in claims}
    sizes |= {volume["name"]: volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if "emptyDir" in volume}
    assert parts.size_bytes(sizes["spool"]) > limits.spool_bytes + limits.outbox_bytes
    mounts = {mount["name"]: mount["mountPath"] for mount in parts.proxy_of(serving)["volumeMounts"]}
    assert mounts["spool"] == parts.variables(parts.proxy_of(serving))["SPOOL_DIR"]["value"]


def test_the_pod_may_use_what_its_volumes_may_hold(objects):
    for pod in parts.pods(objects):
        volumes = sum(parts.size_bytes(one["emptyDir"]["sizeLimit"]) for one in pod["volumes"] if "emptyDir" in one)
        limits = pod["containers"][0]["resources"]["limits"]
        assert parts.size_bytes(limits["ephemeral-storage"]) > volumes


def test_a_pvc_is_a_pods_own(tmp_path):
    """One ``serve`` a spool: replicas that shared a volume would wait for each other."""
    objects = parts.built_with(tmp_path, "nrp", ["pvc"])
    assert not [one for one in objects if one["kind"] == "Deployment"]
    spec = parts.find(objects, "StatefulSet")["spec"]
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["spool"]
    assert spec["replicas"] == 2


# --- rights ------------------------------------------------------------------------------------------------------


def test_pods_have_no_rights(objects):
    for pod in parts.pods(objects):
        assert pod["automountServiceAccountToken"] is False
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in parts.containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_what_runs_cannot_change_what_is_installed(objects):
    for pod in parts.pods(objects):
        for mount in pod["containers"][0]["volumeMounts"]:
            assert mount.get("readOnly") or mount["mountPath"] in {"/tmp", "/var/spool/open-llm-proxy"}


def test_one_policy_for_who_may_call_and_one_for_where_calls_go(objects):
    policies = [one["spec"] for one in objects if one["kind"] == "NetworkPolicy"]
    labels = {labels_of(one)["app"] for one in objects if parts.pod_of(one)}
    assert labels == {"open-llm-proxy", "logs-consolidate"}
    for direction in ("Ingress", "Egress"):
        covered = {app for policy in policies if direction in policy["policyTypes"] for app in apps_of(policy)}
        assert covered == labels
    (egress,) = (policy["egress"] for policy in policies if "Egress" in policy["policyTypes"])
    dns, rest = egress
    assert {(port["protocol"], port["port"]) for port in dns["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert {port["port"] for port in rest["ports"]} >= {80, 443}


def labels_of(one):
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    return spec["template"]["metadata"]["labels"]


def apps_of(policy):
    selector = policy["podSelector"]
    named = [value for one in selector.get("matchExpressions", []) for value in one["values"]]
    return [*selector.get("matchLabels", {}).values(), *named]


def test_no_job_is_served_calls(objects):
    """The Service's selector must not find a job's pod."""
    selector = parts.find(objects, "Service")["spec"]["selector"]
    for name in JOBS:
        assert not selector.items() <= labels_of(parts.find(objects, "CronJob", name)).items()


# --- scale -------------------------------------------------------------------------------------------------------


def test_requests_are_under_one_cpu_and_limits_are_set(objects):
    for pod in parts.pods(objects):
        for container in parts.containers(pod):
            resources = container["resources"]
            assert resources["requests"]["cpu"].endswith("m")
            assert int(resources["requests"]["cpu"][:-1]) < 1000
            assert {"cpu", "memory", "ephemeral-storage"} == set(resources["limits"])


def test_pods_are_spread_and_not_all_evicted(objects, serving):
    labels = labels_of(serving)
    (constraint,) = parts.pod_of(serving)["topologySpreadConstraints"]
    assert constraint["labelSelector"]["matchLabels"] == labels
    assert parts.find(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels


def test_an_hpa_and_replicas_exclude_each_other(objects, serving):
    scaled = [one["spec"] for one in objects if one["kind"] == "HorizontalPodAutoscaler"]
    assert ("replicas" in serving["spec"]) is (not scaled)
    for spec in scaled:
        assert (spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]) == (serving["kind"], "open-llm-proxy")


# --- ingress -----------------------------------------------------------------------------------------------------


def test_the_ingress_waits_as_long_as_the_proxy_and_gathers_nothing(objects):
    ingress = parts.find(objects, "Ingress", "open-llm-proxy-ingress")
    annotations = ingress["metadata"]["annotations"]
    assert not [name for name in annotations if "cors" in name or "middlewares" in name]
    if ingress["spec"].get("ingressClassName") == "traefik":
        return  # it neither buffers nor ends an answer by time, unless told to
    for name in ("haproxy-ingress.github.io/timeout-server", "nginx.ingress.kubernetes.io/proxy-read-timeout"):
        assert float(annotations[name].rstrip("s")) > Timeouts().between_bytes_s
    assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"


# --- jobs --------------------------------------------------------------------------------------------------------


def test_every_pod_installs_in_the_same_way():
    installs = [pod["initContainers"] for pod in parts.pods(parts.written())]
    assert len(installs) == 4
    assert all(install == installs[0] for install in installs)


def test_what_is_installed_runs_on_the_python_that_installed_it_which_is_the_one_of_the_tests():
    """A virtual environment belongs to its Python; CI tests the oldest one that is promised."""
    images = {container["image"] for pod in parts.pods(parts.written()) for container in parts.containers(pod)}
    images |= set(
        re.findall(r"^ARG BASE=\S+/(python:\S+)$", (parts.DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    )
    oldest = re.search(r'requires-python = ">=(\S+)"', (parts.ROOT / "pyproject.toml").read_text())[1]
    assert images == {f"python:{oldest}-bookworm", f"python:{oldest}-slim-bookworm"}


def test_with_an_image_nothing_is_installed(tmp_path):
    objects = parts.built_with(tmp_path, "nrp", ["image"])
    for pod in parts.pods(objects):
        assert not pod.get("initContainers")
        assert [container["image"] for container in pod["containers"]] == ["registry.example.org/you/open-llm-proxy:1"]
        assert "/app" not in [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]


def test_jobs_do_not_overlap_and_count_days_as_the_bucket_does(objects):
    for name in JOBS:
        spec = parts.find(objects, "CronJob", name)["spec"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["timeZone"] == "Etc/UTC"


def test_the_daily_job_ends_with_verify():
    pod = parts.pod_of(parts.find(parts.written(), "CronJob", "logs-consolidate-daily"))
    assert pod["containers"][0]["args"][0].splitlines()[-1] == "open-llm-proxy logs verify"
