import json
import shlex

import pytest

from open_llm_proxy.config.load import Flags, load
from open_llm_proxy.serve.banner import first_call, say_serving


@pytest.fixture
def make(tmp_path):
    (tmp_path / "config.json").write_text('{"providers": {"a": {"endpoint": "https://a.example/v1/chat/completions"}}}')

    def make(key="it's a key", **flags):
        environ = {"PROXY_KEY": key, "HOME": str(tmp_path)}
        return load(Flags(**flags), environ, cwd=tmp_path)

    return make


def test_without_demo_the_address_is_all(make, capfd):
    say_serving(make(host="::1"), 9000)
    said = capfd.readouterr()
    assert said.err == "open-llm-proxy: listening on http://[::1]:9000\n"
    assert said.out == ""


def test_a_demo_says_url_key_records_and_a_line_to_paste(make, capfd, tmp_path):
    loaded = make(demo=True)
    say_serving(loaded, 9000)
    said = capfd.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0].endswith("listening on http://127.0.0.1:9000")
    assert lines[1].endswith("it's a key")
    assert f"{tmp_path}/logs" in lines[2]
    assert lines[-1] == first_call(loaded.snapshot, 9000)


def test_the_line_is_one_shell_command_with_the_key_and_a_body(make):
    line = first_call(make(demo=True, host="0.0.0.0").snapshot, 9000)
    assert "\n" not in line
    words = shlex.split(line)
    assert words[:2] == ["curl", "http://127.0.0.1:9000/v1/chat/completions"]
    assert words[3] == "Authorization: Bearer it's a key"
    assert json.loads(words[-1])["model"] == "demo"


def test_a_stderr_that_nobody_reads_stops_nothing(make, monkeypatch):
    class Gone:
        def write(self, _):
            raise BrokenPipeError

    loaded = make(demo=True)
    monkeypatch.setattr("sys.stderr", Gone())
    monkeypatch.setattr("open_llm_proxy.telemetry.diagnostics.say", lambda *_: None)
    say_serving(loaded, 9000)
