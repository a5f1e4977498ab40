from open_llm_proxy.logs.feed import read_lines, silent


def test_records_of_a_chunk_file():
    assert read_lines(b'{"a":1}\n\n{"b":2}\n') == [{"a": 1}, {"b": 2}]


def test_what_is_torn_or_no_object_is_left_out():
    assert read_lines(b'{"a":1}\n[1]\n{"b":') == [{"a": 1}]
    assert read_lines(b"") == []


def test_nothing_is_said():
    assert silent("x") is None
