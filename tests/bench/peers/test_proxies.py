from pathlib import Path

import pytest

from bench.peers import proxies
from bench.peers.peer import Place
from bench.peers.upstream import Upstream


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, 8080, Upstream(tmp_path / "provider", tmp_path))


def test_calls_are_found_in_whole_lines_only(tmp_path: Path):
    log = tmp_path / "access.log"
    log.write_bytes(
        b'127.0.0.1 - - [x] "POST /v1/chat/completions?call=7 HTTP/1.1" 200 922\n'
        b'127.0.0.1 - - [x] "POST /v1/chat/completions HTTP/1.1" 200 922\n'
        b'127.0.0.1 - - [x] "POST /v1/chat/completions?call=8 HTTP/1.1" 2'
    )
    assert proxies.find_calls(log) == {"7"}
    assert proxies.find_calls(tmp_path / "none") == set()


def test_calls_are_found_in_caddys_json(tmp_path: Path):
    log = tmp_path / "access.log"
    log.write_bytes(b'{"request":{"uri":"/v1/chat/completions?call=12"},"status":200}\n{"request":{"uri":"/?cal')
    assert proxies.find_calls(log, proxies._CADDY_CALL) == {"12"}


def test_nginx_checks_the_key_and_logs(place: Place):
    launch = proxies.write_nginx(place, " buffer=64k flush=5s")
    text = Path(launch.command[-1]).read_text()
    assert "access_log off" not in text
    assert f"access_log {place.folder}/access.log combined buffer=64k flush=5s;" in text
    assert text.count("return 401;") == 1
    assert text.count("proxy_set_header Authorization") == 1


@pytest.mark.parametrize("write", [proxies.write_haproxy, proxies.write_caddy])
def test_the_others_check_the_key_and_log(place: Place, write):
    text = Path(write(place).command[-1]).read_text()
    assert text.count("401") == 1
    assert "log" in text
    assert f"127.0.0.1:{place.upstream.port}" in text
    assert "{port}" not in text
