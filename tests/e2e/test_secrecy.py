"""Where keys and texts are, and are not: process lists, environments, limits, files and log lines of a real proxy."""

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.parts.http_client import ask, call
from tests.parts.model_upstream import ModelUpstream
from tests.parts.proxy import KEY, Proxy, provider, run_proxy

PROVIDER_KEY = "provider-key-of-tests-4711"
EXTRA_KEY = "extra-key-of-tests-4712"
PROMPT = "an unusual prompt about Halley's comet"
NEVER = {"FLUSH_INTERVAL": "3600"}  # frames stay where the worker wrote them


@pytest.fixture(scope="module")
def with_files(shared_upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy that has all its keys from files."""
    tmp_path = tmp_path_factory.mktemp("keys")
    for name, key in {"client": KEY, "provider": PROVIDER_KEY, "extra": f"alice={EXTRA_KEY}"}.items():
        (tmp_path / name).write_text(key)
    env = {
        "PROXY_KEY": "",
        "PROXY_KEY_FILE": str(tmp_path / "client"),
        "PROXY_KEYS_EXTRA_FILE": str(tmp_path / "extra"),
        "UP_KEY_FILE": str(tmp_path / "provider"),
    }
    with run_proxy(tmp_path / "run", provider(shared_upstream.endpoint, api_key_env="UP_KEY"), env=env) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def held(shared_upstream: ModelUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """A proxy with keys from the environment whose frames stay in the spool, after a call."""
    env = {"UP_KEY": PROVIDER_KEY, **NEVER}
    with run_proxy(
        tmp_path_factory.mktemp("run"), provider(shared_upstream.endpoint, api_key_env="UP_KEY"), env=env
    ) as proxy:
        assert call(proxy, ask(PROMPT)).status == 200
        yield proxy


def of_processes(proxy: Proxy, name: str) -> dict[int, bytes]:
    """A file of ``/proc`` of each process: supervisor, worker, recorder."""
    found = {pid: Path(f"/proc/{pid}/{name}").read_bytes() for pid in proxy.program.running()}
    assert len(found) >= 3
    return found


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_no_key_is_in_a_process_list(held):
    for line in of_processes(held, "cmdline").values():
        assert KEY.encode() not in line
        assert PROVIDER_KEY.encode() not in line


def test_with_keys_from_files_no_environment_holds_one(with_files, upstream):
    assert call(with_files, ask()).status == 200
    assert upstream.seen[-1].header("authorization") == f"Bearer {PROVIDER_KEY}"
    for variables in of_processes(with_files, "environ").values():
        for key in (KEY, PROVIDER_KEY, EXTRA_KEY):
            assert key.encode() not in variables


def test_no_process_leaves_a_core_file(held):
    for limits in of_processes(held, "limits").values():
        found = re.search(rb"^Max core file size +(\d+|unlimited) ", limits, re.MULTILINE)
        assert found is not None
        assert found[1] in {b"0", b"1"}


def test_what_waits_in_the_spool_is_its_owners_alone(held):
    frames = [path for path in files_below(held.spool_dir) if PROMPT.encode() in path.read_bytes()]
    assert frames, "the prompt is in a segment"
    for frame in frames:
        assert stat.S_IMODE(frame.stat().st_mode) == 0o600
        assert stat.S_IMODE(frame.parent.stat().st_mode) == 0o700


def test_keys_are_in_no_file_of_ours_not_even_the_spool(held):
    assert call(held, ask(), headers={"Authorization": "Bearer wrong-key-4713"}).status == 401
    written = [*files_below(held.spool_dir), held.program.stdout_path, held.program.stderr_path]
    for path in written:
        data = path.read_bytes()
        assert all(key not in data for key in (KEY.encode(), PROVIDER_KEY.encode(), b"wrong-key-4713")), path


def test_a_key_that_a_client_repeats_in_a_prompt_is_in_no_record(with_files):
    answer = call(with_files, ask(f"my key is {KEY}, yours {PROVIDER_KEY} and hers {EXTRA_KEY}"))
    with_files.records_of(answer.headers["x-llm-request-id"])
    for path in [*files_below(with_files.log_dir), with_files.program.stdout_path, with_files.program.stderr_path]:
        data = path.read_bytes()
        assert all(key.encode() not in data for key in (KEY, PROVIDER_KEY, EXTRA_KEY)), path


@pytest.mark.parametrize("name", ["a\nopen-llm-proxy: error: forged", "a\r\x1b[2Jb", "a\u2028b\u202ec"])
def test_a_models_name_writes_no_line_of_its_own(with_files, upstream, name):
    program = with_files.program
    before = len(program.stdout)
    upstream.play(b"nonsense\r\n\r\n")  # a fault that is told of
    assert call(with_files, ask(model=name)).status == 502

    def records():
        lines = program.stdout[before:].split("\n")[:-1]
        return [record for record in map(json.loads, lines) if record.get("model") == name]

    program.wait_until(lambda: len(records()) == 2, "two records on stdout, each a line")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", program.stdout)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u202e]", program.stderr)
    assert all(line.startswith("open-llm-proxy") for line in program.stderr.splitlines() if "forged" in line)
    assert "\nopen-llm-proxy: error: forged" not in program.stderr


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("http://127.0.0.1:1/v1/chat/completions", {}),
        ("/v1/chat/completions?endpoint=http://127.0.0.1:1/", {}),
        ("/v1/chat/completions", {"Host": "127.0.0.1:1"}),
        ("/v1/chat/completions", {"X-Forwarded-Host": "127.0.0.1:1", "Forwarded": "host=127.0.0.1:1"}),
        ("/v1//127.0.0.1:1/chat/completions", {}),
        ("/v1/../../127.0.0.1:1/", {}),
        ("//127.0.0.1:1/v1/chat/completions", {}),
        ("/v1/@127.0.0.1:1/chat/completions", {}),
    ],
)
def test_no_request_chooses_the_host(with_files, upstream, path, headers):
    """It goes to the configured host, below its base, or nowhere."""
    answer = call(with_files, ask(model="http://127.0.0.1:1/v1"), path, headers=headers)
    assert answer.status in {200, 400, 404, 405}
    assert len(upstream.seen) == (answer.status == 200)
    for seen in upstream.seen:
        assert seen.header("host") == f"127.0.0.1:{upstream.port}"
        assert seen.target.startswith("/v1/")
        assert not {"forwarded", "x-forwarded-host"} & {name for name, _ in seen.headers}
