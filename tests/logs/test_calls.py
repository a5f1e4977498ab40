from open_llm_proxy.logs.calls import Call, pair_calls, time_of


def record(kind, request_id, at, **more):
    return {"type": kind, "request_id": request_id, "timestamp": at, **more}


def test_a_call_is_its_two_records():
    records = [
        record("response", "a" * 32, "2026-01-01T00:00:02Z", model="m"),
        record("request", "a" * 32, "2026-01-01T00:00:01Z"),
    ]
    [call] = pair_calls([*records, *records, {"type": "tools"}, record("request", None, "")])
    assert (call.request, call.response) == (records[1], records[0])
    assert (call.at, call.field("model"), call.request_id) == ("2026-01-01T00:00:01Z", "m", "a" * 32)


def test_calls_come_in_the_order_of_their_requests():
    records = [record("request", name * 32, f"2026-01-01T00:00:0{second}Z") for name, second in (("b", 3), ("a", 1))]
    assert [call.request_id[0] for call in pair_calls(records)] == ["a", "b"]


def test_a_short_id_that_comes_again_on_another_day_is_another_call():
    records = [
        record("request", "abcd1234", "2026-01-01T23:59:59Z", day=1),
        record("response", "abcd1234", "2026-01-02T00:00:04Z", day=1),
        record("request", "abcd1234", "2026-01-20T10:00:00Z", day=20),
        record("response", "abcd1234", "2026-01-20T10:00:01Z", day=20),
    ]
    calls = pair_calls(records)
    assert [(call.request["day"], call.response["day"]) for call in calls] == [(1, 1), (20, 20)]


def test_a_short_id_whose_answer_is_another_days():
    records = [
        record("request", "abcd1234", "2026-01-01T10:00:00Z"),
        record("response", "abcd1234", "2026-01-20T10:00:00Z"),
    ]
    assert [(call.request is None, call.response is None) for call in pair_calls(records)] == [
        (False, True),
        (True, False),
    ]


def test_a_record_without_a_time_is_the_oldest():
    assert time_of({"timestamp": "soon"}) < time_of({"timestamp": "0002-01-01T00:00:00"})
    assert Call(None, None).at == ""
