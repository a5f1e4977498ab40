import json

import pytest

from open_llm_proxy.config import location
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.errors import UserError


def test_which_file(tmp_path):
    assert location.locate(None, None, tmp_path) == location.shipped_path()
    (tmp_path / "config.json").touch()
    assert location.locate(None, None, tmp_path) == tmp_path / "config.json"
    assert location.locate(None, "/env.json", tmp_path) == location.locate("/env.json", "/x", tmp_path)
    assert location.locate("flag.json", "/env.json", tmp_path) == tmp_path / "flag.json"


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(location.locate("~/c.json", None, tmp_path)) == "/home/somebody/c.json"


def test_the_shipped_file_is_there():
    assert "nrp" in json.loads(location.shipped_path().read_bytes())["providers"]


@pytest.mark.parametrize(
    ("chosen", "remedy"),
    [
        ({"flag": "x", "variable": None}, "--config"),
        ({"flag": "x", "variable": "y"}, "--config"),
        ({"flag": None, "variable": "y"}, "OPEN_LLM_PROXY_CONFIG"),
        ({"flag": None, "variable": None}, "--config"),
    ],
)
def test_a_file_that_is_not_there_names_itself_and_the_remedy(tmp_path, chosen, remedy):
    with pytest.raises(UserError) as raised:
        location.read(tmp_path / "gone.json", **chosen)
    assert raised.value.message == f"there is no configuration file {tmp_path / 'gone.json'}"
    assert remedy in raised.value.remedy


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match=r"can't read the configuration file .*: Is a directory"):
        location.read(tmp_path, flag="x", variable=None)


def test_which_env_file(tmp_path):
    assert location.env_file(None, tmp_path, demo=True) is None
    (tmp_path / ".env").touch()
    assert location.env_file(None, tmp_path, demo=True) == tmp_path / ".env"
    assert location.env_file(None, tmp_path, demo=False) is None
    assert location.env_file("other", tmp_path, demo=False) == tmp_path / "other"


def test_an_env_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(UserError, match=r"can't read .*gone: No such file or directory. Name another with --env-file"):
        location.read_env_file(tmp_path / "gone")


@pytest.mark.parametrize(
    ("environ", "platform", "folder"),
    [
        ({"SPOOL_DIR": "/var/spool/open-llm-proxy", "HOME": "/h"}, "linux", "/var/spool/open-llm-proxy"),
        ({"HOME": "/h"}, "linux", "/h/.local/state/open-llm-proxy/8002"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/s"}, "linux", "/s/open-llm-proxy/8002"),
        ({"HOME": "/h", "XDG_STATE_HOME": "relative"}, "linux", "/h/.local/state/open-llm-proxy/8002"),
        ({"HOME": "/h"}, "darwin", "/h/Library/Application Support/open-llm-proxy/8002"),
    ],
)
def test_the_spools_folder(tmp_path, environ, platform, folder):
    reader = Reader(environ, cwd=tmp_path, below={}, below_path="")
    assert location.spool_folder(reader, 8002, platform=platform) == folder
    assert reader.problems == []


def test_a_relative_spool_starts_at_the_working_folder(tmp_path):
    reader = Reader({"SPOOL_DIR": "spool"}, cwd=tmp_path, below={}, below_path="")
    assert location.spool_folder(reader, 1) == str(tmp_path / "spool")


def test_without_a_home_folder_the_spool_must_be_named(tmp_path):
    reader = Reader({"HOME": "nowhere"}, cwd=tmp_path, below={}, below_path="")
    location.spool_folder(reader, 1)
    assert [problem.path for problem in reader.problems] == ["SPOOL_DIR"]
