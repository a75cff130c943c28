"""The level of a unified account decides whether it trades on margin; an unknown one decides nothing."""

from typing import Any

import pytest

from bitget_margin.core.account_level import AccountLevel, describe_settings, missing_margin, read_level


@pytest.mark.parametrize(
    ("shown", "level", "has_margin"),
    [
        ("basic", AccountLevel.BASIC, False),
        ("isolated", AccountLevel.ISOLATED, False),
        ("advanced", AccountLevel.ADVANCED, True),
        ("Delta", AccountLevel.DELTA, True),
    ],
)
def test_margin_is_traded_in_advanced_and_delta_mode_alone(shown: str, level: AccountLevel, has_margin: bool) -> None:
    assert read_level({"accountLevel": shown}) is level
    assert level.has_margin is has_margin


@pytest.mark.parametrize("shown", [None, "", "hybrid", 1, True, ["basic"]])
def test_a_level_that_is_not_known_is_none(shown: Any) -> None:
    assert read_level({"accountLevel": shown}) is None
    assert read_level({}) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"accountLevel": "advanced", "accountMode": "unified"}, "a unified account in advanced mode"),
        ({"accountLevel": "basic"}, "a unified account in basic mode"),
        ({}, "a unified account"),
        (
            {"accountLevel": "delta", "accountMode": "upgrading"},
            "a unified account in delta mode (account mode: upgrading)",
        ),
    ],
)
def test_kind_and_mode_are_named(settings: Any, words: str) -> None:
    assert describe_settings(settings) == words


def test_a_level_without_margin_is_refused_with_what_to_change() -> None:
    assert missing_margin(AccountLevel.BASIC).startswith("the unified account is in basic mode, which has no spot")
    assert "switch it to advanced mode" in missing_margin(AccountLevel.ISOLATED)
