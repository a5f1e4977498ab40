"""The proxy's own keys, in every form in which a text can hold them."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from open_llm_proxy.records.known_secrets import KnownSecrets

ODD = 'pä"ss\\wo/rd+1'


def forms():
    yield ODD
    yield quote(ODD, safe="")
    yield quote(ODD, safe="").lower()
    for ascii_only in (True, False):
        text = ODD
        for _ in range(5):
            text = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
            yield text
    yield json.dumps(ODD)[1:-1].replace("/", "\\/")


@pytest.mark.parametrize(
    "key", ["a\nb\rc\td\be\ff", "it's/mine", 'two\\\\"quote', "clef-\U0001f511-1", "half-\ud83d-1", "\x01control"]
)
@pytest.mark.parametrize("depth", range(4))
def test_what_json_escapes_is_known_at_any_depth(key, depth):
    form = key
    for _ in range(depth):
        form = json.dumps(form)[1:-1]
    assert KnownSecrets([key]).redact(f"x{form}y") == "x[REDACTED]y"


def test_escapes_that_only_other_encoders_write():
    known = KnownSecrets(["it's/mi\nne"])
    for form in (r"it\'s\/mi\nne", r"it\\'s\\/mi\\nne", r"it's/mi\u000ane", r"it's/mi\u000Ane"):
        assert known.redact(f"x{form}y") == "x[REDACTED]y"


def test_a_text_without_its_longest_plain_part_holds_no_key():
    known = KnownSecrets(["zz-longest-b", "ABCDEFGH"])
    assert known.occur_in("a zz-longest-b")
    assert known.occur_in("ABCDEFGH")
    assert not known.occur_in("zz and b")
    assert not known.occur_in("abcdefgh")
    assert KnownSecrets(["//////////"]).occur_in("no letter or digit: every text may hold it")


def test_a_key_of_eight_goes_within_a_word_too_one_of_seven_does_not():
    assert KnownSecrets(["abcdefgh"]).redact("xabcdefghx") == "x[REDACTED]x"
    assert KnownSecrets(["abcdefg"]).redact("xabcdefgx abcdefg") == "xabcdefgx [REDACTED]"


@pytest.mark.parametrize("form", sorted(set(forms())))
def test_each_form_is_taken_out(form):
    known = KnownSecrets([ODD])
    assert known.occur_in(f"x{form}y")
    assert known.redact(f"x{form}y") == "x[REDACTED]y"


def test_a_key_that_holds_another_goes_whole():
    assert (
        KnownSecrets(["key-one-1", "key-one-1-more"]).redact("a key-one-1-more b key-one-1")
        == "a [REDACTED] b [REDACTED]"
    )


def test_of_many_keys_that_hold_each_other_the_longest_goes():
    keys = ["key-one-1" + "-more" * number for number in range(20)]
    assert KnownSecrets(keys).redact(f"a {keys[-1]} b {keys[7]} c") == "a [REDACTED] b [REDACTED] c"


def test_short_keys_go_as_whole_words_and_the_shortest_not_at_all():
    known = KnownSecrets(["test", "abc", ""])
    assert known.redact("test tests attest (test) abc") == "[REDACTED] tests attest ([REDACTED]) abc"


def test_a_key_that_is_part_of_the_mark_is_left_alone():
    assert KnownSecrets(["REDACTED"]).redact("[REDACTED]") == "[REDACTED]"


def test_without_keys_nothing_happens():
    known = KnownSecrets()
    assert (known.occur_in("x"), known.redact("x"), known.longest) == (False, "x", 0)


@given(
    st.text(min_size=8, max_size=20).filter(lambda key: key not in "[REDACTED]"),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_no_key_survives(key, before, after):
    assert key not in KnownSecrets([key]).redact(before + key + after)


def test_the_longest_form_counts_three_levels_of_json():
    assert KnownSecrets(["short-key", ODD]).longest == len(json.dumps(json.dumps(json.dumps(ODD))))


@pytest.mark.parametrize("key", ["\\" * 9, '"quoted"', "////////", "\u00e9\u00e9\u00e9\u00e9"])
def test_hostile_text_takes_linear_time(key):
    """Quadratic time would be hours: the suite's time limit is the assertion beside the value's."""
    known = KnownSecrets([key])
    for text in ("\\" * 300_000 + "x", '\\"' * 150_000, "\\u00e" * 60_000):
        assert isinstance(known.redact(text), str)
