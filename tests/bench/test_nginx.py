from pathlib import Path

import pytest

from bench import nginx
from bench.certificates import Certificates

FOLDER = Path("/run/x")
CERTIFICATES = Certificates(FOLDER / "ca.pem", FOLDER / "server.pem", FOLDER / "server.key")


def test_the_measure_keeps_connections_and_writes_no_log():
    text = nginx.write_proxy(FOLDER, 8001, 8002, buffering=True, authority=None)
    for line in ("worker_processes 1;", "access_log off;", "keepalive 2048;", "proxy_buffering on;", 'Connection "";'):
        assert line in text
    assert "proxy_pass http://provider;" in text
    assert "proxy_ssl" not in text


def test_streams_are_not_buffered():
    assert "proxy_buffering off;" in nginx.write_proxy(FOLDER, 1, 2, buffering=False, authority=None)


def test_a_provider_with_tls_is_verified():
    text = nginx.write_proxy(FOLDER, 1, 2, buffering=True, authority=CERTIFICATES.authority)
    for line in (
        "https://provider;",
        "proxy_ssl_verify on;",
        "proxy_ssl_protocols TLSv1.3;",
        "proxy_ssl_name localhost;",
    ):
        assert line in text


def test_a_canned_answer_is_quoted():
    assert nginx.quote(b'it\'s {"a":"\\n"}') == 'it\\\'s {"a":"\\\\n"}'
    with pytest.raises(ValueError, match=r"\$"):
        nginx.quote(b"$5")


def test_braces_balance():
    for target in (None, "http://127.0.0.1:3"):
        text = nginx.write_provider(FOLDER, 1, 2, CERTIFICATES, "/v1/x", body=b"{}", target=target)
        assert text.count("{") == text.count("}")
        assert ("proxy_pass" in text) == (target is not None)
