"""A `serve` as processes: what its children's deaths, signals and files do to the calls of its clients."""

import os
import signal

import pytest


def test_it_serves_then_ends_with_0_and_leaves_nothing_behind(start):
    served = start()
    port = served.port
    assert served.call()["choices"][0]["message"]["content"] == "hello"
    pids = [served.child(role) for role in ("worker", "recorder")]
    assert served.end() == 0
    assert not any(map(served.is_alive, pids))
    assert served.is_free(port)


@pytest.mark.slow
def test_ctrl_c_ends_it_too(start):
    served = start()
    assert served.port
    assert served.end(signal.SIGINT) == 0


def test_a_second_serve_on_the_port_is_refused(start, tmp_path):
    first = start("--workers", "2")
    second = start("--port", str(first.port), SPOOL_DIR=str(tmp_path / "another"))
    assert second.wait() == 2
    assert f"port {first.port} on 127.0.0.1 is in use. Stop what listens there" in "\n".join(second.lines)
    assert first.call()


@pytest.mark.parametrize("role", ["worker", "recorder"])
def test_a_child_that_is_killed_is_started_again(start, role):
    served = start()
    port, before = served.port, served.child(role)
    os.kill(before, signal.SIGKILL)
    served.line(f"error: {role}( 1)? was killed by SIGKILL; it is started again at once")
    assert served.is_alive(served.child(role, but=before))
    assert served.port == port
    assert served.call()


def test_connections_that_wait_for_a_killed_worker_are_served_by_its_successor(start):
    served = start()
    worker = served.child("worker")
    assert served.port
    os.kill(worker, signal.SIGSTOP)  # so that what connects now is surely not accepted before it dies
    with served.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        os.kill(worker, signal.SIGKILL)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_the_other_workers_calls_go_on_when_one_is_killed(start, provider):
    served = start("--workers", "2")
    assert served.port
    provider.gate.clear()
    calls = [served.begin_call() for _ in range(12)]
    served.wait_until(lambda: provider.calls == len(calls))
    os.kill(served.children("worker")[0], signal.SIGKILL)
    served.line("worker 1 was killed by SIGKILL")
    provider.gate.set()
    for call in calls:
        call.join()
    answered = sum(call.answer is not None for call in calls)
    assert 0 < answered < len(calls)
    assert served.call()


def test_a_killed_supervisor_takes_its_children_with_it(start):
    served = start("--workers", "2")
    port = served.port
    pids = [*served.children("worker"), served.child("recorder")]
    assert len(pids) == 3
    served.end(signal.SIGKILL)
    served.wait_until(lambda: not any(map(served.is_alive, pids)))
    assert served.is_free(port)


@pytest.mark.slow
def test_without_what_only_linux_has_it_serves_starts_again_reloads_and_drains(start, write, config):
    write(workers=2)
    served = start(darwin=True)
    assert served.port
    assert served.call()["choices"][0]["message"]["content"] == "hello"
    killed = served.children("worker")
    assert len(killed) == 2
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    served.line("worker . was killed by SIGKILL; it is started again", number=2)
    assert served.call()
    config["providers"]["main"]["models"] = ["beta"]
    write(workers=2)
    served.line("configuration reloaded")
    served.wait_until(lambda: [model["id"] for model in served.get("/v1/models")["data"]] == ["beta"])
    assert served.call("beta")
    assert served.get("/health")["logging"]["records"]["lost"] == 0
    assert served.end() == 0


def test_without_what_only_linux_has_a_killed_supervisor_takes_its_children_with_it_too(start):
    served = start(darwin=True)
    port = served.port
    pids = [served.child(role) for role in ("worker", "recorder")]
    served.end(signal.SIGKILL)
    served.wait_until(lambda: not any(map(served.is_alive, pids)))
    assert served.is_free(port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_that_a_group_gets_do_not_reach_the_children_work(start, number):
    served = start()
    assert served.port
    worker = served.child("worker")
    os.kill(worker, number)
    assert served.call()
    assert served.child("worker") == worker


def test_drain_finishes_what_is_in_flight(start, provider):
    served = start()
    port = served.port
    provider.gate.clear()
    call = served.begin_call()
    served.wait_until(lambda: provider.calls)
    served.send_signal(signal.SIGTERM)
    served.line("SIGTERM: no new connections")
    served.wait_until(lambda: served.is_free(port))
    provider.gate.set()
    call.join()
    assert call.answer["choices"][0]["message"]["content"] == "hello"
    assert served.wait() == 0


@pytest.mark.slow
def test_connections_that_wait_for_a_worker_in_its_pause_are_served_when_the_drain_begins(start):
    served = start()
    assert served.port
    worker = 0
    for death in range(5):
        worker = served.child("worker", but=worker)
        os.kill(worker, signal.SIGKILL)
        served.line("worker 1 was killed by SIGKILL; it is started again", number=death + 1)
    with served.connect() as connection:  # 0.8 s are left
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        served.send_signal(signal.SIGTERM)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert served.wait() == 0


def test_a_second_signal_ends_at_once(start, provider):
    served = start()
    assert served.port
    provider.gate.clear()
    call = served.begin_call()
    served.wait_until(lambda: provider.calls)
    served.send_signal(signal.SIGTERM)
    served.line("SIGTERM: no new connections")
    assert served.end() == 3
    call.join()
    assert call.error is not None


def test_a_closed_terminal_ends_it(start):
    ours, theirs = os.openpty()
    served = start(terminal=theirs)
    os.close(theirs)
    assert served.port
    served.send_signal(signal.SIGHUP)
    served.line("configuration reloaded")  # the terminal is there: nobody closed it
    os.close(ours)
    served.line("SIGHUP: no new connections")
    assert served.wait() == 0


def test_sighup_reloads(start, write, config):
    served = start()
    assert served.refusal("beta") == 400
    config["providers"]["main"]["models"] = ["alpha", "beta"]
    write(workers=2)
    served.send_signal(signal.SIGHUP)
    served.line("configuration reloaded")
    served.line("warning: workers changed: takes effect at the next start")
    served.wait_until(lambda: "beta" in [model["id"] for model in served.get("/v1/models")["data"]])
    assert served.call("beta")
    assert len(served.children("worker")) == 1


def test_a_changed_file_reloads_and_children_started_later_have_it_too(start, write, config):
    served = start()
    assert served.port
    config["providers"]["main"]["models"] = ["beta"]
    write()
    served.line("configuration reloaded")
    worker = served.child("worker")
    os.kill(worker, signal.SIGKILL)
    served.child("worker", but=worker)
    assert served.call("beta")
    assert served.refusal() == 400


def test_a_wrong_file_is_said_and_the_old_one_kept(start, write):
    served = start()
    assert served.port
    write(workers="many", nonsense=1)
    served.send_signal(signal.SIGHUP)
    served.line("error:   workers: expected")
    served.line("error:   nonsense: unknown key")
    served.line("not reloaded")
    assert served.call()


def test_a_worker_that_refuses_to_start_ends_it_with_its_reason(start):
    served = start(fake="refusing")
    assert served.wait() == 7
    assert served.lines[-1] == "the cellar is full. Drink up [7]"


def test_workers_that_die_before_they_serve_are_given_up(start):
    served = start(fake="dying")
    assert served.wait() == 4
    assert "worker 1 ended with status 9; it is started again at once" in served.lines[0]
    assert "before it could serve, 5 times in a row" in served.lines[-1]


def test_a_worker_that_does_not_end_in_time_is_killed(start, write):
    write(timeouts={"drain_s": 0.1})
    served = start(fake="deaf")
    served.line("listening")
    assert served.end() == 3
    assert any("worker 1 was still busy after drain_s: killed" in line for line in served.lines)
    assert "stop" in served.lines


def test_a_recorder_that_does_not_flush_in_time_is_killed(start):
    served = start(fake="slow to flush")
    served.line("listening")
    assert served.end() == 0
    assert any("recorder was still busy" in line for line in served.lines)


def test_order_of_the_end(start):
    served = start(fake="obedient")
    served.line("listening")
    assert served.end() == 0
    said = [line for line in served.lines if line in ("drain 1260", "stop")]
    assert said == ["drain 1260", "stop"]


def test_a_dead_workers_gauges_are_reset(start):
    served = start(fake="counting")
    served.line("in flight 1")
    os.kill(served.child("worker"), signal.SIGKILL)
    served.line("in flight 1", number=2)


def test_what_a_killed_worker_had_in_its_turn_was_never_accepted(start):
    """Nobody got an answer that it belongs to; at rest accepted = spooled + lost."""
    served = start(fake="counting")
    served.line("in flight 1")
    os.kill(served.child("worker"), signal.SIGKILL)
    served.line("accepted 5")
