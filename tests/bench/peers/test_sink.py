import http.client
from pathlib import Path

from bench.peers import sink


def test_requests_are_split_wherever_they_are_cut():
    data = b"PUT /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPUT /b HTTP/1.1\r\ncontent-length:1\r\n\r\nx"
    assert sink.split_requests(data) == ([b"abc", b"x"], b"")
    assert sink.split_requests(data[:-1]) == ([b"abc"], b"PUT /b HTTP/1.1\r\ncontent-length:1\r\n\r\n")
    assert sink.split_requests(data[:10]) == ([], data[:10])


def test_a_store_takes_objects_and_notes_their_calls(tmp_path: Path):
    call_id = "6cace057-c97d-4da1-9a7a-701af5f6c156"
    with sink.run_sink(tmp_path) as store:
        assert store.read_ids() == []
        connection = http.client.HTTPConnection("127.0.0.1", store.port, timeout=10)
        for _ in range(2):
            connection.request("PUT", "/logs/a", f'{{"litellm_call_id": "{call_id}"}}')
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
        connection.close()
        assert store.read_ids() == [call_id, call_id]
