from open_llm_proxy.logs.bucket import Bucket
from open_llm_proxy.logs.chunk_feed import ChunkFeed
from open_llm_proxy.logs.feed import silent
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.spool_feed import SpoolFeed
from open_llm_proxy.logs.spools import context_of_environment, feeds_of, find_spools
from open_llm_proxy.logs.tier_feed import TierFeed
from open_llm_proxy.records.build import Context
from open_llm_proxy.spool.directory import frames_root, outbox_root
from open_llm_proxy.store.connect import StoreOptions


def test_the_flag_then_the_variable_then_this_users(tmp_path):
    state = {"XDG_STATE_HOME": str(tmp_path)}
    for port in ("9000", "8002"):
        frames_root(tmp_path / "open-llm-proxy" / port).mkdir(parents=True)
    (tmp_path / "open-llm-proxy" / "other").mkdir()
    assert find_spools("a", {"SPOOL_DIR": "/b"}, everywhere=True)[0].name == "a"
    assert [str(path) for path in find_spools(None, {"SPOOL_DIR": "/b"}, everywhere=False)] == ["/b"]
    assert [path.name for path in find_spools(None, state, everywhere=True)] == ["8002", "9000"]
    assert find_spools(None, state, everywhere=False) == []


def test_records_are_made_as_the_proxys_environment_says(tmp_path):
    environ = {"PROXY_KEY": "sk-the-key-of-tests", "LOG_CONTENT_MAX": "7"}
    made = context_of_environment(environ, tmp_path)
    assert (made.content_max, "sk-the-key-of-tests" in made.secrets) == (7, True)


def test_where_the_proxy_would_not_start_they_are_made_by_default(tmp_path):
    assert context_of_environment({"LOG_CONTENT_MAX": "many"}, tmp_path) == Context()


def test_feeds_stand_in_the_order_in_which_records_move(tmp_path):
    outbox_root(tmp_path / "spool").mkdir(parents=True)
    sources = [Folder(tmp_path / "logs"), Bucket("s3://logs", StoreOptions())]
    made = feeds_of(sources, [tmp_path / "spool", tmp_path / "none"], Context(), oldest="2026-11-18", say=silent)
    assert [type(feed) for feed in made] == [SpoolFeed, ChunkFeed, SpoolFeed, ChunkFeed, TierFeed, ChunkFeed, TierFeed]
