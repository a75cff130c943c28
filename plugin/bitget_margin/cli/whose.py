"""Whose an order is, by its client order id: bots of ours write their key, the trade and the rung into it.

The form is that of `bitget_margin.freqtrade.client_ids`, which cannot be imported without freqtrade; a test holds the
two together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

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
