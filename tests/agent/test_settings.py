import uuid

import pytest

from open_llm_proxy import __version__
from open_llm_proxy.agent.settings import CLIENT, PROXY_URL, Settings, resolve_key, resolve_proxy_url
from open_llm_proxy.errors import UserError


@pytest.mark.parametrize(
    ("given", "environment", "key"),
    [
        ("mine", {"OPENAI_API_KEY": "a", "PROXY_KEY": "b"}, "mine"),
        (None, {"OPENAI_API_KEY": "a", "PROXY_KEY": "b"}, "a"),
        (None, {"PROXY_KEY": "b"}, "b"),
        (None, {"OPENAI_API_KEY": "", "PROXY_KEY": "b"}, "b"),
        (None, {}, "EMPTY"),
        (None, {"PROXY_KEY": "b\n"}, "b"),
        (None, {"PROXY_KEY": " "}, "EMPTY"),
    ],
)
def test_the_key(given, environment, key):
    assert resolve_key(given, environment) == key


@pytest.mark.parametrize("key", ["sk-ü", "sk-a\nb", "“sk-a”"])
def test_a_key_that_no_header_takes(key):
    with pytest.raises(UserError, match="no header takes"):
        resolve_key(None, {"PROXY_KEY": key})


@pytest.mark.parametrize(
    ("given", "environment", "url"),
    [
        (None, {}, PROXY_URL),
        (None, {"OPENAI_BASE_URL": "http://a/v1"}, "http://a/v1"),
        (None, {"OPENAI_BASE_URL": ""}, PROXY_URL),
        ("http://b/v1/", {"OPENAI_BASE_URL": "http://a/v1"}, "http://b/v1"),
        ("http://b:8002", {}, "http://b:8002/v1"),
        ("http://b:8002/", {}, "http://b:8002/v1"),
        ("http://b/v1/chat/completions", {}, "http://b/v1"),
        ("http://b/api", {}, "http://b/api"),
    ],
)
def test_the_proxy(given, environment, url):
    assert resolve_proxy_url(given, environment) == url


def test_a_session_has_an_id_of_its_own_and_says_which_client_it_is():
    assert uuid.UUID(Settings().session_id)
    assert Settings().session_id != Settings().session_id
    assert f"agent_runner/{__version__}" == CLIENT == Settings().client


def test_the_key_is_not_shown():
    assert "sk-secret" not in repr(Settings(api_key="sk-secret"))
