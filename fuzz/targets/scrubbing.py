"""Any text, any JSON: scrubbing raises nothing, twice is once, and a key that is known never survives."""

import json

from open_llm_proxy.records.scrub import Scrubber

SECRET = 'sk-planted/0123=é"x'
SCRUBBER = Scrubber((SECRET, "plain-key-0123456789"))


def check(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    once = SCRUBBER.text(text)
    assert SCRUBBER.text(once) == once
    cut = len(text) // 2
    planted = f"{text[:cut]} plain-key-0123456789 {text[cut:]}"
    assert "plain-key-0123456789" not in SCRUBBER.text(planted)
    nested = json.dumps({"a": json.dumps({"b": f"{text[:200]} {SECRET}"})})
    assert "planted/0123" not in SCRUBBER.text(nested)
    try:
        value = json.loads(text, parse_constant=str)  # NaN is not itself
    except (ValueError, RecursionError):
        return
    try:
        clean = SCRUBBER.value(value)
    except RecursionError:
        return
    assert SCRUBBER.value(clean) == clean
