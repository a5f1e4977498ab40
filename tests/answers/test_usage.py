"""Token counts under one set of names."""

import pytest

from open_llm_proxy.answers.usage import Tokens, normalise


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 3,
                "total_tokens": 12,
                "prompt_tokens_details": {"cached_tokens": 4},
            },
            Tokens(9, 3, 12, 4),
        ),
        ({"prompt_tokens": 9, "total_tokens": 9}, Tokens(9, None, 9, None)),  # embeddings
        (
            {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12, "input_tokens_details": {"cached_tokens": 0}},
            Tokens(9, 3, 12, 0),
        ),
        (
            {"input_tokens": 9, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 100, "output_tokens": 3},
            Tokens(114, 3, 117, 100),
        ),
        (None, Tokens()),
        ({"prompt_tokens": "many", "completion_tokens": True}, Tokens()),
        ({"prompt_tokens": 2.0}, Tokens(2, None, 2, None)),
        ({"prompt_tokens": float("inf"), "completion_tokens": float("nan")}, Tokens()),
        ({"prompt_tokens": 10**400}, Tokens(10**400, None, 10**400, None)),
    ],
)
def test_counts(usage, tokens):
    assert normalise(usage) == tokens
