import json

import msgspec
import pytest

from open_llm_proxy.config.load import Flags
from open_llm_proxy.config.problems import ConfigError
from open_llm_proxy.errors import UserError
from open_llm_proxy.serve.reload import ConfigSource, error_lines, pinned, restart_needed

PROVIDERS = {"main": {"endpoint": "https://a.example/v1/chat/completions", "models": ["a"]}}


@pytest.fixture
def write(tmp_path):
    def write(**config):
        (tmp_path / "config.json").write_text(json.dumps({"providers": PROVIDERS, **config}))

    write()
    return write


@pytest.fixture
def make(tmp_path):
    def make(environ=None, **flags):
        given = {"PROXY_KEY": "k", "HOME": str(tmp_path)} if environ is None else environ
        return ConfigSource(Flags(**flags), given, cwd=tmp_path)

    return make


def test_what_is_right_is_taken(write, make, capfd):
    source = make()
    assert not source.changed()
    write(log_content=False)
    assert source.changed()
    snapshot = source.reload()
    assert snapshot is source.snapshot
    assert not snapshot.config.log_content
    assert not source.changed()
    assert "configuration reloaded from" in capfd.readouterr().err


def test_what_is_wrong_is_said_line_by_line_and_left(write, make, capfd):
    source = make()
    before = source.snapshot
    write(workers=0, nonsense=1)
    assert source.changed()
    assert source.reload() is None
    assert source.snapshot is before
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 4
    assert said[0].endswith("2 problems")
    assert said[-1].endswith("the one before stays in force")
    assert not source.changed(), "the same mistake is said once"


def test_a_wrong_start_raises(write, make):
    write(workers=0)
    with pytest.raises(ConfigError):
        make()


def test_what_needs_a_restart_is_said_and_stays(write, make, capfd, tmp_path):
    source = make()
    before = source.snapshot
    write(listen={"port": 9999}, workers=3, metrics={"port": 0}, log_content=False)
    snapshot = source.reload()
    said = capfd.readouterr().err
    assert [place in said for place in ("listen", "workers", "metrics", "SPOOL_DIR")] == [True, True, True, False]
    assert snapshot.spool_dir == before.spool_dir
    assert (snapshot.config.listen, snapshot.config.workers) == (before.config.listen, before.config.workers)
    assert not snapshot.config.log_content


def test_another_spool_needs_a_restart(write, make):
    before = make().snapshot
    after = msgspec.structs.replace(before, spool_dir="/elsewhere")
    assert list(restart_needed(before, after)) == ["SPOOL_DIR"]
    assert pinned(before, after) == before


def test_warnings_are_said_when_they_are_new(write, make, capfd):
    source = make({"HOME": "/"})
    write(default_provider="nobody")
    source.reload()
    said = capfd.readouterr().err
    assert "default_provider names nobody" in said
    assert "no client key" not in said


def test_a_demo_keeps_its_key(write, make):
    source = make({"HOME": "/"}, demo=True)
    key = source.snapshot.client_keys[0].key
    write(log_content=False)
    assert source.reload().client_keys[0].key == key


def test_a_key_that_comes_from_a_file_is_read_again(write, make, tmp_path):
    secret = tmp_path / "key"
    secret.write_text("one")
    source = make({"PROXY_KEY_FILE": str(secret), "HOME": "/"})
    secret.write_text("two")
    assert source.changed()
    assert source.reload().client_keys[0].key == "two"


def test_errors_as_lines(write, make):
    assert error_lines(UserError("it is full", "Empty it")) == ("it is full. Empty it",)
    write(workers=0, nonsense=1)
    with pytest.raises(ConfigError) as caught:
        make()
    assert len(error_lines(caught.value)) == 3
