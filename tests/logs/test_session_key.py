import hashlib

from open_llm_proxy.logs.session_key import session_key_of


def test_the_sessions_own_id():
    assert session_key_of({"session_id": "s", "origin": "o"}) == "s"


def test_a_key_of_origin_and_question():
    made = f"anon:{hashlib.md5(b'https://geo.example.org|q', usedforsecurity=False).hexdigest()}"
    assert session_key_of({"session_id": None, "origin": "https://geo.example.org", "user_question": "q"}) == made
    assert session_key_of({}) == f"anon:{hashlib.md5(b'|', usedforsecurity=False).hexdigest()}"
