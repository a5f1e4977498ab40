"""The rules for free text: what goes, what stays, what it costs."""

import json

import pytest

from open_llm_proxy.records.secret_text import fold, has_candidates, redact

SIGNATURE = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("api_key=abc12345", "api_key=[REDACTED]"),
        ("API-Key: ABCdefgh.", "API-Key: [REDACTED]."),
        ("password: 'two words' ok", "password: '[REDACTED]' ok"),
        ('"secret" : "a"', '"secret" : "[REDACTED]"'),
        ("{'api_key': 'abc', 'x': 1}", "{'api_key': '[REDACTED]', 'x': 1}"),
        ('env["S3_SECRET"] = "abc"', 'env["S3_SECRET"] = "[REDACTED]"'),
        ("x := `1`\napi_key := `abc`", "x := `1`\napi_key := `[REDACTED]`"),
        ('password = f"abc"', 'password = f"[REDACTED]"'),
        ("TOKEN => 'abc'", "TOKEN => '[REDACTED]'"),
        ("export AWS_SECRET_ACCESS_KEY=wJal/rXU+x==\nnext", "export AWS_SECRET_ACCESS_KEY=[REDACTED]\nnext"),
        ("https://h/?token=abc12345&user=bob", "https://h/?token=[REDACTED]&user=bob"),
        ("{token: abc12345, user: bob}", "{token: [REDACTED], user: bob}"),
        (r"first\npassword=abc12345\nlast", r"first\npassword=[REDACTED]\nlast"),
        (r"{\"token\": \"a\\\"b\", \"n\": 1}", r"{\"token\": \"[REDACTED]\", \"n\": 1}"),
        (r'{"token": "ends in a backslash\\", "n": 1}', r'{"token": "[REDACTED]", "n": 1}'),
        ('"token": "cut in the mid', '"token": "[REDACTED]'),
        (
            "(TYPE S3, KEY_ID 'a', SECRET 'b''c', REGION 'x')",
            "(TYPE S3, KEY_ID '[REDACTED]', SECRET '[REDACTED]', REGION 'x')",
        ),
        ("key_id  'a'", "key_id  '[REDACTED]'"),
        ("Authorization: Bearer abc", "Authorization: Bearer [REDACTED]"),
        ('headers = {\\"Authorization\\": \\"bearer abc\\"}', 'headers = {\\"Authorization\\": \\"[REDACTED]\\"}'),
        ("-H 'authorization:basic abc'", "-H 'authorization:basic [REDACTED]'"),
        ("Authorization: token ghp_abc12345", "Authorization: token [REDACTED]"),
        ("use Bearer abc.def-1 now", "use Bearer [REDACTED] now"),
        ("Basic dXNlcjpwYXNz", "Basic [REDACTED]"),
        ("key sk-proj-abc123, then", "key [REDACTED], then"),
        ("AKIAIOSFODNN7EXAMPLE", "[REDACTED]"),
        (f"https://b/k?X-Amz-Signature={SIGNATURE}&x=1", "https://b/k?X-Amz-Signature=[REDACTED]&x=1"),
        ("https://b/k?sv=1&sig=AbC%2Fdef0123456789x%3D&se=2", "https://b/k?sv=1&sig=[REDACTED]&se=2"),
        (r"{\"token\"\n: \t\"a\"}", r"{\"token\"\n: \t\"[REDACTED]\"}"),  # laid out over lines, in a string
        ("x%3Ftoken%3Dabc12345", "x%3Ftoken%3D[REDACTED]"),
        ("a\r\ntoken=abc12345\r\nb", "a\r\ntoken=[REDACTED]\r\nb"),
        ("say Basic dXNlcjpwcHBwcHA", "say Basic [REDACTED]"),
        ("my sk-ABCdefGHI", "my [REDACTED]"),
        ("Bearer sk-abc123456, AKIAABCDEFGH", "Bearer [REDACTED], [REDACTED]"),
        ("Authorization: ApiKey Ghp_abc12345", "Authorization: ApiKey [REDACTED]"),
        ('password = F"abc"', 'password = F"[REDACTED]"'),
        ("sig=0123456789abcdefsig=0123456789 sig=0123456789abcdef", "sig=[REDACTED] sig=[REDACTED]"),
        ("token='abc''def'", "token='[REDACTED]''def'"),  # twice is once in SQL alone
        ("SECRET 'b''', REGION 'x'", "SECRET '[REDACTED]', REGION 'x'"),
        ("token=abcd-efg", "token=[REDACTED]"),
        ("session_token 'abc'", "session_token '[REDACTED]'"),
        ("token=abcd123X", "token=[REDACTED]"),
        ("token=abc1234)", "token=[REDACTED])"),  # eight with what ends the sentence
        ("token=[REDACTED]abc", "token=[REDACTED]"),
        ("token=[REDACTED]abc.", "token=[REDACTED]."),
        ("Authorization: token 12345678", "Authorization: token [REDACTED]"),
        (f"authorization:{' ' * 26}bearer abc", f"authorization:{' ' * 26}bearer [REDACTED]"),
        ("Bearer abc123.", "Bearer [REDACTED]."),
        ("Bearer abc.defghi", "Bearer [REDACTED]"),
        ("Basic abcd+efgh", "Basic [REDACTED]"),
        ("say Basic dXNlcjpwYXM", "say Basic [REDACTED]"),  # without its padding
        ("Bearer <your-token> or Bearer abc12345", "Bearer <your-token> or Bearer [REDACTED]"),
        ("forbearer abc12345, Bearer abc12345", "forbearer abc12345, Bearer [REDACTED]"),
        ("bearer abcdefghijklmnopqrst", "bearer [REDACTED]"),
        ("bearer aBcdefghijklmnop", "bearer [REDACTED]"),
        ("sk-abcdefghijklmnop", "[REDACTED]"),
        ("sig=0123456789abcdef", "sig=[REDACTED]"),
    ],
)
def test_what_goes(text, left):
    assert has_candidates(text)
    assert redact(text) == left
    assert redact(left) == left


@pytest.mark.parametrize(
    "text",
    [
        "secret: we agreed to meet",
        "the password is required",
        "password: required",
        "password=abc&user=bob",  # shorter than eight, without quotes
        "max_tokens=1000 and token count: 12345678",
        '{"token": 12345678, "secret": true, "password": null, "api_key": [12345678]}',
        '{"token": 1.2345E+10, "secret": 1.2345e-10, "password": -12345678}',
        "secretary: Johnson1234567",
        "monkey: banana12345",
        "Basic research, basic JavaScript, Basic e-commerce",
        "a bearer of bad news, Bearer tokens are sent",
        "authorization by bearer then",
        "Authorization: Bearer <your-token>",
        "sk-learn-contrib, risk-averse, disk-usage-1234567",
        "inspect.signature(func), sig=0.000000000000123",
        "KEY_ID and SECRET are options; CREATE SECRET my (TYPE S3)",
        "It's a secret: 'tis the season",
        "secret:\n  name: value-of-it",
        "token: [REDACTED], password='[REDACTED]'",
        "token=[REDACTED].",
        "token=abc1234",
        "token=ABCDEFGHIJ",
        "the token:",
        "sk-learn-contrib-extra",
        "mytoken=abc12345",
        'token: "',
        r"token:\nabc12345",
        "password: the abcdef12",
        "Bearer abc12 is short, Bearer Xylophones are sold",
        "we like Basic e-commerce",
        "Authorization: Bearer ...",
        f"authorization:{' ' * 27}bearer abc",
        "bearer abcdefghijklmnopqrs, bearer aBcdefghijklmno, bearer Internationalize",
        "sk-abcdefghijklmno, sk-abcdefgh_ijklmnop",
        "mysig=0123456789abcdef, sig=0123456789abcde, sig=abcdefghijklmnop",
    ],
)
def test_what_stays(text):
    assert redact(text) == text


@pytest.mark.parametrize("character", ".,;:!?)]}>")
def test_what_ends_a_sentence_is_no_part_of_the_secret(character):
    assert redact(f"token=abc12345{character}") == f"token=[REDACTED]{character}"


NAMED = (
    *("s3_key", "s3-key", "access_key_id", "access-key-id", "secret", "secret_access_key", "secret-access-key"),
    *(
        "aws_access",
        "aws-access",
        "api_key",
        "api-key",
        "apikey",
        "password",
        "passwd",
        "token",
        "authorization",
        "bearer",
    ),
    *("x_amz_signature", "x-amz-credential", "x_goog_signature", "x-goog-credential"),
)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("before", ["", "my_", r"\n", r"\u000a", "%20", "?"])
def test_each_name_in_free_text(name, before):
    assert has_candidates(f"{before}{name}=abc12345")
    assert redact(f"{before}{name}=abc12345 x") == f"{before}{name}=[REDACTED] x"
    assert redact(f"{before}{name.upper()}: abc12345") == f"{before}{name.upper()}: [REDACTED]"


@pytest.mark.parametrize(
    "text",
    [
        "the token budget",
        "a secret, a password",
        "basics, a bearer",
        "sk-1, AKIA, signature",
        "authorization",
        "aws s3",
        "",
    ],
)
def test_words_alone_lead_nowhere(text):
    assert not has_candidates(text)


@pytest.mark.parametrize("depth", range(8))
def test_quotes_at_any_depth(depth):
    text, left = ('{"api_key": "a\\"b\\\\", "n": 1}', '{"api_key": "[REDACTED]", "n": 1}')
    for _ in range(depth):
        text, left = json.dumps(text), json.dumps(left)
    assert redact(text) == left


def test_a_scheme_inside_a_value_is_not_taken_for_its_end():
    assert "abc12345678" not in redact("password=x,Bearer abc12345678")


def test_folding_keeps_each_character_in_its_place():
    assert fold("\u0130 TOKEN") == "i token"
    assert fold("\u212aEY") == "key"
    assert redact("\u0130 token=abc12345 \u0130") == "\u0130 token=[REDACTED] \u0130"


@pytest.mark.parametrize(
    "piece",
    [
        "secret=",
        "token: '",
        'token: "',
        "token: \\'",
        "password \n",
        "\\",
        '\\"',
        "bearer ",
        "sk-",
        "sig=",
        "sig=a1",
        "bearer+",
        "Basic+a",
        "authorization: a ",
        '"token":[',
        "token=[REDACTED].",
        "password%3d",
        "aws_access_",
        "secret '",
        "&",
        "AKIA",
        "token: `\\",
    ],
)
def test_hostile_text_takes_linear_time(piece):
    """Quadratic time would be hours: the suite's time limit is the assertion beside the value's."""
    size = 400_000 // len(piece)
    assert isinstance(redact("token=" + piece * size), str)


def test_quotes_of_ever_other_depth_take_linear_time():
    text = "".join("token: " + "\\" * depth + "'" for depth in range(1200, 0, -1))
    assert isinstance(redact(text), str)
