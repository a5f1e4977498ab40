import json

import pytest

from open_llm_proxy.records.bounds import FREE_BYTES, MOST_VALUES, has_too_many_values, readable_part
from open_llm_proxy.records.build import Context, build_request
from open_llm_proxy.records.scrub import REDACTED, scrubber_of
from open_llm_proxy.spool.frame import Frame

QUESTION = b'{"model":"m","messages":[{"role":"user","content":"question"}],"seed":'


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1," * 100_000 + b"1]",
        json.dumps({"content": 'a,[{"' * (FREE_BYTES // 2)}).encode(),
        b'{"file":"' + b"A" * (2 * FREE_BYTES) + b'"}',
        b'{"never ended":"' + b"[" * (2 * FREE_BYTES),
    ],
    ids=["short", "text", "binary", "open"],
)
def test_what_makes_few_values_is_read_whole(body):
    assert readable_part(body) is body


def test_a_body_of_brackets_is_cut():
    body = b"[" + b'["]\\"[,{",[]],' * 400_000 + b"[]]"
    cut = readable_part(body)
    assert body.startswith(cut)
    assert len(cut) < len(body)
    assert len(json.loads(cut.rsplit(b"],", 1)[0] + b"]]")) == pytest.approx(MOST_VALUES / 4, abs=2)


def test_its_record_has_what_comes_before_and_says_that_it_is_cut(request_frame):
    body = QUESTION + b"[" + b"[]," * 1_000_000 + b"[]]}"
    header = request_frame(body).header
    record = build_request(Frame(header, readable_part(body)), Context()).record
    assert record.user_question == "question"
    assert record.request_sha256 is None
    assert record.request_bytes == len(body)
    assert "params" in record.truncated
    assert len(record.params) < 1_000_000


def test_a_text_of_brackets_is_scrubbed_as_free_text(monkeypatch):
    text = '{"api_key":"abc","values":[' + "[]," * 400_000 + '[]],"token":"def"}'
    assert has_too_many_values(text)
    monkeypatch.setattr("open_llm_proxy.records.scrub.parse", pytest.fail)
    cleaned = scrubber_of(()).text(text)
    assert cleaned == text.replace("abc", REDACTED).replace("def", REDACTED)
    assert not has_too_many_values(text[:FREE_BYTES])
    assert not has_too_many_values(" " * (2 * FREE_BYTES))
