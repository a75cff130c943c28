"""Level of a unified account, which decides whether it trades on margin.

A unified account is in one of several modes, which the venue calls levels: basic and isolated have no spot margin (the
support article 12560603884121 of May 2026; new sub-accounts start in basic). `accountLevel` of v3/account/settings has
been in answers since 2026; its page of December 2025 does not list it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from bitget_margin.core.order_row import text
from bitget_margin.core.responses import as_mapping

_STABLE_MODE: Final = "unified"
"""The account mode without a change in progress."""


class AccountLevel(StrEnum):
    """Level of a unified account, by the venue's name of it."""

    BASIC = "basic"
    ADVANCED = "advanced"
    ISOLATED = "isolated"
    DELTA = "delta"

    @property
    def has_margin(self) -> bool:
        """Whether accounts of this level trade on margin."""
        return self in {AccountLevel.ADVANCED, AccountLevel.DELTA}


def read_level(settings: object) -> AccountLevel | None:
    """Return the level that the settings of an account show; None if they show none that is known."""
    name = (text(as_mapping(settings).get("accountLevel")) or "").lower()
    return AccountLevel(name) if name in set(AccountLevel) else None


def describe_settings(settings: Mapping[str, Any]) -> str:
    """Return the kind and mode of a unified account for people, such as "a unified account in advanced mode"."""
    level, mode = text(settings.get("accountLevel")), text(settings.get("accountMode"))
    shown = "a unified account" if level is None else f"a unified account in {level} mode"
    return shown if mode in {None, _STABLE_MODE} else f"{shown} (account mode: {mode})"


def missing_margin(level: AccountLevel) -> str:
    """Return why an account of this level places no margin orders, and what to change."""
    return (
        f"the unified account is in {level.value} mode, which has no spot margin: switch it to advanced mode in the "
        "account settings of Bitget's website"
    )
