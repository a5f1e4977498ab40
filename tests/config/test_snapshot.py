import msgspec

from open_llm_proxy.config.snapshot import ClientKey, Snapshot


def test_a_snapshot_reaches_a_child_as_it_was(loading, small):
    small["providers"]["nrp"] |= {"api_key_env": "K", "thinking_models": {"a": "t", "b": {"on": {"x": [1, None]}}}}
    sent = loading(small, {"K": "k", "PROXY_KEY": "p", "LOG_DIR": "logs", "CACHE_SALT": "s"}).snapshot
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sent), type=Snapshot) == sent
    assert msgspec.json.decode(msgspec.json.encode(sent), type=Snapshot) == sent
    assert sent.client_keys == (ClientKey("default", "p"),)


def test_no_secret_gets_into_a_traceback(loading, small):
    small["providers"]["nrp"]["api_key_env"] = "K"
    names = ["K", "PROXY_KEY", "PROXY_KEYS_EXTRA", "CACHE_SALT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    loaded = loading(small, {name: f"hunter2-{name}" for name in names})
    assert loaded.snapshot.store.secret_access_key == "hunter2-AWS_SECRET_ACCESS_KEY"
    assert "hunter2" not in repr(loaded)
    assert "hunter2" not in repr(loaded.snapshot.store)
    assert "hunter2" not in repr(loaded.snapshot.client_keys)
