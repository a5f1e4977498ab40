"""Requests' records, in both modes, of every API."""

import base64
import hashlib
import json

import pytest

from open_llm_proxy.records.context import Context
from open_llm_proxy.records.encode import encode
from open_llm_proxy.records.full import dedup_key
from open_llm_proxy.records.request import build_request

SECRET = "sk-live-4f6a9c2e8b1d7035"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
SOUND = b"RIFF" + bytes(range(100))
TOOLS = [{"type": "function", "function": {"name": "query", "parameters": {"type": "object"}}}]
CHAT = {
    "model": "kimi",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How many states?"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "50"},
    ],
    "tools": TOOLS,
    "tool_choice": "auto",
    "user": "3f0c8a5e-session",
    "temperature": 0.2,
    "seed": 7,
    "response_format": {"type": "json_object"},
    "enable_thinking": False,
}


def test_a_request_of_the_browser_app(read_request):
    body = json.dumps(CHAT, separators=(", ", ":  ")).encode()
    record = read_request(
        body,
        origin="https://geo.example.org",
        client="geo-agent/v3.13.1",
        session_id="3f0c8a5e-session",
        client_request_id="req-1",
        edits=("thinking",),
        config_sha256="c" * 64,
        context={"host": "pod-1", "proxy_version": "1.2.3"},
    )
    assert record == {
        "timestamp": "2026-09-21T14:13:20.123456Z",
        "type": "request",
        "request_id": "18eaeffcf63aa56c98ccfc2112caf76c",
        "session_id": "3f0c8a5e-session",
        "client": "geo-agent/v3.13.1",
        "origin": "https://geo.example.org",
        "provider": "nrp",
        "model": "kimi",
        "message_count": 4,
        "tools_count": 1,
        "enable_thinking": False,
        "user_question": "How many states?",
        "user_message_this_turn": "How many states?",
        "tool_results_this_turn": [{"tool_call_id": "call_1", "content": "50"}],
        "endpoint": "/v1/chat/completions",
        "stream": False,
        "key": "default",
        "request_bytes": len(body),
        "client_request_id": "req-1",
        "params": '{"tool_choice":"auto","temperature":0.2,"seed":7,"response_format":{"type":  "json_object"}}',
        "system_sha256": hashlib.sha256(b"Be brief.").hexdigest(),
        "tools_sha256": hashlib.sha256(json.dumps(TOOLS, separators=(", ", ":  ")).encode()).hexdigest(),
        "edits": ["thinking"],
        "config_sha256": "c" * 64,
        "request_sha256": hashlib.sha256(body).hexdigest(),
        "content_logged": True,
        "truncated": [],
        "proxy_version": "1.2.3",
        "host": "pod-1",
    }


@pytest.mark.parametrize(
    ("sent", "recorded", "params"),
    [
        ({}, (False, None), "{}"),
        ({"stream": True, "enable_thinking": True}, (True, True), "{}"),
        ({"stream": None, "enable_thinking": None}, (None, None), '{"stream":null}'),
        ({"stream": "yes", "enable_thinking": "no"}, (None, None), '{"stream":"yes","enable_thinking":"no"}'),
        ({"user": {"id": 1}}, (False, None), '{"user":{"id":1}}'),
        ({"user": "session"}, (False, None), "{}"),
    ],
)
def test_flags_keep_their_type_and_odd_values_stay_in_params(read_request, sent, recorded, params):
    body = json.dumps({"model": "m", "messages": [], **sent}, separators=(",", ":")).encode()
    record = read_request(body)
    assert ((record["stream"], record["enable_thinking"]), record["params"]) == (recorded, params)


@pytest.mark.parametrize("tools", [[], None, "absent"])
def test_a_chat_without_tools_counts_none(read_request, tools):
    record = read_request({"messages": []} if tools == "absent" else {"messages": [], "tools": tools})
    assert record["tools_count"] == 0
    assert record["tools_sha256"] == (hashlib.sha256(b"[]").hexdigest() if tools == [] else None)


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[1, 2]", b'"text"', b"\xff\xfe\x00", b'{"messages":' + b"[" * 50_000]
)
def test_what_is_no_json_gives_a_record_all_the_same(read_request, body):
    record = read_request(body)
    assert record["request_sha256"] == hashlib.sha256(body).hexdigest()
    assert (record["request_bytes"], record["model"]) == (len(body), "kimi")
    assert [record[name] for name in ("message_count", "tools_count", "user_question", "params", "stream")] == [
        None
    ] * 5


def test_a_lone_surrogate_becomes_a_replacement_character(read_request):
    record = read_request(b'{"messages": [{"role": "user", "content": "cut \\ud83d"}], "stop": "\\ud83d"}')
    assert record["user_question"] == "cut \ufffd"
    assert json.loads(record["params"]) == {"stop": "\ud83d"}


def test_a_capture_that_was_cut_says_so(read_request):
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "abc" * 50}]}).encode()[:80]
    record = read_request(body, total_bytes=5000)
    assert record["user_question"].startswith("abcabc")
    assert (record["request_sha256"], record["request_bytes"]) == (None, 5000)
    assert record["truncated"] == ["user_question", "user_message_this_turn", "tool_results_this_turn", "params"]


def test_a_body_that_was_left_out_gives_a_record(read_request):
    record = read_request(b"", total_bytes=5000)
    assert (record["request_sha256"], record["user_question"]) == (None, None)


def test_responses_and_messages_fill_the_same_fields(read_request):
    by_responses = read_request(
        {"model": "m", "input": "How many?", "instructions": "Be brief.", "max_output_tokens": 5, "stream": True},
        endpoint="/v1/responses",
    )
    by_messages = read_request(
        {
            "model": "m",
            "system": "Be brief.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "How many?"}]}],
            "max_output_tokens": 5,
            "stream": True,
        },
        endpoint="/v1/messages",
    )
    for name in (
        "message_count",
        "user_question",
        "user_message_this_turn",
        "system_sha256",
        "params",
        "stream",
        "tools_count",
    ):
        assert by_responses[name] == by_messages[name], name
    assert by_responses["user_question"] == "How many?"


def test_an_embedding_gets_the_common_fields(read_request):
    record = read_request({"model": "m", "input": ["text"] * 3, "dimensions": 8}, endpoint="/v1/embeddings")
    assert (record["message_count"], record["tools_count"], record["user_question"]) == (None, None, None)
    assert record["params"] == '{"dimensions":8}'


def test_a_form_gets_sizes_and_media_types_and_never_its_bytes(read_request):
    body = (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
        b'--b\r\nContent-Disposition: form-data; name="stream"\r\n\r\ntrue\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
        + SOUND
        + b"\r\n--b--\r\n"
    )
    record = read_request(body, endpoint="/v1/audio/transcriptions", content_type="multipart/form-data; boundary=b")
    assert json.loads(record["params"]) == {
        "file": {"omitted": "audio/wav", "bytes": len(SOUND), "sha256": hashlib.sha256(SOUND).hexdigest()}
    }
    assert (record["stream"], record["request_bytes"]) == (True, len(body))
    assert read_request(body, content_type="multipart/form-data; boundary=b", content_logged=False)["params"] is None


def test_a_picture_among_the_parameters_is_left_out(read_request):
    picture = base64.b64encode(PICTURE * 4).decode()
    record = read_request({"model": "m", "prompt": "a cat", "image": picture, "n": 1}, endpoint="/v1/images/edits")
    assert json.loads(record["params"])["image"] == {
        "omitted": "application/octet-stream",
        "bytes": len(PICTURE) * 4,
        "sha256": hashlib.sha256(PICTURE * 4).hexdigest(),
    }
    assert record["params"].count(picture[:50]) == 0


def test_long_parameters_without_pictures_stay_as_they_came(read_request):
    schema = {"type": "object", "description": "d" * 2000}
    body = json.dumps({"messages": [], "response_format": schema}).encode()
    assert read_request(body)["params"] == '{"response_format":' + json.dumps(schema) + "}"


def test_caps_and_what_was_cut(read_request):
    body = {
        "messages": [
            {"role": "user", "content": "q" * 30},
            {"role": "assistant", "content": "a"},
            {"role": "tool", "tool_call_id": "t", "content": "r" * 30},
            {"role": "tool", "tool_call_id": "u", "content": "short"},
        ]
    }
    record = read_request(body, context={"user_question_max": 10, "tool_result_max": 20})
    assert record["user_question"] == record["user_message_this_turn"] == "q" * 10
    assert [result["content"] for result in record["tool_results_this_turn"]] == ["r" * 20, "short"]
    assert record["truncated"] == ["user_question", "user_message_this_turn", "tool_results_this_turn"]
    assert read_request(body, context={"user_question_max": 0, "tool_result_max": 0})["truncated"] == []


def test_a_secret_at_the_cap_is_not_cut_in_two(read_request):
    for length in range(1, len(SECRET) + 12):
        body = {"messages": [{"role": "user", "content": f"x y {SECRET} z"}]}
        question = read_request(body, context={"user_question_max": length, "secrets": (SECRET,)})["user_question"]
        assert "sk-" not in question
        assert len(question) <= length


def test_secrets_are_scrubbed_from_every_field(read_request):
    body = json.dumps(
        {
            "model": "m",
            "messages": [
                {"role": "user", "content": f"use {SECRET}"},
                {"role": "assistant", "content": None},
                {"role": "tool", "tool_call_id": SECRET, "content": f'{{"api_key": "{SECRET}"}}'},
            ],
            "metadata": {"note": SECRET},
        }
    ).encode()
    fields = ("origin", "client", "session_id", "client_request_id")
    for mode in ("summary", "full"):
        record = read_request(
            body,
            endpoint=f"/v1/chat/completions?key={SECRET}",
            context={"secrets": (SECRET,), "capture_mode": mode},
            **dict.fromkeys(fields, f"a {SECRET}"),
        )
        assert SECRET not in json.dumps(record)
        assert [record[name] for name in fields] == ["a [REDACTED]"] * 4


def test_without_content_only_counts_sizes_and_hashes_stay(read_request):
    body = json.dumps(CHAT).encode()
    kept = read_request(body, content_logged=False, context={"capture_mode": "full"})
    whole = read_request(body)
    gone = {"user_question", "user_message_this_turn", "tool_results_this_turn", "params"}
    assert {name for name in whole if kept[name] != whole[name]} == gone | {"content_logged"}
    assert [kept[name] for name in sorted(gone)] == [None] * 4
    assert "messages" not in kept


def test_without_content_no_prompt_and_no_tools_are_recorded(request_frame):
    built = build_request(request_frame(CHAT, content_logged=False), Context(capture_mode="full"))
    assert built.dedup == ()


def test_full_mode_keeps_the_conversation(request_frame):
    built = build_request(request_frame(CHAT), Context(capture_mode="full"))
    record = json.loads(encode(built.record))
    assert list(record)[13:15] == ["tool_results_this_turn", "messages"]
    assert record["messages"][0] == {
        "role": "system",
        "system_sha256": record["system_sha256"],
        "content_len": 9,
        "_dedup": True,
    }
    assert record["messages"][1:] == CHAT["messages"][1:]
    assert [dedup_key(shared) for shared in built.dedup] == [
        f"system_prompt:{record['system_sha256']}",
        f"tools:{record['tools_sha256']}",
    ]


def test_what_is_known_is_not_built_again(request_frame):
    context = Context(capture_mode="full")
    known = {dedup_key(shared) for shared in build_request(request_frame(CHAT), context).dedup}
    again = build_request(request_frame(CHAT), context, known)
    assert (len(known), again.dedup) == (2, ())
    assert again.record.messages is not None


def test_summary_mode_has_no_messages_and_no_shared_records(request_frame, read_request):
    assert build_request(request_frame(CHAT), Context()).dedup == ()
    assert "messages" not in read_request(CHAT)


@pytest.mark.parametrize("body", [b"no json", b'{"input": ["a"]}'])
def test_full_mode_without_a_conversation(read_request, body):
    assert read_request(body, endpoint="/v1/embeddings", context={"capture_mode": "full"})["messages"] is None


def test_parts_with_pictures_sound_and_files_keep_their_shape_only(read_request):
    picture, sound = (base64.b64encode(data).decode() for data in (PICTURE, SOUND))
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{sound}"}},
    ]
    record = read_request({"messages": [{"role": "user", "content": parts}]}, context={"capture_mode": "full"})
    as_picture = {"omitted": "image/png", "bytes": len(PICTURE), "sha256": hashlib.sha256(PICTURE).hexdigest()}
    as_sound = {"bytes": len(SOUND), "sha256": hashlib.sha256(SOUND).hexdigest()}
    assert record["messages"][0]["content"] == [
        parts[0],
        {"type": "image_url", "image_url": {"url": as_picture, "detail": "low"}},
        parts[2],
        {"type": "input_audio", "input_audio": {"data": {"omitted": "audio/wav", **as_sound}, "format": "wav"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": as_picture}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": {"omitted": "application/pdf", **as_sound}}},
    ]
    assert record["user_question"] == "What is this?"


def test_a_text_that_begins_like_a_data_url_is_kept_as_it_was_said(read_request):
    pasted = 'data: {"choices":[],"usage":null}'
    record = read_request({"messages": [{"role": "user", "content": pasted}]}, context={"capture_mode": "full"})
    assert record["messages"] == [{"role": "user", "content": pasted}]


def test_nothing_is_said_to_be_cut_of_what_is_not_logged(read_request):
    body = json.dumps(CHAT).encode()
    record = read_request(body[:-20], total_bytes=len(body), content_logged=False)
    assert (record["truncated"], record["request_sha256"]) == ([], None)


def test_params_nested_deeper_than_they_can_be_searched_are_kept_as_they_came(read_request):
    deep = "[" * 900 + '"sk-planted0123456789"' + "]" * 900
    record = read_request(f'{{"model": "m", "seed": 7, "deep": {deep}}}'.encode())
    assert record["params"] == f'{{"seed":7,"deep":{deep}}}'.replace("sk-planted0123456789", "[REDACTED]")
