import json

import msgspec
import pytest

from open_llm_proxy.config.schema import Provider
from open_llm_proxy.proxy.edits import Edits
from open_llm_proxy.proxy.request import read_body


@pytest.fixture
def edit():
    """Edit ``body`` (a value or bytes) as a provider with ``settings`` would: what goes upstream, the edits' names.

    What went untouched is shown to be the same object; what did not, to hold the same members where none was edited.
    """

    def run(settings, body, *, model="m", chat=True, salt=None):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        row = msgspec.convert({"endpoint": "https://p.example/v1/chat/completions", **settings}, Provider)
        edits = Edits(row, salt)
        parsed = read_body(raw)
        sent, names = edits.apply(parsed, model, chat=chat)
        assert (sent is raw) == (names == ())
        if chat and names:
            assert edits.concern(parsed.values), "a quick call would have missed these edits"
        return (json.loads(sent) if not isinstance(body, bytes) else sent), names

    return run
