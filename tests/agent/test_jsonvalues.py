import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.agent.jsonvalues import as_list, as_object, as_text, compact, whole


@pytest.mark.parametrize("value", [None, 1, True, "a", [1], {"a": 1}])
def test_another_type_reads_as_an_empty_value(value):
    assert as_object(value) == (value if isinstance(value, dict) else {})
    assert as_list(value) == (value if isinstance(value, list) else [])
    assert as_text(value) == (value if isinstance(value, str) else "")


def test_compact_json_is_what_the_client_sends():
    assert compact({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'


def test_half_an_emoji_becomes_a_mark_and_two_halves_one_emoji():
    assert whole({"a\ud83d": ["\ud83d", "\ud83d\ude00", "ü", 1, None]}) == {"a\ufffd": ["\ufffd", "😀", "ü", 1, None]}


ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT | st.lists(ANY_TEXT))
def test_what_is_whole_can_be_written(value):
    assert whole(whole(value)) == whole(value)
    compact(whole(value)).encode()
