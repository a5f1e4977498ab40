from datetime import UTC, datetime, timedelta

import pytest

from open_llm_proxy.errors import UserError
from open_llm_proxy.logs.folder import Folder
from open_llm_proxy.logs.show import find_conversation
from open_llm_proxy.logs.weave import weave
from open_llm_proxy.logs.window import ALL, Window

NOW = datetime(2026, 4, 8, 12, tzinfo=UTC)
REQUEST_NS = int(datetime(2026, 4, 7, 12, tzinfo=UTC).timestamp()) * 10**9


@pytest.fixture
def find(store_records, tmp_path):
    (tmp_path / "logs").mkdir()

    def find(wanted, window=None, now=NOW, unshipped=()):
        return find_conversation(wanted, [Folder(tmp_path / "logs")], window, now=now, unshipped=unshipped)

    return find


def texts(conversation):
    return [
        item.text
        for turn in conversation.turns
        for item in (*turn.sent, *turn.answer)
        if item.kind in {"user", "assistant"}
    ]


def test_by_the_sessions_id_or_its_beginning(find, store_records, tool_loop):
    store_records(tool_loop.records)
    assert texts(find("s-1")) == ["How many parks?", "There are 42.", "And lakes?", "There are 7."]
    assert find("s-") == find("s-1")
    assert find("s-1").wanted is None


def test_last_is_the_newest_session(find, store_records, tool_loop):
    tool_loop.identity["session_id"] = "s-2"
    tool_loop.ask("Newer?")
    store_records(tool_loop.records)
    assert find("last").session_id == "s-2"


def test_a_call_shows_its_conversation_and_is_marked(find, store_records, tool_loop):
    tool_loop.ask("Something else", count=1)
    tool_loop.answer("Else.")
    store_records(tool_loop.records)
    found = find(f"{2:032x}")
    assert found.wanted == f"{2:032x}"
    assert texts(found) == ["How many parks?", "There are 42.", "And lakes?", "There are 7."]
    assert found.usage.total == 45
    assert texts(find(f"{4:032x}")) == ["Something else", "Else."]


def test_by_what_the_provider_calls_it(find, store_records, scribe):
    scribe.ask("q")
    scribe.answer("a", completion_id="chatcmpl-7", upstream_request_id="req-9")
    store_records(scribe.records)
    assert find("chatcmpl-7").wanted == find("req-9").wanted == f"{1:032x}"


def test_a_beginning_that_several_have_is_an_error(find, store_records, tool_loop):
    store_records(tool_loop.records)
    with pytest.raises(UserError, match="may be") as caught:
        find("0000000000")
    assert caught.value.exit_code == 2


def test_sessions_that_begin_alike_are_an_error(find, store_records, scribe):
    for name in ("s-10", "s-11"):
        scribe.identity["session_id"] = name
        scribe.ask("q")
    store_records(scribe.records)
    with pytest.raises(UserError, match="s-10, s-11"):
        find("s-1")


def test_what_is_not_there_has_a_remedy(find, store_records, tool_loop):
    store_records(tool_loop.records)
    with pytest.raises(UserError, match=r"no session or call 'nope'.*last 7 days.*--since 30d") as caught:
        find("nope")
    assert caught.value.exit_code == 1
    with pytest.raises(UserError, match="in this window"):
        find("s-1", Window(NOW, None))


def test_an_empty_folder(find):
    with pytest.raises(UserError, match="There is no call in"):
        find("last")


def test_a_session_goes_on_over_midnight_and_out_of_the_window(find, store_records, tool_loop):
    tool_loop.day, tool_loop.number = "2026-04-08", 10
    tool_loop.ask("How many parks?", "And rivers?", count=9)
    tool_loop.answer("There are 3.")
    store_records(tool_loop.records)
    found = find("s-1", Window(datetime(2026, 4, 8, tzinfo=UTC), None))
    assert texts(found)[0] == "How many parks?"
    assert texts(found)[-1] == "There are 3."
    assert found.turns[-1].earlier_messages == 0


def test_an_answer_after_midnight_belongs_to_its_question(find, store_records, scribe):
    scribe.clock = "23:59:58"
    scribe.ask("q")
    scribe.answer("a", timestamp="2026-04-08T00:00:03.000000Z")
    store_records(scribe.records)
    assert texts(find("s-1", Window(datetime(2026, 4, 7, tzinfo=UTC), datetime(2026, 4, 8, tzinfo=UTC)))) == ["q", "a"]


def test_an_id_tells_when_it_was(find, store_records, scribe):
    scribe.ask("q", request_id=f"{REQUEST_NS:016x}{7:016x}")
    store_records(scribe.records)
    later = NOW + timedelta(days=300)
    assert texts(find(f"{REQUEST_NS:016x}", now=later)) == ["q"]
    with pytest.raises(UserError, match="no session or call 's-1'"):
        find("s-1", now=later)
    assert texts(find("s-1", ALL, now=later)) == ["q"]


def test_a_call_whose_request_is_not_there(find, store_records, scribe):
    scribe.answer("a", of="f" * 32)
    store_records(scribe.records)
    assert texts(find("f" * 32)) == ["a"]


def test_records_that_are_in_no_file_yet(find, store_records, tool_loop):
    stored, waiting = tool_loop.records[:4], tool_loop.records[4:]
    store_records(stored)
    assert len(texts(find("s-1", unshipped=waiting))) == 4
    assert find("last", unshipped=waiting).turns[-1].request_id == f"{3:032x}"


@pytest.mark.parametrize("name", ["last", "s-1", f"{3:032x}"])
def test_records_that_are_in_no_file_at_all(find, tool_loop, name):
    assert len(find(name, unshipped=tool_loop.records).turns) == 3


def test_the_system_prompt_of_full_mode(find, store_records, scribe):
    scribe.ask(
        "q",
        messages=[{"role": "system", "system_sha256": "5", "_dedup": True}, {"role": "user", "content": "q"}],
        system_sha256="5",
    )
    prompt = {
        "type": "system_prompt",
        "timestamp": "2026-04-07T11:00:00.000000Z",
        "origin": None,
        "system_sha256": "5",
        "content": "Be kind.",
    }
    store_records([prompt, *scribe.records])
    assert find("s-1").turns[0].sent[0].text == "Be kind."


class TestOlderRecords:
    """What the original wrote: ids of 8 digits, which come again, no session id, no ids of tool calls."""

    @pytest.fixture
    def older(self, store_records):
        for day, question in (("2026-03-02", "How many parks?"), ("2026-03-20", "Which lakes?")):
            common = {
                "request_id": "abcd1234",
                "provider": "nrp",
                "model": "qwen3",
                "origin": "https://geo.example.org",
            }
            request = {
                "timestamp": f"{day}T10:00:00.123456", "type": "request", **common, "message_count": 2, "tools_count": 1,
                "user_question": question,
            }  # fmt: skip
            response = {
                "timestamp": f"{day}T10:00:05.123456", "type": "response", **common, "latency_ms": 5000, "has_content": True,
                "has_tool_calls": True, "content_preview": "The ans", "error": None,
                "tool_calls": [{"function": {"name": "query", "arguments": '{"sql": "SELECT 1"}'}}],
                "tokens": {"prompt_tokens": 5, "completion_tokens": 6},
            }  # fmt: skip
            store_records([request, response], "10-00-05-39")

    def test_an_id_on_two_days_is_two_calls(self, find, older):
        with pytest.raises(UserError, match="abcd1234 of 2026-03-20 10:00:00, abcd1234 of 2026-03-02"):
            find("abcd1234", ALL)

    def test_the_window_chooses(self, find, older):
        found = find("abcd1234", Window(datetime(2026, 3, 15, tzinfo=UTC), None))
        assert texts(found) == ["Which lakes?", "The ans"]
        assert found.turns[0].answer[1].name == "query"
        assert found.session_key.startswith("anon:")

    def test_the_key_of_a_session_without_an_id(self, find, older):
        key = find("abcd1234", Window(None, datetime(2026, 3, 15, tzinfo=UTC))).session_key
        assert texts(find(key, ALL)) == ["How many parks?", "The ans"]
        assert texts(find(key[:12], ALL)) == ["How many parks?", "The ans"]


@pytest.mark.parametrize("tier", ["daily", "monthly", "bucket"])
def test_condensed_days_and_buckets_alike(request, tmp_path, tool_loop, tier):
    from tests.logs.archive import Archive

    tool_loop.day, tool_loop.number = "2026-04-08", 10
    tool_loop.ask("How many parks?", "And rivers?", count=9)
    tool_loop.answer("There are 3.")
    source = request.getfixturevalue("bucket") if tier == "bucket" else Folder(tmp_path / "logs")
    archive = Archive(source, tmp_path / "made")
    if tier == "monthly":
        archive.monthly(tool_loop.records, "2026-04")
    else:
        archive.daily(tool_loop.records, "2026-04-07")
        archive.raw([record for record in tool_loop.records if record["timestamp"] >= "2026-04-08"])
    found = find_conversation("last", [source], Window(datetime(2026, 4, 8, tzinfo=UTC), None), now=NOW)
    assert found == weave(tool_loop.records)
