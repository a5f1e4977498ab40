import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.config.keys import cache_salts, client_keys, named_keys, provider_keys
from open_llm_proxy.config.reader import Reader
from open_llm_proxy.config.schema import Config


def reader_of(environ, tmp_path):
    return Reader(environ, cwd=tmp_path, below={}, below_path="")


def pairs(text):
    return [(key.name, key.key) for key in named_keys(text)]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        (" , ,", []),
        ("k1", [("extra-1", "k1")]),
        ("k1,k2", [("extra-1", "k1"), ("extra-2", "k2")]),
        ("alice=k1", [("alice", "k1")]),
        ("alice=k1,k2,bob=k3,k4", [("alice", "k1"), ("extra-2", "k2"), ("bob", "k3"), ("extra-4", "k4")]),
        (" k1 , alice = k2 ,\n k3 ", [("extra-1", "k1"), ("alice", "k2"), ("extra-3", "k3")]),
        ("k1,,k2", [("extra-1", "k1"), ("extra-2", "k2")]),
        ("YWJj==", [("extra-1", "YWJj==")]),
        ("YWJj=", [("extra-1", "YWJj=")]),
        ("YWI=,YQ==", [("extra-1", "YWI="), ("extra-2", "YQ==")]),
        ("alice=YWJj==", [("alice", "YWJj==")]),
        ("alice==k", [("alice", "=k")]),
        ("a.b-c_9=k", [("a.b-c_9", "k")]),
        ("sk/x=y", [("extra-1", "sk/x=y")]),
        ("a b=k", [("extra-1", "a b=k")]),
        ("=k", [("extra-1", "=k")]),
        ("é=k", [("extra-1", "é=k")]),
        ("alice=k=1", [("alice", "k=1")]),
        ("alice= = ", [("extra-1", "alice= =")]),
    ],
)
def test_extra_keys(text, keys):
    assert pairs(text) == keys


PLAIN = st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True)
PADDED = st.from_regex(r"[A-Za-z0-9+/]{1,8}={0,2}", fullmatch=True)
SPACE = st.sampled_from(["", " ", "\n", "\t "])


@given(st.lists(st.tuples(st.none() | PLAIN, PADDED, SPACE, SPACE)))
def test_what_was_put_in_comes_out(entries):
    text = ",".join(f"{before}{f'{name}=' if name else ''}{key}{after}" for name, key, before, after in entries)
    assert pairs(text) == [(name or f"extra-{number}", key) for number, (name, key, _, _) in enumerate(entries, 1)]


@given(st.text())
def test_any_text_gives_keys_of_its_own_characters(text):
    keys = named_keys(text)
    assert len(keys) <= text.count(",") + 1
    for key in keys:
        assert key.name
        assert key.key.strip("=") or "=" in key.key
        assert key.key in text
        assert key.key == key.key.strip()
        assert "," not in key.key


@given(PADDED, st.lists(PADDED, max_size=3))
def test_naming_an_entry_leaves_the_others_names_as_they_are(first, rest):
    plain = pairs(",".join([first, *rest]))
    named = pairs(",".join([f"alice={first}", *rest]))
    assert named == [("alice", first), *plain[1:]]


def test_the_client_keys(tmp_path):
    reader = reader_of({"PROXY_KEY": " p ", "PROXY_KEYS_EXTRA": "alice=k1,k2"}, tmp_path)
    keys, warnings = client_keys(reader)
    assert [(key.name, key.key) for key in keys] == [("default", "p"), ("alice", "k1"), ("extra-2", "k2")]
    assert (warnings, reader.problems) == ([], [])


def test_no_key_is_said(tmp_path):
    assert client_keys(reader_of({}, tmp_path)) == (
        (),
        ["no client key is configured, so every call is refused (500); set PROXY_KEY"],
    )
    assert client_keys(reader_of({"PROXY_KEYS_EXTRA": "a"}, tmp_path))[1] == []


def test_a_fallback_counts_only_without_a_proxy_key(tmp_path):
    assert client_keys(reader_of({}, tmp_path), fallback="f")[0][0].key == "f"
    assert client_keys(reader_of({"PROXY_KEY": "p"}, tmp_path), fallback="f")[0][0].key == "p"


def test_the_same_key_twice_is_said_without_showing_it(tmp_path):
    keys, warnings = client_keys(reader_of({"PROXY_KEY": "same", "PROXY_KEYS_EXTRA": "alice=same,b,b"}, tmp_path))
    assert [key.name for key in keys] == ["default", "extra-2"]
    assert warnings == [
        "PROXY_KEYS_EXTRA: alice is the same key as default; records say default",
        "PROXY_KEYS_EXTRA: extra-3 is the same key as extra-2; records say extra-2",
    ]


def test_one_name_may_have_two_keys_while_they_rotate(tmp_path):
    keys, warnings = client_keys(reader_of({"PROXY_KEYS_EXTRA": "alice=old,alice=new"}, tmp_path))
    assert [(key.name, key.key) for key in keys] == [("alice", "old"), ("alice", "new")]
    assert warnings == []


def test_wrong_extra_keys_are_named_and_not_shown(tmp_path):
    reader = reader_of({"PROXY_KEYS_EXTRA": "default=a,bob=ü,x\ny"}, tmp_path)
    client_keys(reader)
    assert [str(problem) for problem in reader.problems] == [
        "PROXY_KEYS_EXTRA (default): the name belongs to PROXY_KEY; choose another",
        "PROXY_KEYS_EXTRA (bob): holds what is not ASCII (character 1); keys are printable ASCII",
        "PROXY_KEYS_EXTRA (extra-3): holds a line break (character 2); keys are printable ASCII",
    ]


def config(**rows):
    rows = {name: {"endpoint": "https://x.example/v1/chat/completions", **row} for name, row in rows.items()}
    return msgspec.convert({"providers": rows}, Config)


def test_provider_keys_and_the_variables_that_are_missing(tmp_path):
    made = config(a={"api_key_env": "A_KEY"}, b={"api_key_env": "B_KEY"}, c={}, d={"api_key_env": "A_KEY"})
    keys, warnings = provider_keys(made, reader_of({"A_KEY": "k"}, tmp_path))
    assert keys == {"a": "k", "d": "k"}
    assert warnings == ["no key for b (B_KEY is not set): calls that go there are refused (500)"]
    assert provider_keys(config(c={}), reader_of({}, tmp_path)) == ({}, [])


def test_cache_salts(tmp_path):
    environ = {"CACHE_SALT": "s", "OTHER": "o"}
    assert cache_salts(config(nrp={}, a={}), reader_of(environ, tmp_path)) == ({"nrp": "s"}, [])
    assert cache_salts(config(nrp={"cache_salt_env": "OTHER"}), reader_of(environ, tmp_path)) == ({"nrp": "o"}, [])
    assert cache_salts(config(nrp={}), reader_of({}, tmp_path)) == ({}, [])
    salts, warnings = cache_salts(config(a={"cache_salt_env": "GONE"}), reader_of(environ, tmp_path))
    assert salts == {}
    assert warnings == ["no cache salt for a (GONE is not set): none is sent"]


def test_a_salt_can_come_from_a_file(tmp_path):
    (tmp_path / "salt").write_text("held\n")
    assert cache_salts(config(nrp={}), reader_of({"CACHE_SALT_FILE": "salt"}, tmp_path))[0] == {"nrp": "held"}
