"""Evidence of one bot's run: prices and coins over time, and the orders and rows at the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bitget_margin.client_order_ids import parse
from bitget_margin.emulator import Order

FOREIGN_PREFIX = "by-hand-"
"""First part of the client order ids of orders that are not the bot's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Coins of one trade at the venue, at one moment.

    :param total: coins of the account without those of others
    :param held: coins that live rungs hold
    """

    at_ms: int
    total: Decimal
    held: Decimal


@dataclass(slots=True)
class Track:
    """One pair over time. Times are in ms since the epoch."""

    pair: str
    others: Decimal
    prices: list[tuple[int, Decimal]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Add a sample if the coins have changed."""
        if not self.samples or (self.samples[-1].total, self.samples[-1].held) != (sample.total, sample.held):
            self.samples.append(sample)


@dataclass(slots=True)
class Evidence:
    """All facts about one bot's run.

    :ivar orders: the venue's orders at the end
    :ivar trades: rows of freqtrade's table `trades`
    :ivar rows: rows of freqtrade's table `orders`
    :ivar borrowed: amounts by coin that orders have borrowed, also what is repaid
    :ivar loops: process and beginning of each loop, in ms since the epoch
    :ivar error: reason why the run does not count, empty if it does
    """

    ladders: bool
    tracks: list[Track] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    loops: list[tuple[int, int]] = field(default_factory=list)
    borrowed: Mapping[str, Decimal] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0
    settled_seconds: float = 0.0
    log: list[str] = field(default_factory=list)


def is_foreign(order: Order) -> bool:
    """Return whether an order is not the bot's."""
    return order.client_oid.startswith(FOREIGN_PREFIX)


def is_rung(order: Order) -> bool:
    """Return whether an order is a rung of a ladder."""
    parsed = parse(order.client_oid)
    return parsed is not None and parsed.rung is not None
