from pathlib import Path

import pytest

from bench.peers import gateways
from bench.peers.peer import Place, Running
from bench.peers.sink import Sink
from bench.peers.upstream import Upstream

COLOURED = (
    b'\x1b[32m INFO\x1b[0m http_request{request_id="chatcmpl-a"}: smg::request: started processing request\n'
    b'INFO http_request{\x1b[3mrequest_id\x1b[0m="chatcmpl-a" status_code=200 latency=7}: finished processing request\n'
    b'WARN http_request{request_id="chatcmpl-b" status_code=401 latency=7}: request failed with client error\n'
    b'INFO http_request{request_id="chatcmpl-c"}: smg::request: started processing request\n'
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, 8080, Upstream(tmp_path / "provider", tmp_path), Sink(9090, tmp_path / "taken"))


def test_an_answers_head_names_its_call():
    head = b"HTTP/1.1 200 OK\r\nX-LiteLLM-Call-Id: 6cace057\r\nx-other: 1\r\n"
    assert gateways.name_by_request_id(1, head) == "6cace057"
    assert gateways.name_by_request_id(1, b"HTTP/1.1 200 OK\r\nx-request-id: chatcmpl-a\r\n") == "chatcmpl-a"
    assert gateways.name_by_request_id(1, b"HTTP/1.1 200 OK\r\n") == ""


def test_finished_calls_are_found_in_a_coloured_log(place: Place):
    (place.folder / "stdout").write_bytes(COLOURED)
    assert gateways.find_in_stdout(Running(place, 0, 0, {})) == {"chatcmpl-a"}


def test_litellm_logs_into_the_sink_and_asks_for_a_key(place: Place):
    launch = gateways.write_litellm(place)
    text = (place.folder / "litellm.yaml").read_text()
    assert "s3_endpoint_url: http://127.0.0.1:9090" in text
    assert f"api_base: http://127.0.0.1:{place.upstream.port}/v1" in text
    assert "master_key: sk-" in text
    assert launch.env["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    (place.folder / "taken").write_text("a\nb\n")
    assert gateways.find_in_sink(Running(place, 0, 0, {})) == {"a", "b"}


def test_portkey_is_told_the_provider_with_each_call(place: Place):
    headers = gateways.write_portkey(place).headers
    assert headers["x-portkey-custom-host"] == f"http://127.0.0.1:{place.upstream.port}/v1"
