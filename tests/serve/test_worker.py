import signal

REQUEST = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"


def test_an_idle_connection_is_closed_by_the_drain(start):
    served = start()
    with served.connect() as connection:
        connection.sendall(REQUEST)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        served.send_signal(signal.SIGTERM)
        assert connection.recv(65536) == b""
    assert served.wait() == 0


def test_a_reload_leaves_connections_open(start, write):
    served = start()
    with served.connect() as connection:
        for reloads, log_content in enumerate((False, True), start=1):
            connection.sendall(REQUEST)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            write(log_content=log_content)
            served.send_signal(signal.SIGHUP)
            served.line("configuration reloaded", number=reloads)


def test_any_worker_answers_health_for_all(start):
    served = start("--workers", "2")
    for _ in range(8):
        served.call()

    def accepted():
        return served.get("/health")["logging"]["records"]["accepted"]

    for _ in range(4):
        served.wait_until(lambda: accepted() == 16)
