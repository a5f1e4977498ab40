import pytest

from open_llm_proxy.agent.jsonvalues import as_list, as_object, as_text, compact


@pytest.mark.parametrize("value", [None, 1, True, "a", [1], {"a": 1}])
def test_another_type_reads_as_an_empty_value(value):
    assert as_object(value) == (value if isinstance(value, dict) else {})
    assert as_list(value) == (value if isinstance(value, list) else [])
    assert as_text(value) == (value if isinstance(value, str) else "")


def test_compact_json_is_what_the_client_sends():
    assert compact({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'
