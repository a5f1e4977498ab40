from open_llm_proxy import __version__


def test_version(run):
    assert run("version") == (0, f"open-llm-proxy {__version__}\n", "")
