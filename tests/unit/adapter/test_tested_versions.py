"""Promise: a version outside of the tested range is one warning, and one within is none."""

import logging

import pytest

from bitget_margin.adapter import tested_versions
from bitget_margin.adapter.tested_versions import CCXT, FREQTRADE, warn_if_untested


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("4.5.60", None),
        ("4.5.90", None),
        ("4.5.61.1", None),
        ("4.5.91", "is newer than 4.5.90"),
        ("4.5.100", "is newer than 4.5.90"),
        ("4.6", "is newer than 4.5.90"),
        ("4.5.59", "is older than 4.5.60"),
        ("4.5.9", "is older than 4.5.60"),
        ("4.5.90-dev", "is not one of the releases"),
        ("", "is not one of the releases"),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, text: str | None) -> None:
    found = CCXT.difference(version)
    assert found is None if text is None else (found or "").startswith(text)


def test_the_warning_comes_once_with_what_was_compared(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tested_versions, "_warned", set())
    with caplog.at_level(logging.WARNING):
        warn_if_untested([(CCXT, CCXT.newest), (FREQTRADE, FREQTRADE.oldest)], 7)
        assert caplog.messages == []
        for _ in range(2):
            warn_if_untested([(CCXT, "4.5.91"), (FREQTRADE, "2026.10")], 7)
            warn_if_untested([(CCXT, "4.5.91")], 3)
    (text,) = caplog.messages
    assert text.startswith("ccxt 4.5.91 is newer than 4.5.90")
    assert "freqtrade 2026.10 is newer than 2026.9" in text
    assert "All 7 parts" in text
    assert text.endswith("pip install 'ccxt==4.5.90' and pip install 'freqtrade==2026.9'")
