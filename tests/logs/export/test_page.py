from open_llm_proxy.logs.export.page import render_page


def test_a_page_loads_and_runs_nothing():
    page = render_page("<b>", "", "<p>x</p>")
    assert "<title>&lt;b&gt;</title>" in page
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
