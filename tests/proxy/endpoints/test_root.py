from open_llm_proxy import __version__


def test_what_this_is(rig):
    answer = rig.ask(rig.request(path="/", method="GET", key=None))
    assert answer.status == 200
    body = answer.json()
    assert set(body) == {"name", "version", "providers", "endpoints"}
    assert (body["name"], body["version"], body["providers"]) == ("open-llm-proxy", __version__, ["alpha"])
    assert "POST /v1/chat/completions" in body["endpoints"]


def test_every_endpoint_that_it_names_is_there(rig):
    named = rig.ask(rig.request(path="/", method="GET")).json()["endpoints"]
    for line in named:
        method, _, path = line.partition(" ")
        path = path.replace("{completions, embeddings, responses, messages, …}", "messages").replace("{id}", "m")
        answer = rig.ask(rig.request(b"{}" if method == "POST" else b"", path=path, method=method, key="Bearer wrong"))
        assert answer.status == (200 if path == "/health" else 401), line
