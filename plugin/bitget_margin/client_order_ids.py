"""Client order ids of a freqtrade bot: make them, parse them, and tell the bot's own from others.

Each begins with the key of the bot. freqtrade gives every bot the same name, so the key is random and stored in the
bot's own database.
"""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from typing import Final

KEY_LENGTH: Final = 8
_ALPHABET: Final = string.ascii_lowercase + string.digits
_LADDER_LENGTH: Final = 8
_EXIT_LENGTH: Final = 16
_KEY: Final = r"(?P<key>[a-z0-9]{8})"
_RUNG: Final = re.compile(_KEY + r"-(?P<trade>\d+)-[0-9a-f]{8}-(?P<number>\d+)")
_ENTRY_OR_EXIT: Final = re.compile(_KEY + r"-o[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class BotOrder:
    """A parsed client order id; `trade` and `rung` (counted from 1) are None for freqtrade's entries and exits."""

    key: str
    trade: int | None = None
    rung: int | None = None

    def __str__(self) -> str:
        """Return the text that tables show."""
        if self.trade is None or self.rung is None:
            return f"{self.key}, entry or exit"
        return f"{self.key}, trade {self.trade}, rung {self.rung}"


def new_key() -> str:
    """Return the key of a new bot."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_LENGTH))


def new_order_id(key: str) -> str:
    """Return a new client order id for an entry or exit of freqtrade."""
    return f"{key}-o{secrets.token_hex(8)}"


def exit_order_id(key: str, trade_id: int, opened_ms: int, number: int) -> str:
    """Return the client order id of an exit, which follows from its trade and number: it is found without a record."""
    digest = hashlib.sha256(f"exit {trade_id} {opened_ms} {number}".encode()).hexdigest()[:_EXIT_LENGTH]
    return f"{key}-o{digest}"


def stop_order_id(key: str, trade_id: int, opened_ms: int, number: int) -> str:
    """Return the client order id of a stop that waits at the venue; it is found without a record, where it is kept."""
    digest = hashlib.sha256(f"stop {trade_id} {opened_ms} {number}".encode()).hexdigest()[:_EXIT_LENGTH]
    return f"{key}-p{digest}"


def rung_order_id(key: str, trade_id: int, opened_ms: int, ladder: str, number: int) -> str:
    """Return the client order id of a rung, which is always the same for the same ladder of the same trade."""
    digest = hashlib.sha256(f"{opened_ms} {ladder}".encode()).hexdigest()[:_LADDER_LENGTH]
    return f"{key}-{trade_id}-{digest}-{number}"


def is_ours(key: str, client_order_id: object) -> bool:
    """Whether the bot with this key placed the order with this client order id."""
    return isinstance(client_order_id, str) and client_order_id.startswith(f"{key}-")


def parse(client_order_id: str | None) -> BotOrder | None:
    """Parse a client order id; None where it has not the form of a bot's."""
    if client_order_id is None:
        return None
    rung = _RUNG.fullmatch(client_order_id)
    if rung is not None:
        return BotOrder(rung["key"], int(rung["trade"]), int(rung["number"]) + 1)
    entry_or_exit = _ENTRY_OR_EXIT.fullmatch(client_order_id)
    return None if entry_or_exit is None else BotOrder(entry_or_exit["key"])
