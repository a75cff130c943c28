"""Promise: a version outside of the tested range is one warning, and one within is none."""

import logging

import pytest

from bitget_margin.adapter import tested_versions
from bitget_margin.adapter.tested_versions import TestedPackage, warn_if_untested


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
    found = TestedPackage("ccxt", "4.5.60", "4.5.90").difference(version)
    assert found is None if text is None else (found or "").startswith(text)


def test_the_warning_comes_once_with_what_was_compared(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tested_versions, "_warned", set())
    one, two = TestedPackage("one", "1.0", "1.9"), TestedPackage("two", "2026.6", "2026.9")
    with caplog.at_level(logging.WARNING):
        warn_if_untested([(one, "1.9"), (two, "2026.6")], 7)
        assert caplog.messages == []
        for _ in range(2):
            warn_if_untested([(one, "1.10"), (two, "2026.10")], 7)
            warn_if_untested([(one, "1.10")], 3)
    (text,) = caplog.messages
    assert text.startswith("one 1.10 is newer than 1.9, the newest with which the tests have run; two 2026.10 is newer")
    assert "All 7 parts" in text
    assert text.endswith("pip install 'one==1.9' and pip install 'two==2026.9'")
