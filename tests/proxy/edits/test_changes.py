from open_llm_proxy.proxy.edits.changes import Changes


def test_the_last_word_on_a_key_counts():
    changes = Changes()
    changes.set("a", {"b": [1, None, "é"]})
    assert changes.sets == {"a": '{"b":[1,null,"é"]}'.encode()}
    changes.drop("a")
    assert (changes.sets, changes.drops) == ({}, {"a"})
    changes.set("a", 1)
    assert (changes.sets, changes.drops) == ({"a": b"1"}, set())


def test_a_change_alone_names_no_edit():
    changes = Changes()
    changes.drop("a")
    assert changes.names == []
