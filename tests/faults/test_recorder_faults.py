"""A recorder that stands still holds nothing up; its memory is bounded, whatever waits for it."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from tests.parts.faulty_store import run_faulty_store
from tests.parts.load import more_answers, run_load
from tests.parts.processes import wait_until
from tests.parts.proxy import provider
from tests.parts.reckoning import reckon
from tests.parts.service import run_service

from open_llm_proxy.spool.frame import RequestHeader, ResponseHeader
from open_llm_proxy.spool.writer import SpoolWriter
from open_llm_proxy.telemetry.scoreboard import SLOT_COUNTERS

pytestmark = pytest.mark.slow

MOST_MEMORY_KB = 200_000
BACKLOG_CALLS = 3000
PROMPT_BYTES = 100_000
IDENTITY = ("/v1/chat/completions", "p", "m", "default")
RECORDER = """
import sys, threading
from pathlib import Path
from open_llm_proxy.config.snapshot import LogSettings, StoreSettings
from open_llm_proxy.recorder.recorder import Recorder
from open_llm_proxy.recorder.settings import RecorderSettings
from open_llm_proxy.telemetry.scoreboard import Scoreboard

spool, mode, endpoint = sys.argv[1:]
store = StoreSettings(url="s3://logs", s3_endpoint=endpoint, access_key_id="key", secret_access_key="secret")
settings = RecorderSettings(spool=Path(spool), log=LogSettings(capture_mode=mode), store=store)
stop = threading.Event()
stop.set()
board, _ = Scoreboard.create(1)
if not Recorder(settings, board).run(stop, grace_s=300):
    sys.exit("not all was shipped")
print(Path("/proc/self/status").read_text(), file=sys.stderr)
"""


def test_calls_go_on_while_the_recorder_stands_still(upstream, s3_server, tmp_path):
    bucket = s3_server.bucket()
    with run_service(tmp_path, provider(upstream.endpoint), env=bucket.environment()) as service:
        service.start()
        with run_load(service.port, clients=3) as load:
            wait_until(more_answers(load, 10), "answers")
            (recorder,) = service.children("recorder")
            os.kill(recorder, signal.SIGSTOP)
            wait_until(more_answers(load, 300), "answers while the recorder stands still")
            records = service.logging()["records"]
            os.kill(recorder, signal.SIGCONT)
        assert records["lost"] == 0
        assert records["spooled"] >= 600
        wait_until(service.is_settled, "everything in the store")
        assert service.stop() == 0
        assert service.children("recorder") == []
    assert load.broken == 0
    assert reckon(load.whole, bucket.records()) == {"None": len(load.whole)}


# --- memory --------------------------------------------------------------------------------------------------------------


def fill_spool(spool, bodies, calls):
    """A backlog of calls with these request bodies, in turn."""
    answer = json.dumps({"choices": [{"message": {"content": "word " * 180}, "finish_reason": "stop"}]}).encode()
    writer = SpoolWriter(
        spool,
        worker=1,
        host="host",
        version="1",
        segment_bytes=64 << 20,
        spool_bytes=1 << 40,
        flush_interval_s=300,
        counters=memoryview(bytearray(SLOT_COUNTERS * 8)).cast("Q"),
        open_calls=list,
        on_problem=pytest.fail,
    )
    for number in range(calls):
        body, at_ns, request_id = bodies[number % len(bodies)], time.time_ns(), f"{number:032x}"
        writer.append(RequestHeader(request_id, at_ns, *IDENTITY, total_bytes=len(body)), (body,), len(body))
        fields = {"status": 200, "provider_status": 200, "content_type": "application/json"}
        response = ResponseHeader(request_id, at_ns, *IDENTITY, total_bytes=len(answer), **fields)
        writer.append(response, (answer,), len(answer))
        writer.commit()
    writer.close()


def conversation(size):
    """A body of about so many bytes: a system prompt, questions, tool calls, results, some of them with secrets."""
    text = " ".join(f"word{number}" for number in range(size // 60))
    turn = [
        {"role": "user", "content": text[: size // 20]},
        {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "q", "arguments": '{"api_key":"abc"}'}}]},
        {"role": "tool", "tool_call_id": "a", "content": f"password=Hunter22 {text[: size // 10]}"},
    ]
    messages = [{"role": "system", "content": text[: size // 10]}] + turn * 6
    return json.dumps({"model": "m", "messages": messages, "temperature": 0.5}).encode()


def work_off(spool, mode, store):
    """Let a recorder of its own ship the backlog; the most memory that it had, in KB."""
    endpoint = store.environment()["AWS_S3_ENDPOINT_URL"]
    command = [sys.executable, "-c", RECORDER, str(spool), mode, endpoint]
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    return int(done.stderr.partition("VmHWM:")[2].split()[0])


BODIES = {
    "prompts": [conversation(PROMPT_BYTES)],
    "long text": [json.dumps({"messages": [{"role": "user", "content": "a long text, " * 1_200_000}]}).encode()],
    "brackets": [b'{"model":"m","messages":[],"seed":[' + b"[]," * 5_000_000 + b"[]]}"],
    "messages": [b'{"messages":[' + b'{"role":"user","content":"a"},' * 500_000 + b"{}]}"],
    "brackets in text": [
        json.dumps(
            {"messages": [{"role": "user", "content": '{"api_key":"abc","x":[' + "[]," * 5_000_000 + "[]]}"}]}
        ).encode()
    ],
}


@pytest.mark.slow
@pytest.mark.timeout(500)
@pytest.mark.parametrize("mode", ["summary", "full"])
@pytest.mark.parametrize("kind", BODIES)
def test_memory_is_bounded_whatever_waits(kind, mode, tmp_path):
    with run_faulty_store() as store:
        store.forgets = True
        calls = BACKLOG_CALLS if kind == "prompts" else 4
        fill_spool(tmp_path / "spool", BODIES[kind], calls)
        assert work_off(tmp_path / "spool", mode, store) < MOST_MEMORY_KB
        assert store.lines >= calls
