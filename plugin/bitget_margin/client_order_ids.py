"""Client order ids that say whose an order is: this bot's key first, then what the order is for.

freqtrade calls every bot "freqtrade", so the key is random and lives in the bot's own database.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from typing import Final

KEY_LENGTH: Final = 8
_ALPHABET: Final = string.ascii_lowercase + string.digits
_LADDER_LENGTH: Final = 8


def new_key() -> str:
    """Return the key of a new bot."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def own(key: str) -> str:
    """Return the client order id of one of freqtrade's own orders."""
    return f"{key}-o{secrets.token_hex(8)}"


def rung(key: str, trade_id: int, opened_ms: int, ladder: str, number: int) -> str:
    """Return the client order id of a resting order: the same for the same ladder of the same trade, always."""
    digest = hashlib.sha256(f"{opened_ms} {ladder}".encode()).hexdigest()[:_LADDER_LENGTH]
    return f"{key}-{trade_id}-{digest}-{number}"


def is_ours(key: str, client_id: object) -> bool:
    """Whether an order with this client order id was placed by the bot with this key."""
    return isinstance(client_id, str) and client_id.startswith(f"{key}-")


_KEY: Final = r"(?P<key>[a-z0-9]{8})"
_RUNG: Final = re.compile(_KEY + r"-(?P<trade>\d+)-[0-9a-f]{8}-(?P<number>\d+)")
_OWN: Final = re.compile(_KEY + r"-o[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Bot:
    """A freqtrade bot of ours as the author of an order; `trade` and `rung` are None for its entries and exits."""

    key: str
    trade: int | None = None
    rung: int | None = None

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.trade is None or self.rung is None:
            return f"{self.key}, entry or exit"
        return f"{self.key}, trade {self.trade}, rung {self.rung}"


def bot(client_order_id: str | None) -> Bot | None:
    """Return the bot whose form a client order id has; None for everybody else's."""
    if client_order_id is None:
        return None
    rung = _RUNG.fullmatch(client_order_id)
    if rung is not None:
        return Bot(rung["key"], int(rung["trade"]), int(rung["number"]) + 1)
    own = _OWN.fullmatch(client_order_id)
    return None if own is None else Bot(own["key"])
