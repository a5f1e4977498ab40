import pytest


@pytest.fixture
def served(monkeypatch):
    """What the command would have served with."""
    calls = []

    def run(flags, environ, **more):
        calls.append((flags, more))
        return 3

    monkeypatch.setattr("open_llm_proxy.serve.run.run", run)
    return calls


def test_flags_reach_the_library(run, served, here):
    words = "serve --config c.json --host ::1 --port 9 --workers 2 --demo --env-file e --log-format line"
    assert run(*words.split()).status == 3
    ((flags, more),) = served
    assert (flags.config, flags.host, flags.port, flags.workers) == ("c.json", "::1", 9, 2)
    assert (flags.demo, flags.env_file, flags.log_format) == (True, "e", "line")
    assert more["cwd"] == here
    assert not more["stdout_is_terminal"]


def test_without_flags_nothing_is_said(run, served):
    run("serve")
    ((flags, _),) = served
    assert (flags.config, flags.host, flags.port, flags.workers, flags.env_file) == (None,) * 5
    assert (flags.demo, flags.log_format) == (False, "auto")


def test_show_config_masks_secrets_and_says_where_values_come_from(run, served, monkeypatch, here):
    monkeypatch.setenv("UP_KEY", "sk-secret-of-tests")
    said = run("serve", "--show-config", "--port", "9100")
    assert said.status == 0
    assert served == []
    lines = said.out.splitlines()
    assert "listen.port = 9100  # flag --port" in lines
    assert f'providers.up.models = ["a","b"]  # file {here}/config.json' in lines
    assert "workers = 1  # default" in lines
    assert "the-key-of-tests" not in said.out
    assert any(line.startswith("client_keys.default = ********") for line in lines)


def test_show_config_of_a_wrong_one(run, here):
    (here / "config.json").write_text('{"providers": {}, "nonsense": 1}')
    said = run("serve", "--show-config")
    assert (said.status, said.out) == (2, "")
    assert len(said.err.splitlines()) == 3


def test_a_missing_file(run):
    said = run("serve", "--config", "nowhere.json")
    assert said.status == 2
    assert len(said.err.splitlines()) == 1
    assert "there is no configuration file" in said.err
    assert "--config" in said.err
