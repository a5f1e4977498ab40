def test_a_plain_call(rig, hex_id):
    answer, sent = rig.exchange()
    assert answer.status == 200
    assert answer.body == b'{"id":"a"}'
    assert sent.body == b'{"model":"m"}'
    assert hex_id.fullmatch(answer.header("x-llm-request-id"))
