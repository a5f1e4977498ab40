import json

import pytest

from open_llm_proxy.proxy.endpoints.models import Fetch, Listed, model_list, read_list


def listing(*ids, **more):
    return json.dumps({"object": "list", "data": [{"id": one, "object": "model", **more} for one in ids]}).encode()


class Asking:
    """A client that asks for the list, and the providers that are asked in turn."""

    def __init__(self, rig, path="/v1/models"):
        self.rig = rig
        self.client = rig.client()
        self.client.send(rig.request(path=path, method="GET"))
        self.wires = {}

    def provider(self, name, answer=None):
        wire, sent = self.rig.upstreams[name].receive()
        self.wires[name] = wire
        if answer is not None:
            wire.send(self.rig.answer(answer) if not answer.startswith(b"HTTP/") else answer)
        return sent

    def list(self, status=200):
        answer = self.client.receive()
        assert answer.status == status
        return answer.json()


def rows(body):
    return [(row["id"], row["provider"]) for row in body["data"]]


def test_the_list_of_one_provider(rig):
    asking = Asking(rig)
    sent = asking.provider("alpha", listing("m", owned_by="them", created=7))
    body = asking.list()
    assert sent.start == b"GET /v1/models HTTP/1.1"
    assert sent.header("authorization") == "Bearer alpha-secret"
    assert set(body) == {"object", "data", "providers", "fetched_at"}
    assert body["object"] == "list"
    assert body["data"] == [{"id": "m", "object": "model", "owned_by": "them", "provider": "alpha"}]
    assert body["providers"] == {"alpha": {"status": "ok", "count": 1, "prefixes": ["m"]}}
    assert body["fetched_at"].endswith("Z")


TWO = {
    "alpha": {"models": ["a"], "model_prefixes": ["al/"]},
    "beta": {"models": ["b", "qwen"], "model_prefixes": []},
}


@pytest.fixture
def two(start):
    return start(providers=TWO, default_provider="beta")


def test_only_what_the_router_would_send_there_is_kept(two):
    asking = Asking(two)
    asking.provider("alpha", listing("a", "al/x", "b", "other", "al/x"))
    asking.provider("beta", listing("b", "al/y", "a", "unknown"))
    body = asking.list()
    assert rows(body) == [("a", "alpha"), ("al/x", "alpha"), ("b", "beta"), ("unknown", "beta")]
    assert body["providers"]["alpha"] == {"status": "ok", "count": 2, "prefixes": ["al/"]}
    assert body["providers"]["beta"] == {"status": "ok", "count": 2, "prefixes": []}


def test_of_an_id_that_stands_twice_the_first_counts(rig):
    asking = Asking(rig)
    asking.provider("alpha", b'{"data":[{"id":"m","owned_by":"a"},{"id":"m","owned_by":"b"}]}')
    assert [row["owned_by"] for row in asking.list()["data"]] == ["a"]


def test_the_older_form_of_prefixes_is_shown_as_such(start):
    rig = start(providers={"alpha": {"models": ["x/"]}})
    asking = Asking(rig)
    asking.provider("alpha", listing("x/1", "y/1"))
    body = asking.list()
    assert rows(body) == [("x/1", "alpha")]
    assert body["providers"]["alpha"]["prefixes"] == ["x/"]


def test_providers_are_asked_side_by_side(two):
    asking = Asking(two)
    asking.provider("beta")
    asking.provider("alpha", listing("a"))
    two.settle()
    assert asking.client.arrived() == b"", "the answer waits for all"
    asking.wires["beta"].send(two.answer(listing("b")))
    assert rows(asking.list()) == [("a", "alpha"), ("b", "beta")]


FAILURES = [
    (b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", "500"),
    (b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", "302"),
    (b"[]", "not readable"),
    (b'{"data":{}}', "not readable"),
    (b"{", "not readable"),
    (b'{"data":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "not readable"),
    (b"HTTP/1.1 banana\r\n\r\n", "malformed"),
]


@pytest.mark.parametrize(("answer", "said"), FAILURES)
def test_a_provider_that_is_down_is_shown_as_the_config_declares_it(two, answer, said):
    asking = Asking(two)
    asking.provider("alpha", listing("a"))
    asking.provider("beta", answer)
    body = asking.list()
    assert rows(body) == [("a", "alpha"), ("b", "beta"), ("qwen", "beta")]
    beta = body["providers"]["beta"]
    assert (beta["status"], beta["count"], beta["prefixes"]) == ("declared", 2, [])
    assert said in beta["error"]
    assert "error" not in body["providers"]["alpha"]


def test_a_provider_that_closes_without_a_word(rig):
    asking = Asking(rig)
    asking.provider("alpha")
    asking.wires["alpha"].close()
    assert asking.list()["providers"]["alpha"]["status"] == "declared"
    assert not rig.upstream.waiting


def test_a_provider_where_nobody_listens(rig):
    rig.upstream.listener.close()
    assert "could not be reached" in Asking(rig).list()["providers"]["alpha"]["error"]


def test_a_provider_without_its_key_is_not_asked(start):
    rig = start(providers={"alpha": {"models": ["a"], "key": None, "api_key_env": "ALPHA_KEY"}})
    alpha = Asking(rig).list()["providers"]["alpha"]
    assert alpha["status"] == "declared"
    assert alpha["error"] == "ALPHA API key not configured on server"
    assert not rig.upstream.waiting


def test_a_provider_that_hangs_is_waited_for_so_long(start):
    rig = start(snapshot={"models_fetch_timeout_s": 0.05})
    asking = Asking(rig)
    asking.provider("alpha")
    assert asking.list()["providers"]["alpha"]["error"] == "no model list within 0.05 s"
    asking.wires["alpha"].ending()


def test_a_list_without_end_is_given_up(rig, monkeypatch):
    monkeypatch.setattr("open_llm_proxy.proxy.endpoints.models.LIST_BYTES", 100)
    asking = Asking(rig)
    asking.provider("alpha", b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 101)
    assert "longer than 100 bytes" in asking.list()["providers"]["alpha"]["error"]
    asking.wires["alpha"].ending()


def test_a_list_in_pieces(rig):
    asking = Asking(rig)
    asking.provider("alpha", rig.stream(content_type="application/json"))
    body = listing("m")
    for piece in (body[:5], body[5:20], body[20:]):
        asking.wires["alpha"].send(rig.frame(piece))
        rig.settle()
    asking.wires["alpha"].send(b"0\r\n\r\n")
    assert rows(asking.list()) == [("m", "alpha")]


def test_a_provider_that_goes_down_keeps_its_last_good_list(start):
    rig = start(providers={"alpha": {"models": ["a"], "model_prefixes": ["al/"]}})
    asking = Asking(rig)
    asking.provider("alpha", listing("a", "al/x"))
    asking.list()
    asking.wires["alpha"].close()
    rig.settle()
    asking = Asking(rig, "/v1/models?refresh=true")
    asking.provider("alpha", FAILURES[0][0])
    body = asking.list()
    assert rows(body) == [("a", "alpha"), ("al/x", "alpha")]
    assert body["providers"]["alpha"]["status"] == "stale"
    assert "500" in body["providers"]["alpha"]["error"]


def test_and_is_ok_again_when_it_is_up_again(start):
    rig = start()
    for answer, status in (
        (FAILURES[0][0], "declared"),
        (listing("m"), "ok"),
        (FAILURES[0][0], "stale"),
        (listing(), "ok"),
    ):
        asking = Asking(rig, "/v1/models?refresh=1")
        asking.provider("alpha", answer)
        body = asking.list()
        assert body["providers"]["alpha"]["status"] == status
        asking.wires["alpha"].close()
        rig.settle()
    assert body["data"] == []


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", False),
        ("?refresh=false", False),
        ("?refresh=0", False),
        ("?refresh=true", True),
        ("?x=1&refresh=TRUE", True),
    ],
)
def test_when_providers_are_asked_again(rig, query, asked):
    asking = Asking(rig)
    asking.provider("alpha", listing("m"))
    asking.list()
    asking = Asking(rig, "/v1/models" + query)
    if asked:
        wire = rig.upstream.wires[0]
        wire.receive()
        wire.send(rig.answer(listing("m", "m-2")))
    assert len(asking.list()["data"]) == (2 if asked else 1)


@pytest.mark.parametrize(("age_s", "asked"), [(299, False), (301, True)])
def test_a_list_is_good_for_its_time(start, age_s, asked):
    rig = start(timeouts={"upstream_idle_s": 1})
    asking = Asking(rig)
    asking.provider("alpha", listing("m"))
    first = asking.list()
    rig.later(age_s)
    asking = Asking(rig)
    if asked:
        asking.provider("alpha", listing("m"))
    second = asking.list()
    assert second["data"] == first["data"]


def test_askers_share_one_round(rig):
    first, second = Asking(rig), Asking(rig, "/v1/models?refresh=true")
    first.provider("alpha", listing("m"))
    assert first.list()["data"] == second.list()["data"] != []
    assert not rig.upstream.waiting


def test_an_asker_that_leaves_takes_nothing_from_the_others(rig):
    first, second = Asking(rig), Asking(rig)
    first.client.close()
    rig.settle()
    second.provider("alpha", listing("m"))
    assert rows(second.list()) == [("m", "alpha")]


def test_the_lists_connection_is_kept_and_a_stale_one_tried_again_once(rig):
    asking = Asking(rig)
    asking.provider("alpha", listing("m"))
    asking.list()
    again = Asking(rig, "/v1/models?refresh=true")
    old = asking.wires["alpha"]
    old.receive()
    old.close()
    again.provider("alpha", listing("m"))
    assert again.list()["providers"]["alpha"]["status"] == "ok"


# --- one model -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["anthropic/claude-x", "anthropic%2Fclaude-x", "anthropic/claude%2Dx"])
def test_one_model_by_its_id_slashes_and_all(start, path):
    rig = start(providers={"alpha": {"model_prefixes": ["anthropic/"]}})
    asking = Asking(rig, f"/v1/models/{path}")
    asking.provider("alpha", listing("anthropic/claude-x", owned_by="a"))
    assert asking.list() == {
        "id": "anthropic/claude-x",
        "object": "model",
        "owned_by": "a",
        "provider": "alpha",
    }


@pytest.mark.parametrize("path", ["nobody", "", "m/", "M"])
def test_a_model_that_nobody_lists(rig, path):
    asking = Asking(rig, f"/v1/models/{path}")
    asking.provider("alpha", listing("m"))
    error = asking.list(404)["error"]
    assert (error["code"], error["param"]) == ("model_not_listed", "model")


# --- reload ----------------------------------------------------------------------------------------------------------


def test_a_reload_asks_again(rig):
    asking = Asking(rig)
    asking.provider("alpha", listing("m"))
    asking.list()
    rig.app.reload(rig.setup({"providers": {"beta": {"models": ["b"]}}}))
    asking = Asking(rig)
    asking.provider("beta", listing("b"))
    assert set(asking.list()["providers"]) == {"beta"}


def test_a_reload_in_the_middle_of_a_round_asks_again(rig):
    asking = Asking(rig)
    asking.provider("alpha")
    rig.app.reload(rig.setup({"providers": {"beta": {"models": ["b"]}}}))
    asking.wires["alpha"].send(rig.answer(listing("m")))
    assert set(asking.list()["providers"]) == {"beta"}
    asking = Asking(rig)
    asking.provider("beta", listing("b"))
    assert asking.list()["providers"]["beta"]["status"] == "ok"


# --- faults of ours --------------------------------------------------------------------------------------------------


def fail(*_):
    raise ZeroDivisionError("on purpose")


def test_a_fault_of_ours_at_a_list_is_said_and_harms_no_other(two, monkeypatch):
    asking = Asking(two)
    asking.provider("alpha", listing("a"))
    two.until(lambda: two.app.pool(two.app.setup.providers["alpha"].models_origin).idle)
    monkeypatch.setattr("open_llm_proxy.proxy.endpoints.models.read_list", fail)
    two.expected_faults = 1
    asking.provider("beta", listing("b"))
    body = asking.list()
    assert body["providers"]["alpha"]["status"] == "ok"
    assert body["providers"]["beta"]["error"] == "the model list could not be taken in: on purpose"
    assert body["providers"]["beta"]["status"] == "declared"


def test_a_fault_in_mid_list_breaks_its_connection_off(rig, monkeypatch):
    monkeypatch.setattr("open_llm_proxy.proxy.endpoints.models.Fetch.on_response", fail)
    rig.expected_faults = 1
    asking = Asking(rig)
    asking.provider("alpha")
    asking.wires["alpha"].send(rig.answer(listing("m"))[:-1])
    assert "could not be taken in" in asking.list()["providers"]["alpha"]["error"]
    asking.wires["alpha"].ending()


def test_a_fault_at_one_answer_leaves_the_others_theirs(rig, monkeypatch):
    first, second = Asking(rig), Asking(rig)
    rig.until(lambda: rig.upstream.waiting)
    made = []

    def fail_once(lists):
        if not made:
            made.append(lists)
            fail()
        return model_list(lists)

    monkeypatch.setattr("open_llm_proxy.proxy.endpoints.model_list", fail_once)
    rig.expected_faults = 1
    (wire,) = rig.upstream.wires
    wire.receive()
    wire.send(rig.answer(listing("m")))
    assert first.client.ending()[0] == b""
    assert rows(second.list()) == [("m", "alpha")]


def test_a_fault_in_whoever_waits_for_a_list_ends_the_fetch_no_second_time(rig):
    told = []

    def done():
        told.append(None)
        fail()

    rig.expected_faults = 1
    fetch = Fetch(rig.app, rig.app.setup.providers["alpha"], done)
    fetch.start()
    wire, _ = rig.upstream.receive()
    wire.send(rig.answer(listing("m")))
    rig.until(lambda: rig.reports)
    assert len(told) == 1
    assert fetch.listed == [Listed("m")]
    assert fetch.error is None


# --- reading ---------------------------------------------------------------------------------------------------------


def test_odd_entries_are_passed_over():
    body = b'{"data":[{"id":"a"},{"id":7},{},null,"x",{"id":"b","owned_by":null,"extra":[1]}],"has_more":false}'
    assert read_list(body) == [Listed("a"), Listed("b")]


def test_an_empty_list_is_a_list():
    assert read_list(b'{"data":[]}') == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"data":null}', b'{"data":"a"}', b'{"data":[}'])
def test_no_list(body):
    with pytest.raises(ValueError):
        read_list(body)
