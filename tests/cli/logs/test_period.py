from datetime import UTC, datetime, timedelta

import pytest

from open_llm_proxy.cli.logs.period import window_of, window_or_default
from open_llm_proxy.errors import UserError


def test_what_is_named():
    window = window_of(None, "2026-04-07", "2026-04-08")
    assert window == (datetime(2026, 4, 7, tzinfo=UTC), datetime(2026, 4, 9, tzinfo=UTC))
    assert window_of(None, None, None) is None


def test_the_default_is_said(capfd):
    window = window_or_default(None, None, None)
    assert timedelta(days=6.9) < datetime.now(UTC) - window.start < timedelta(days=7.1)
    assert "the last 7 days" in capfd.readouterr().err
    window_or_default("1d", None, None)
    assert capfd.readouterr().err == ""


def test_mistakes():
    with pytest.raises(UserError):
        window_of("soon", None, None)
