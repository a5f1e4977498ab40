def test_the_salt_is_sent(edit):
    assert edit({}, b'{"model":"m"}', salt='s"1') == (b'{"model":"m","cache_salt":"s\\"1"}', ("cache_salt",))


def test_a_clients_own_stays(edit):
    for own in ("mine", None, ""):
        assert edit({}, {"cache_salt": own}, salt="s") == ({"cache_salt": own}, ())


def test_no_salt_no_edit(edit):
    assert edit({}, {"a": 1}, salt=None) == ({"a": 1}, ())
    assert edit({}, {"a": 1}, salt="") == ({"a": 1}, ())


def test_only_chat_completions_are_edited(edit):
    assert edit({}, {"a": 1}, salt="s", chat=False) == ({"a": 1}, ())
