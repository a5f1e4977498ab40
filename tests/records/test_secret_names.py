"""Which keys hold secrets."""

import pytest

from open_llm_proxy.records.secret_names import NAMES, is_secret_name


def test_the_names():
    assert set(NAMES) == {
        *("s3_key", "s3_secret", "access_key_id", "secret_access_key", "aws_secret", "aws_access", "api_key", "apikey"),
        *("secret", "password", "passwd", "token", "auth_token", "authorization", "bearer"),
        *("x_amz_signature", "x_amz_credential", "x_goog_signature", "x_goog_credential"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_each_name_in_each_spelling(name):
    for spelt in (name, name.upper(), name.replace("_", "-"), f"my_{name}", f"X-{name}", f"aws.x_{name}"):
        assert is_secret_name(spelt)


@pytest.mark.parametrize(
    "key",
    [
        "max_tokens",
        "tokens",
        "completion_tokens",
        "token_type",
        "secretary",
        "mytoken",
        "key",
        "password_hint",
        "keys",
        "",
        "bearers",
    ],
)
def test_others_stay(key):
    assert not is_secret_name(key)
