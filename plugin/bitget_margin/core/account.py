"""The two kinds of account, each with endpoints of its own."""

from __future__ import annotations

from enum import Enum


class AccountKind(Enum):
    """Which endpoints an account may use: those of the other kind are refused, with a code that says so."""

    CLASSIC = "classic"
    UNIFIED = "unified"
