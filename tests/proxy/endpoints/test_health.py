import time

import pytest

from open_llm_proxy.telemetry import scoreboard as board


def ask(rig):
    answer = rig.ask(rig.request(path="/health", method="GET", key=None))
    assert answer.status == 200
    return answer.json()


def test_the_whole_of_it_on_a_fresh_proxy(rig):
    assert ask(rig) == {
        "status": "healthy",
        "providers": {
            "alpha": {
                "configured": True,
                "endpoint": f"http://127.0.0.1:{rig.upstream.port}/v1/chat/completions",
            }
        },
        "proxy_key_configured": True,
        "logging": {
            "last_window": {"requests": 0, "responses": 0, "ratio": None},
            "windows_checked": 0,
            "imbalance_windows": 0,
            "swallowed_exceptions": 0,
            "buffer_depth": 0,
            "records": {"accepted": 0, "spooled": 0, "recorded": 0, "shipped": 0, "lost": 0, "unreadable": 0},
            "store": {
                "state": "none",
                "last_error": None,
                "oldest_unshipped_s": 0,
                "outbox_files": 0,
                "outbox_bytes": 0,
                "shipped_files": 0,
                "failed_attempts": 0,
            },
        },
        "unauthorized": 0,
    }


def test_providers_and_keys_that_are_not_configured(start):
    rig = start(
        snapshot={"client_keys": ()},
        providers={
            "keyed": {"models": ["a"]},
            "missing": {"models": ["b"], "key": None, "api_key_env": "MISSING"},
            "laptop": {"models": ["c"], "key": None},
        },
    )
    body = ask(rig)
    assert {name: one["configured"] for name, one in body["providers"].items()} == {
        "keyed": True,
        "missing": False,
        "laptop": True,
    }
    assert body["proxy_key_configured"] is False
    assert body["status"] == "healthy"


COUNTED = [
    (board.WINDOW_REQUESTS, "logging last_window requests"),
    (board.WINDOW_RESPONSES, "logging last_window responses"),
    (board.WINDOWS_CHECKED, "logging windows_checked"),
    (board.IMBALANCE_WINDOWS, "logging imbalance_windows"),
    (board.SWALLOWED, "logging swallowed_exceptions"),
    (board.FRAMES_WAITING, "logging buffer_depth"),
    (board.ACCEPTED, "logging records accepted"),
    (board.SPOOLED, "logging records spooled"),
    (board.RECORDED, "logging records recorded"),
    (board.SHIPPED, "logging records shipped"),
    (board.LOST, "logging records lost"),
    (board.UNREADABLE, "logging records unreadable"),
    (board.OUTBOX_FILES, "logging store outbox_files"),
    (board.OUTBOX_BYTES, "logging store outbox_bytes"),
    (board.SHIPPED_FILES, "logging store shipped_files"),
    (board.FAILED_ATTEMPTS, "logging store failed_attempts"),
    (board.UNAUTHORIZED, "unauthorized"),
]


@pytest.mark.parametrize(("counter", "place"), COUNTED, ids=[place for _, place in COUNTED])
def test_a_count_is_of_all_children_and_stands_in_its_place_alone(rig, counter, place):
    before = ask(rig)
    for slot in range(3):
        rig.board.slot(slot)[counter] += 10**slot
    after = ask(rig)
    rig.counters[counter] -= 10  # as it was: the rig looks at some of them when it ends
    found = after
    for name in place.split():
        found = found[name]
    assert found == 111
    *path, last = place.split()
    there = before
    for name in path:
        there = there[name]
    there[last] = 111
    before["logging"]["last_window"]["ratio"] = after["logging"]["last_window"]["ratio"]
    assert after == before


def test_the_ratio_of_the_last_window(rig):
    rig.board.slot(0)[board.WINDOW_REQUESTS] = 3
    rig.board.slot(0)[board.WINDOW_RESPONSES] = 2
    assert ask(rig)["logging"]["last_window"] == {"requests": 3, "responses": 2, "ratio": 0.667}


@pytest.mark.parametrize(("state", "shown"), [(0, "none"), (1, "ok"), (2, "failing")])
def test_the_stores_state_and_healthy_whatever_it_is(rig, state, shown):
    rig.board.slot(0)[board.STORE_STATE] = state
    rig.board.set_text(0, "bucket gone" if state == 2 else "")
    body = ask(rig)
    assert body["logging"]["store"]["state"] == shown
    assert body["logging"]["store"]["last_error"] == ("bucket gone" if state == 2 else None)
    assert body["status"] == "healthy"


def test_how_old_the_oldest_unshipped_record_is(rig):
    rig.board.slot(0)[board.OLDEST_UNSHIPPED_NS] = time.time_ns() - 90 * 10**9
    assert 90 <= ask(rig)["logging"]["store"]["oldest_unshipped_s"] < 100
    rig.board.slot(0)[board.OLDEST_UNSHIPPED_NS] = time.time_ns() + 90 * 10**9
    assert ask(rig)["logging"]["store"]["oldest_unshipped_s"] == 0


def test_no_key_is_shown(rig):
    answer = rig.ask(rig.request(path="/health", method="GET"))
    assert b"alpha-secret" not in answer.raw + answer.body
    assert rig.key.encode() not in answer.raw + answer.body
