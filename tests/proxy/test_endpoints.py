"""The paths that we answer ourselves, alike in their heads."""

import pytest

OWN = ["/", "/health", "/v1/models", "/v1/models/m"]


def get(rig, path, method="GET", **fields):
    """Ask; the provider, if it is asked for its list, has the model ``m``."""
    client = rig.client()
    client.send(rig.request(path=path, method=method, **fields))
    if "models" in path:
        rig.until(lambda: client.arrived() or rig.upstream.waiting)
        if not client.arrived():
            wire = rig.upstream.wires[-1]
            wire.receive()
            wire.send(rig.answer(b'{"data":[{"id":"m"}]}'))
    return client.receive(bodyless=method == "HEAD")


@pytest.mark.parametrize("path", OWN)
def test_their_heads(rig, path):
    answer = get(rig, path, origin="https://page.example")
    assert answer.status == 200
    assert answer.header("content-type") == "application/json"
    assert answer.header("cache-control") == "no-store"
    assert answer.header("x-request-id") == answer.header("x-llm-request-id")
    assert len(answer.header("x-llm-request-id")) == 32
    assert answer.header("access-control-allow-origin") == "*"
    assert "x-llm-provider" not in answer.names
    assert not rig.frames, "what reaches no provider is no call"


@pytest.mark.parametrize("path", OWN)
def test_head_is_get_without_the_body(rig, path):
    length = get(rig, path).header("content-length")
    answer = get(rig, path, "HEAD")
    assert (answer.status, answer.header("content-length")) == (200, length)
    assert answer.body == b""


@pytest.mark.parametrize("path", OWN)
def test_a_query_changes_nothing(rig, path):
    assert get(rig, path + "?x=y").status == 200


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/health", 200), ("/v1/models", 401), ("/v1/models/m", 401)])
def test_which_of_them_are_open(rig, path, status):
    assert get(rig, path, key=None).status == status


@pytest.mark.parametrize("path", ["/health/", "/health/x", "/v1/modelsx", "/v1/models2"])
def test_their_neighbours_are_not_theirs(rig, path):
    assert get(rig, path.replace("models", "model_s"), key=None).status in (404, 405)
    assert not rig.app.endpoints.owns(path.encode())


def test_a_body_on_a_get_is_passed_over(rig):
    client = rig.client()
    client.send(rig.request(b"ignored", path="/health", method="GET") + rig.request(path="/health", method="GET"))
    assert [client.receive().status for _ in range(2)] == [200, 200]
