import json

from bench.bodies import make_answer, make_stream
from bench.peers import texts


def test_the_text_of_an_answer_is_the_same_however_its_json_is_written():
    body = make_answer(922).body
    again = json.dumps(json.loads(body), indent=2).encode()
    assert texts.read_plain(again) == texts.read_plain(body) != ""


def test_the_text_of_a_stream_is_put_together():
    body = make_stream(4, 200).body
    text = texts.read_stream(body)
    assert [f"w{number}" in text for number in range(4)] == [True, True, True, False]
    halved = body.replace(b"w1", b"w7")
    assert texts.read_stream(halved) != text


def test_events_without_choices_say_nothing():
    assert texts.read_stream(b'data: {"choices": []}\n\ndata: {"usage": 1}\n\ndata: [DONE]\n\n') == ""
