"""What a unified account is and has."""

from __future__ import annotations

from .call import PrivateCall
from .rows import Row


def account_settings(call: PrivateCall) -> Row:
    """Return how the account is set up."""
    return {
        "uid": call.account.uid,
        "accountMode": "unified",
        "assetMode": "multi_assets",
        "holdMode": "one_way_mode",
        "stpMode": "none",
        "symbolConfigList": [],
        "coinConfigList": [],
    }
