"""Client order ids that say whose an order is: this bot's key first, then what the order is for.

freqtrade calls every bot "freqtrade", so the key is random and lives in the bot's own database.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from typing import Final

from bitget_margin.freqtrade.rung import TradeKey

KEY_LENGTH: Final = 8
_ALPHABET: Final = string.ascii_lowercase + string.digits
_LADDER_LENGTH: Final = 8


def new_key() -> str:
    """Return the key of a new bot."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def own(key: str) -> str:
    """Return the client order id of one of freqtrade's own orders."""
    return f"{key}-o{secrets.token_hex(8)}"


def rung(key: str, trade: TradeKey, ladder: str, number: int) -> str:
    """Return the client order id of a resting order: the same for the same ladder of the same trade, always."""
    digest = hashlib.sha256(f"{trade.opened_ms} {ladder}".encode()).hexdigest()[:_LADDER_LENGTH]
    return f"{key}-{trade.id}-{digest}-{number}"


def is_ours(key: str, client_id: object) -> bool:
    """Whether an order with this client order id was placed by the bot with this key."""
    return isinstance(client_id, str) and client_id.startswith(f"{key}-")
