"""The jobs' very commands. None of the Secrets is needed: without them each has nothing to do, and ends well."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from tests.parts import manifests as parts
from tests.parts.http_client import send
from tests.parts.model_upstream import run_upstream
from tests.parts.processes import plain_environment
from tests.parts.proxy import provider, run_proxy
from tests.parts.s3_server import run_s3_server

pytestmark = pytest.mark.slow

JOBS = parts.read("cronjobs.yaml")
DAILY, MONTHLY, HOURLY = "logs-consolidate-daily", "logs-consolidate-monthly", "logs-mirror-raw-hourly"


def run_job(name, folder, secrets=None, **more):
    """A job's command with the manifest's values, and what its Secrets hold by (name, key)."""
    pod = parts.pod_of(parts.find(JOBS, "CronJob", name))
    assert pod
    (container,) = pod["containers"]
    env = plain_environment(folder) | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    for variable, entry in parts.variables(container).items():
        reference = entry.get("valueFrom", {}).get("secretKeyRef")
        value = entry.get("value") if reference is None else (secrets or {}).get((reference["name"], reference["key"]))
        if value is not None and variable not in {"HOME", "PATH"}:
            env[variable] = value
    command = [*container["command"], *container["args"]]
    return subprocess.run(command, env=env | more, cwd=folder, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize("job", [DAILY, MONTHLY, HOURLY])
def test_without_a_store_it_ends_well(job, tmp_path):
    done = run_job(job, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def yesterday():
    return (dt.datetime.now(dt.UTC) - dt.timedelta(days=1)).date().isoformat()


@pytest.fixture(scope="module")
def stores(tmp_path_factory, yesterday):
    """Two buckets; the first holds what a proxy wrote, as if yesterday."""
    folder = tmp_path_factory.mktemp("stores")
    (folder / "s3").mkdir()
    with run_s3_server(folder / "s3") as server:
        first, second = server.bucket(), server.bucket()
        with run_upstream() as upstream, run_proxy(folder / "proxy", provider(upstream.endpoint)) as proxy:
            for _ in range(3):
                connection = send(proxy, {"model": "m", "messages": [{"role": "user", "content": "Hello"}]})
                connection.getresponse().read()
                connection.close()
            proxy.calls(3)
        for file in sorted((folder / "proxy" / "logs").glob("*/*.jsonl")):
            text = file.read_text().replace(file.parent.name, yesterday)
            first.client.put_object(Bucket=first.name, Key=f"{yesterday}/{file.name}", Body=text.encode())
        yield first, second


@pytest.fixture
def secrets(stores):
    _, second = stores
    return {
        ("aws", "AWS_ACCESS_KEY_ID"): "any",
        ("aws", "AWS_SECRET_ACCESS_KEY"): "any",
        ("rustfs-logs-write", "AWS_ACCESS_KEY_ID"): "any",
        ("rustfs-logs-write", "AWS_SECRET_ACCESS_KEY"): "any",
        ("rustfs-logs-write", "AWS_S3_ENDPOINT"): second.endpoint,
        ("rustfs-logs-write", "BUCKET"): second.name,
    }


def test_a_day_is_condensed_verified_and_mirrored(stores, secrets, yesterday, tmp_path):
    first, second = stores
    place = {"LOG_BUCKET": first.name, "AWS_S3_ENDPOINT_URL": first.endpoint}
    raw = first.list_keys()
    assert run_job(HOURLY, tmp_path, secrets, **place).returncode == 0
    assert second.list_keys() == raw, "what is not condensed yet is mirrored as it is"
    done = run_job(DAILY, tmp_path, secrets, **place)
    assert done.returncode == 0, done.stdout + done.stderr
    condensed = first.list_keys()
    assert f"consolidated/daily/{yesterday}.parquet" in condensed
    assert not set(condensed) & set(raw)
    assert run_job(HOURLY, tmp_path, secrets, **place).returncode == 0
    assert second.list_keys() == condensed, "and goes there once both have its table"
