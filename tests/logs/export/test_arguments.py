import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.logs.export.arguments import read_arguments


def test_sql_is_told_from_text():
    found = read_arguments('{"sql": "SELECT 1", "note": "select one", "limit": 3, "filters": {"a": [1]}}')
    assert [(one.name, one.language) for one in found] == [
        ("sql", "sql"),
        ("note", "text"),
        ("limit", "json"),
        ("filters", "json"),
    ]
    assert found[3].text == '{"a": [1]}'


@pytest.mark.parametrize(
    "sql", ["-- all\nWITH a AS (SELECT 1) FROM a", "(select 1 union select 2)", "  DESCRIBE parks"]
)
def test_forms_of_sql(sql):
    [one] = read_arguments(f'{{"sql_query": {sql!r}}}'.replace("'", '"'))
    assert one.language == "sql"


def test_what_is_no_object_stays_as_it_is():
    assert read_arguments("SELECT") == [("", "SELECT", "text")]
    assert read_arguments("[1, 2]") == [("", "[1, 2]", "json")]
    assert "\n" in read_arguments('{"x": {"long": "%s"}}' % ("y" * 90))[0].text


@given(st.text(max_size=40))
def test_nothing_is_raised(text):
    assert all(isinstance(one.text, str) for one in read_arguments(text))
