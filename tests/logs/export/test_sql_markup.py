import html
import re

from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.logs.export.sql_markup import mark_sql


def test_tokens():
    marked = mark_sql("SELECT \"a<b\", 'it''s', 12 -- <end>")
    assert marked == (
        '<span class="sql-word">SELECT</span> <span class="sql-name">&quot;a&lt;b&quot;</span>, '
        '<span class="sql-string">&#x27;it&#x27;&#x27;s&#x27;</span>, <span class="sql-number">12</span> '
        '<span class="sql-comment">-- &lt;end&gt;</span>'
    )


@given(st.text(alphabet="SELECT from'\"-/*<>& 12\n", max_size=60))
def test_the_text_is_kept_and_escaped(sql):
    plain = re.sub(r'<span class="sql-\w+">|</span>', "", mark_sql(sql))
    assert "<" not in plain
    assert html.unescape(plain) == sql
