"""A store that fails: said once, calls go on, chunk files wait and are caught up in order; ``/health`` tells all along."""

import pytest
from tests.parts.load import more_answers, run_load
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.reckoning import reckon
from tests.parts.rgw import run_rgw
from tests.parts.service import run_service

pytestmark = pytest.mark.slow

FAULTS = [
    ((503, "SlowDown"), "fewer requests"),
    ((404, "NoSuchBucket"), "bucket does not exist"),
    ((500, "InternalError"), "InternalError"),
]
"""One that holds all files up and passes, one that a person must mend, one that may be a single file's."""


@pytest.fixture
def service(upstream, store, tmp_path):
    with run_service(tmp_path, provider(upstream.endpoint), env=store.environment()) as made:
        yield made.start()


def is_failing(service, text):
    state = service.logging()["store"]
    return state["state"] == "failing" and text in str(state["last_error"]) and state["outbox_files"] > 0


def is_well(service):
    store = service.logging()["store"]
    return store["state"] == "ok" and store["last_error"] is None and service.is_settled()


def in_order(keys):
    """Whether each writer's files came in the order of their segments."""
    parts = [(key.split("-")[-1].split(".")[0], int(key.split(".")[-3])) for key in keys]
    return all(
        first < second
        for place, (writer, second) in enumerate(parts)
        for other, first in parts[:place]
        if other == writer
    )


def test_each_refusal_is_said_once_and_caught_up(service, store):
    with run_load(service.port, clients=2) as load:
        for refusal, text in FAULTS:
            wait_until(more_answers(load, 5), "answers while the store is well")
            store.refusal = refusal
            attempts = store.attempts
            wait_until(lambda text=text: is_failing(service, text), f"a failing store: {text}")
            wait_until(lambda attempts=attempts: store.attempts > attempts + 1, "a second try")
            assert service.health()["status"] == "healthy"
            store.refusal = None
            wait_until(lambda: service.logging()["store"]["state"] == "ok", "a store that is well again")
    wait_until(lambda: is_well(service), "everything in the store")
    counts = service.logging()
    assert service.stop() == 0
    for _, text in FAULTS:
        told = [line for line in service.stderr.splitlines() if text in line]
        assert len(told) == 1, service.stderr
    assert "takes chunk files again" in service.stderr
    assert counts["store"]["failed_attempts"] >= 2 * len(FAULTS)
    assert counts["records"]["accepted"] == counts["records"]["spooled"] == 2 * len(load.whole)
    assert counts["records"]["lost"] == 0
    assert in_order(store.keys())
    assert len(set(store.keys())) == len(store.keys())
    assert reckon(load.whole, store.records()) == {"None": len(load.whole)}


def test_down_from_the_start_and_while_it_runs(service, store):
    store.go_down()
    with run_load(service.port, clients=2) as load:
        wait_until(more_answers(load, 30), "answers while the store is down")
        wait_until(lambda: is_failing(service, "cannot be reached"), "a store that is down")
    assert service.logging()["store"]["oldest_unshipped_s"] > 0
    service.kill_everything()
    service.start()
    wait_until(lambda: is_failing(service, "cannot be reached"), "a store that is down")
    service.kill_supervisor()
    assert store.taken == []
    assert len(service.waiting_files()) > 0
    store.go_up()
    service.start()
    wait_until(lambda: is_well(service), "everything in the store")
    assert service.stop() == 0
    assert in_order(store.keys())
    assert reckon(load.whole, store.records())["None"] == len(load.whole)


@pytest.mark.slow
def test_a_slow_store_at_the_end_and_the_next_start_on_another_host(upstream, store, tmp_path):
    """SIGTERM with a backlog: exit 0 within the grace; what is left is shipped by whoever has the volume next."""
    from tests.parts.namespaces import own_host_name

    prefix = own_host_name("elsewhere")
    with run_service(tmp_path, provider(upstream.endpoint), env=store.environment()) as service:
        service.start()
        store.go_down()
        with run_load(service.port, clients=2) as load:
            for files in range(1, 6):
                wait_until(
                    lambda files=files: service.logging()["store"]["outbox_files"] >= files, f"{files} files that wait"
                )
        store.open.clear()
        store.go_up()
        assert service.stop() == 0
        assert "the next start ships what is left" not in service.stderr  # nothing had to be killed
        store.open.set()  # the file that the first start was still sending comes, too, and again with the next start
        assert len(service.waiting_files()) >= 5
        service.prefix = prefix
        service.start()
        wait_until(service.is_settled, "everything in the store")
        assert service.stop() == 0
    assert not service.waiting_files()
    assert in_order(dict.fromkeys(store.keys()))
    assert "-elsewhere-" not in "".join(store.keys())  # a file has the name of its writer's host
    assert reckon(load.whole, store.records())["None"] == len(load.whole)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_ceph_says(upstream, tmp_path):
    """A wrong secret, no bucket, a clock that is wrong, an authority that is not trusted: by a real gateway."""
    from tests.parts.clock import skewed

    with run_rgw(tmp_path / "ceph") as rgw:
        good = rgw.bucket(tls=True)
        cases = {
            "AWS_SECRET_ACCESS_KEY": rgw.door(good.name, secret="wrong").environment(),
            "bucket does not exist": rgw.door("logs-nowhere").environment(),
            "set the clock right": rgw.door(good.name).environment() | skewed(-7200),
            "UnknownIssuer": good.environment(),
        }
        for number, (text, env) in enumerate(cases.items()):
            config = provider(upstream.endpoint)
            with run_service(tmp_path / str(number), config, env=env) as service:
                service.start()
                with run_load(service.port, clients=1) as load:
                    wait_until(more_answers(load, 3), "answers")
                wait_until(lambda service=service, text=text: is_failing(service, text), f"a failing store: {text}")
                service.kill_everything()
                assert service.waiting_files()
                service.env = good.environment() | {"SSL_CERT_FILE": str(rgw.authority)}
                config["ca_file"] = str(rgw.authority)
                service.configure(config)
                service.start()
                wait_until(service.is_settled, "everything in the store")
                assert service.stop() == 0
            calls = {record["request_id"] for record in good.records()}
            assert {answer.request_id for answer in load.whole} <= calls
