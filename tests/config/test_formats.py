import pytest

from open_llm_proxy.config.formats import FORMATS

RIGHT = {
    "url": [
        "https://ellm.nrp-nautilus.io/v1/chat/completions",
        "http://127.0.0.1:11434/v1/chat/completions",
        "http://[::1]:8000/v1",
        "https://x.example/openai/deployments/a/chat/completions?api-version=2024-06-01",
        "HTTPS://X.example/",
        "http://host/path@with-at",
    ],
    "variable": ["NRP_API_KEY", "_x", "k1"],
    "provider-name": ["nrp", "my provider", "a.b-c_d/e", "x"],
    "header-value": ["open-llm-proxy", "https://nrp-nautilus.io", "a b\tc", "x"],
    "extra-header-name": ["HTTP-Referer", "X-Title", "api-key", "x-api-key", "User-Agent"],
    "forward-header-name": ["x-client", "OpenAI-Organization"],
    "origin-glob": ["*", "https://*.example.org", "http://localhost:*", "*.example.org", "null"],
    "host": ["0.0.0.0", "127.0.0.1", "::", "::1", "fe80::1%eth0", "localhost", "my-host.example", "2001:db8::1"],
}
WRONG = {
    "url": [
        "ellm.nrp-nautilus.io/v1",
        "ftp://x/",
        "https://",
        "https:///path",
        "https://user@x/",
        "https://user:secret@x/",
        "https://x/#part",
        "https://x/#",
        "https://x:port/",
        "https://x:99999/",
        "https://x:0/",
        "https://[::1/",
        "https://x/a b",
        "https://x/\n",
        "https://bücher.example/",
        " https://x/",
    ],
    "variable": ["sk-abc", "1A", "A B", "A=B", "É", "$NRP_API_KEY"],
    "provider-name": ["unrouted", " nrp", "nrp ", "n\nrp", "é"],
    "header-value": ["a\r\nX: y", "a\n", "\x00", " a", "a ", "é", "a\x7f"],
    "extra-header-name": [
        "Host",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "AUTHORIZATION",
        "Upgrade",
        "TE",
        "Expect",
        "Content-Type",
        "content-encoding",
        "X Title",
        "X:",
        "X\r\nY",
        "é",
    ],
    "forward-header-name": [
        "authorization",
        "X-Api-Key",
        "cookie",
        "Origin",
        "referer",
        "X-Forwarded-For",
        "x-forwarded-host",
        "connection",
        "content-length",
        "a b",
    ],
    "origin-glob": ["https://x.example/", "https://x.example/path", "https://a b", "/", "*/"],
    "host": ["localhost:8002", "http://x", "[::1]", "a b", "x/y", ":"],
}


def test_every_format_is_tested():
    assert set(FORMATS) == set(RIGHT) == set(WRONG)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in RIGHT.items() for text in texts])
def test_taken(name, text):
    assert FORMATS[name](text) is None


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_refused(name, text):
    assert FORMATS[name](text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("url", "https://user:hunter2@x/"),
        ("url", "hunter2@x://"),
        ("url", "x.example/?api-key=hunter2"),
        ("variable", "sk-hunter2"),
        ("header-value", "hunter2\r\n"),
    ],
)
def test_what_may_be_a_secret_is_not_shown(name, text):
    said = FORMATS[name](text)
    assert said
    assert "?" not in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("url", "https://u:p@x/", "api_key_env"),
        ("extra-header-name", "authorization", "api_key_env"),
        ("extra-header-name", "host", "leave it out"),
        ("variable", "sk-x", "not the secret itself"),
        ("origin-glob", "https://x/", "without a path"),
    ],
)
def test_a_refusal_says_what_to_do(name, text, advice):
    assert advice in (FORMATS[name](text) or "")
