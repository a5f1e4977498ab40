"""What a pod does, done: the init container's very commands, then the proxy from what they installed, in containers
with the manifest's user, rights and folders. The package index is asked, so the runs are marked slow."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.parts import manifests as parts
from tests.parts.base_image import USER, Mount, enter, network_environment, run_in, serve_in, volume
from tests.parts.model_upstream import run_upstream
from tests.parts.processes import wait_until
from tests.parts.proxy import provider

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEY = "sk-client-key-of-tests"
REPOSITORY = "/repository.git"


class Pod:
    """One pod: its volumes on this machine, its containers run one after the other."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder = folder
        self.spec = parts.pod_of(parts.find(parts.written(), "Deployment"))
        self.volumes = {one["name"]: volume(folder / one["name"]) for one in self.spec["volumes"]}
        self.repository = repository
        self.runs = 0

    def mounts(self, container) -> list[Mount]:
        of_pod = [
            Mount(self.volumes[one["name"]], one["mountPath"], writable=not one.get("readOnly"))
            for one in container["volumeMounts"]
        ]
        return [*of_pod, Mount(self.repository, REPOSITORY)]

    def environment(self, container, **more: str) -> dict[str, str]:
        """The manifest's variables with a value, not those of Secrets, all of which are missing here."""
        values = {name: one["value"] for name, one in parts.variables(container).items() if "value" in one}
        return network_environment() | values | more

    def scratch(self) -> Path:
        self.runs += 1
        return self.folder / f"run-{self.runs}"

    def install(self, ref: str = "main") -> "subprocess.CompletedProcess[str]":
        (container,) = self.spec["initContainers"]
        command = [*container["command"], *container["args"]]
        env = self.environment(container, GIT_REPO=REPOSITORY, GIT_REF=ref, PATH="/usr/bin:/bin")
        return run_in(command, self.scratch(), self.mounts(container), env)

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command in the main container, as by ``kubectl exec``."""
        (container,) = self.spec["containers"]
        return run_in(command, self.scratch(), self.mounts(container), self.environment(container))

    @contextmanager
    def serve(self, *mounts: Mount, **more: str) -> Iterator[str]:
        """The main container's command on a free port; its URL."""
        (container,) = self.spec["containers"]
        folder = self.scratch()
        prefix = enter(folder / "inside", [*self.mounts(container), *mounts])
        env = self.environment(container, PROXY_KEY=KEY, METRICS_PORT="0", DRAIN_SECONDS="5", **more)
        with serve_in(prefix, container["command"], env, folder) as url:
            yield url


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """This checkout's last commit as ``main`` of a repository, whose server gives any commit, as GitHub does."""
    folder = tmp_path_factory.mktemp("remote") / "repository.git"
    for command in (
        ["git", "clone", "--bare", "--quiet", parts.ROOT, folder],
        ["git", "-C", folder, "update-ref", "refs/heads/main", "HEAD"],
        ["git", "-C", folder, "config", "uploadpack.allowAnySHA1InWant", "true"],
        ["chown", "-R", f"{USER}:{USER}", folder],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def pod(tmp_path_factory, repository) -> Pod:
    pod = Pod(tmp_path_factory.mktemp("pod"), repository)
    done = pod.install()
    assert done.returncode == 0, done.stdout + done.stderr
    return pod


def ask(url: str, model: str = "m"):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}]}).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", body, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def providers_of(url: str):
    with urllib.request.urlopen(f"{url}/health", timeout=20) as answer:
        return list(json.load(answer)["providers"])


def test_it_serves_the_shipped_configuration(pod):
    with pod.serve() as url:
        assert providers_of(url) == ["nrp", "openrouter", "anthropic", "nimbus"]


def test_a_file_mounted_over_the_one_in_the_working_directory_is_read(pod, tmp_path):
    """A ConfigMap at ``/app/config.json`` by subPath, in a volume that is mounted read-only."""
    with run_upstream() as upstream:
        own = tmp_path / "config.json"
        own.write_text(json.dumps(provider(upstream.endpoint)))
        with pod.serve(Mount(own, "/app/config.json")) as url:
            assert providers_of(url) == ["up"]
            assert ask(url)


def test_a_mounted_folder_is_read_again_without_a_restart(pod, tmp_path):
    """A ConfigMap as a kubelet writes it: a folder of links, changed by one rename."""
    config = tmp_path / "config"
    config.mkdir()
    write_config_map(config, {"providers": {"first": {"endpoint": "http://127.0.0.1:9/v1/chat/completions"}}})
    variable = "/etc/open-llm-proxy/config.json"
    with pod.serve(Mount(config, "/etc/open-llm-proxy"), OPEN_LLM_PROXY_CONFIG=variable) as url:
        assert providers_of(url) == ["first"]
        write_config_map(config, {"providers": {"second": {"endpoint": "http://127.0.0.1:9/v1/chat/completions"}}})
        wait_until(lambda: providers_of(url) == ["second"], "the changed configuration")


def write_config_map(folder: Path, config) -> None:
    version = folder / f"..{len(list(folder.iterdir()))}"
    version.mkdir()
    (version / "config.json").write_text(json.dumps(config))
    link = folder / "..data_tmp"
    link.symlink_to(version.name)
    link.rename(folder / "..data")
    if not (folder / "config.json").is_symlink():
        (folder / "config.json").symlink_to("..data/config.json")


def test_kubectl_exec_finds_the_command(pod):
    assert pod.run("open-llm-proxy", "check", "kimi").stdout.startswith("kimi -> nrp (exact)")


def test_what_runs_cannot_change_what_is_installed(pod):
    assert "Read-only file system" in pod.run("touch", "/app/config.json").stderr
    assert "Read-only file system" in pod.run("touch", "/etc/anything").stderr
    assert pod.run("id", "-u").stdout.strip() == str(USER)


def test_an_init_container_may_run_again_and_a_pin_is_one_value(pod, repository):
    """The node started again: the volume still holds the first try. GIT_REF is a whole commit id this time."""
    command = ["git", "-c", "safe.directory=*", "-C", repository, "rev-parse", "main"]
    head = subprocess.run(command, capture_output=True, text=True, check=True)
    (pod.volumes["app"] / "config.json").write_text("{}")
    done = pod.install(head.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    assert head.stdout.strip() in done.stdout
    assert (pod.volumes["app"] / "config.json").read_text() != "{}"


def test_a_wrong_hash_is_refused(pod, repository, tmp_path):
    """The lock is what counts, not what the index gives."""
    other = Pod(tmp_path / "pod", repository)
    app = other.volumes["app"]
    shutil.copytree(pod.volumes["app"], app, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".venv", ".git"))
    subprocess.run(["chown", "-R", f"{USER}:{USER}", app], check=True)
    lock = app / "requirements" / "deploy.txt"
    before, row, after = re.split(r"(msgspec==(?:.*\\\n)+.*\n)", lock.read_text())
    lock.write_text(before + re.sub(r"sha256:\w{64}", f"sha256:{'0' * 64}", row) + after)
    (container,) = other.spec["initContainers"]
    env = other.environment(container, PATH="/usr/bin:/bin")
    done = run_in(["sh", "deploy/install.sh"], other.scratch(), other.mounts(container), env)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert "msgspec" in done.stderr
    assert not (app / ".venv/bin/open-llm-proxy").exists()
