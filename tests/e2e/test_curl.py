"""curl: the corners of HTTP/1.1 that it speaks and the official clients do not."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.parts.http_client import ask
from tests.parts.model_upstream import ModelUpstream
from tests.parts.proxy import Proxy
from tests.parts.requirement import require

CHAT = "/v1/chat/completions"


def curl(proxy: Proxy, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(require("curl")), "--silent", "--show-error", "--max-time", "30", *arguments]
    command += ["--header", f"Authorization: Bearer {proxy.key}", "--header", "Content-Type: application/json"]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def content_of(text: str) -> str:
    return json.loads(text)["choices"][0]["message"]["content"]


def test_it_waits_for_100_continue_and_gets_it(proxy: Proxy, upstream: ModelUpstream, tmp_path: Path):
    body = tmp_path / "body"
    body.write_text(json.dumps(ask("x" * 2_000_000)))
    done = curl(
        proxy, "--verbose", "--expect100-timeout", "25", "--header", "Expect: 100-continue",
        "--data-binary", f"@{body}", proxy.url + CHAT,
    )  # fmt: skip
    assert "HTTP/1.1 100 Continue" in done.stderr
    assert content_of(done.stdout) == "Hello, world"
    assert upstream.seen[0].body == body.read_bytes()
    assert upstream.seen[0].header("expect") is None


def test_a_refusal_spares_the_upload(proxy: Proxy, upstream: ModelUpstream, tmp_path: Path):
    body = tmp_path / "body"
    body.write_bytes(b" " * 2_000_000)
    done = curl(
        proxy, "--verbose", "--header", "Expect: 100-continue", "--header", "x-api-key:", "--oauth2-bearer", "wrong",
        "--data-binary", f"@{body}", "--output", "/dev/null", "--write-out", "%{http_code} %{size_upload}",
        proxy.url + "/v1/nothing/here/",
    )  # fmt: skip
    assert "100 Continue" not in done.stderr
    assert done.stdout.split()[1] == "0"


def test_a_chunked_upload(proxy: Proxy, upstream: ModelUpstream):
    data = json.dumps(ask())
    done = curl(proxy, "--header", "Transfer-Encoding: chunked", "--data", data, proxy.url + CHAT)
    assert content_of(done.stdout) == "Hello, world"
    assert upstream.seen[0].body == data.encode()


@pytest.mark.parametrize("stream", [False, True])
def test_http_1_0(proxy: Proxy, upstream: ModelUpstream, stream: bool):
    done = curl(proxy, "--http1.0", "--include", "--data", json.dumps(ask(stream=stream)), proxy.url + CHAT)
    head, _, body = done.stdout.partition("\n\n")
    assert "transfer-encoding" not in head.lower()
    assert body.rstrip().endswith("data: [DONE]") if stream else content_of(body) == "Hello, world"


def test_head(proxy: Proxy):
    done = curl(proxy, "--head", f"{proxy.url}/health")
    assert done.stdout.startswith("HTTP/1.1 200 OK")
    assert "content-length: " in done.stdout


def test_two_calls_on_one_connection(proxy: Proxy, upstream: ModelUpstream):
    url = proxy.url + CHAT
    done = curl(proxy, "--data", json.dumps(ask()), "--write-out", "\n%{num_connects}\n", url, url)
    lines = done.stdout.splitlines()
    assert [content_of(lines[0]), lines[1], content_of(lines[2]), lines[3]] == [
        "Hello, world",
        "1",
        "Hello, world",
        "0",
    ]


def test_a_preflight_needs_no_key(proxy: Proxy):
    command = [str(require("curl")), "--silent", "--include", "--request", "OPTIONS", proxy.url + CHAT]
    for field in ("Origin: https://app.example.org", "Access-Control-Request-Method: POST"):
        command += ["--header", field]
    command += ["--header", "Access-Control-Request-Headers: authorization,x-stainless-lang,x-client"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    head = done.stdout.lower()
    assert head.startswith(("http/1.1 200", "http/1.1 204"))
    assert "access-control-allow-origin: *" in head
    assert "x-stainless-lang" in head
    assert "access-control-allow-credentials" not in head


def test_the_older_path_and_a_bare_key(proxy: Proxy, upstream: ModelUpstream):
    command = [str(require("curl")), "--silent", "--show-error", "--header", f"Authorization: {proxy.key}"]
    command += ["--header", "Content-Type: application/json", "--data", json.dumps(ask()), f"{proxy.url}/chat"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert content_of(done.stdout) == "Hello, world"
    assert upstream.seen[0].target == "/v1/chat/completions"
