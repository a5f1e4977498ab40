"""Paths and the shapes that they speak."""

import pytest

from open_llm_proxy.answers.api import api_of


@pytest.mark.parametrize(
    ("endpoint", "api"),
    [
        ("/v1/chat/completions", "chat"),
        ("/chat", "chat"),
        ("/v1/chat/completions/", "chat"),
        ("/v1/completions", "completions"),
        ("/v1/responses", "responses"),
        ("/v1/messages", "messages"),
        ("/v1/messages?beta=true", "messages"),
        ("/v1/messages/count_tokens", "other"),
        ("/v1/embeddings", "other"),
        ("/v1/audio/transcriptions", "other"),
        ("/v1/images/generations", "other"),
        ("/v1/chats", "other"),
    ],
)
def test_the_api_of_a_path(endpoint, api):
    assert api_of(endpoint) == api
