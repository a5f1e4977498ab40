import json

import pytest

from open_llm_proxy.recorder.rendering import UNREADABLE_BYTES, Renderer
from open_llm_proxy.spool.frame import Frame
from open_llm_proxy.spool.segment import SegmentHeader

SEGMENT = SegmentHeader("the-host", 7, 1, "1.2", 0, 0, "0" * 16, 1)
DAY = "2026-11-25"
FULL = json.dumps(
    {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "q" * 500}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
    }
).encode()


@pytest.fixture
def renderer(kit):
    def make(*, only_stdout=False, **log):
        return Renderer(kit.adapt(log), only_stdout=only_stdout)

    return make


def types(lines):
    return [json.loads(line)["type"] for line in lines]


def test_a_record_tells_the_host_and_version_that_answered(kit, renderer):
    rendered = renderer().render(Frame(kit.request(1), kit.BODY), SEGMENT, DAY)
    record = json.loads(rendered.lines[0])
    assert (record["host"], record["proxy_version"]) == ("the-host", "1.2")
    assert rendered.stdout == rendered.lines


def test_stdout_is_whole_until_the_store_has_taken_a_chunk_file(kit, renderer):
    made = renderer(stdout_max_field=20)
    frame = Frame(kit.request(1, origin="https://" + "o" * 50), FULL)
    assert made.render(frame, SEGMENT, DAY).stdout == made.render(frame, SEGMENT, DAY).lines
    made.cut_stdout = True
    rendered = made.render(frame, SEGMENT, DAY)
    assert len(json.loads(rendered.lines[0])["user_question"]) == 500
    short = json.loads(rendered.stdout[0])
    assert short["user_question"][:20] == "q" * 20
    assert len(short["user_question"]) <= 21
    assert short["origin"] == "https://" + "o" * 50


def test_prompts_and_tools_once_a_day_to_chunk_files_only(kit, renderer):
    made = renderer(capture_mode="full")
    frame = Frame(kit.request(1, total_bytes=len(FULL)), FULL)
    first = made.render(frame, SEGMENT, DAY)
    assert types(first.lines) == ["request", "system_prompt", "tools"]
    assert types(first.stdout) == ["request"]
    assert types(made.render(frame, SEGMENT, DAY).lines) == ["request"]
    assert types(made.render(frame, SEGMENT, "2026-11-26").lines) == ["request", "system_prompt", "tools"]
    made.forget()
    assert types(made.render(frame, SEGMENT, DAY).lines) == ["request", "system_prompt", "tools"]


def test_prompts_and_tools_on_stdout_where_it_is_the_only_sink(kit, renderer):
    made = renderer(only_stdout=True, capture_mode="full", stdout_max_field=20)
    made.cut_stdout = True
    rendered = made.render(Frame(kit.request(1), FULL), SEGMENT, DAY)
    assert types(rendered.stdout) == ["request", "system_prompt", "tools"]
    assert len(json.loads(rendered.stdout[0])["user_question"]) == 500


def test_a_line_a_call_for_a_terminal(kit, renderer):
    made = renderer(stdout_format="line")
    assert made.render(Frame(kit.request(1), kit.BODY), SEGMENT, DAY).stdout == []
    rendered = made.render(Frame(kit.response(1), kit.ANSWER), SEGMENT, DAY)
    assert types(rendered.lines) == ["response"]
    assert b"200" in rendered.stdout[0]
    assert b"{" not in rendered.stdout[0]


def test_a_call_whose_worker_died(kit, renderer):
    rendered = renderer().render_ended(kit.request(1), kit.NOON_NS + 5 * 10**9, SEGMENT)
    record = json.loads(rendered.lines[0])
    assert (record["type"], record["error"], record["host"]) == ("response", "worker ended", "the-host")
    assert record["timestamp"] == "2026-11-25T12:00:05.000000Z"
    assert rendered.answered.header.latency_us == 5_000_000
    assert rendered.answered.record.latency_ms is None


def test_an_answer_is_told_with_its_record(kit, renderer):
    made = renderer()
    header = kit.response(1)
    answered = made.render(Frame(header, kit.ANSWER), SEGMENT, DAY).answered
    assert answered.header is header
    assert answered.record.content == "answer"
    assert made.render(Frame(kit.request(1), kit.BODY), SEGMENT, DAY).answered is None


def test_what_is_unreadable_is_scrubbed_and_bounded(renderer):
    text = renderer().unreadable("why", "what", b"\xff a known-secret-key \xfe" + bytes(UNREADABLE_BYTES))
    assert b"known-secret-key" not in text
    assert text.startswith(b"why\nwhat\n")
    assert b"(the first 4194304 bytes)" in text
    assert len(text) < UNREADABLE_BYTES + 1000


def test_prompts_of_the_last_three_days_are_remembered(kit, renderer):
    made = renderer(capture_mode="full")
    frame = Frame(kit.request(1, total_bytes=len(FULL)), FULL)
    for day in (23, 24, 25, 26):
        assert len(made.render(frame, SEGMENT, f"2026-11-{day}").lines) == 3
    assert [len(made.render(frame, SEGMENT, f"2026-11-{day}").lines) for day in (24, 25, 26)] == [1, 1, 1]
    assert len(made.render(frame, SEGMENT, "2026-11-23").lines) == 3
