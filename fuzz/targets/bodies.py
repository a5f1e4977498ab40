"""A request's body: read or refused; edited, only the edited keys change, and every other byte stays."""

import contextlib
import json
from typing import Any

from open_llm_proxy.config.schema import Provider
from open_llm_proxy.proxy.edits import Edits
from open_llm_proxy.proxy.errors import Refusal
from open_llm_proxy.proxy.request import peek, read_body, read_model, read_multipart_model

EDITS = Edits(
    Provider(
        endpoint="http://127.0.0.1/v1/chat/completions",
        thinking_models={"m": "thinking"},
        no_sampling_params=("m",),
        drop_params=("user",),
        default_params={"seed": 7},
        drop_tool_choice_without_tools=True,
        stream_usage=True,
    ),
    "salt",
)
EDITED = {
    "chat_template_kwargs", "enable_thinking", "temperature", "top_p", "top_k", "user", "seed", "tool_choice",
    "stream_options", "cache_salt",
}  # fmt: skip


def check(data: bytes) -> None:
    _check_form(data)
    try:
        body = read_body(data)
        model = read_model(body)
    except Refusal:
        return
    quick = peek(data)
    if quick is not None:
        assert {key: bytes(value) for key, value in quick.items()} == {
            key: bytes(value) for key, value in body.values.items()
        }
    before: dict[str, Any] = _load(data)
    try:
        sent, names = EDITS.apply(body, model, chat=True)
    except Refusal:
        return
    after = _load(sent)
    assert set(before) - EDITED <= set(after)
    for key in set(before) - EDITED:
        assert repr(before[key]) == repr(after[key]), key
    if not names:
        assert sent is data
    if not EDITS.concern(body.values):
        assert not names


def _load(data: bytes) -> dict[str, Any]:
    return json.loads(data.decode("utf-8-sig"), parse_int=str, parse_float=str)


def _check_form(data: bytes) -> None:
    with contextlib.suppress(Refusal):
        read_multipart_model(data, b'multipart/form-data; boundary="x"')
