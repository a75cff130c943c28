"""Fills of cross margin orders: those that a unified account pushes, and those that a classic one owes after a push.

A classic account has no channel with fills of margin orders. Where a pushed order has filled further than the fills
that are known of it, they are due, and are fetched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

from bitget_margin.adapter import watch
from bitget_margin.adapter.ccxt_types import MarginExchange
from bitget_margin.adapter.orders import market_of_symbol
from bitget_margin.adapter.pushed_orders import is_margin

_IDS_KEPT: Final = 10_000
"""Ids of returned fills that are remembered, so that none is returned twice."""
_REL_TOLERANCE: Final = 1e-9


def read_fills(exchange: MarginExchange, message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the trade structures of a unified account's push, or raise BadResponse; only those of margin."""
    pushed = [row for row in watch.rows_of(exchange, message) if is_margin(exchange, row)]
    trades = [exchange.parse_trade(row, market_of_symbol(exchange, row.get("symbol"))) for row in pushed]
    if any(trade["id"] is None or trade["symbol"] is None for trade in trades):
        raise ccxt.BadResponse(f"{exchange.id}: a pushed fill has no id or no symbol")
    return trades


@dataclass(slots=True)
class KnownFills:
    """Fills that calls have received, and orders of a classic account whose fills are due."""

    versions: dict[str, int] = field(default_factory=dict)
    """Number of additions by symbol: a call that waits sees that another one has added fills."""
    _ids: dict[str, None] = field(default_factory=dict)
    _since_ms: dict[str, int] = field(default_factory=dict)
    """Time from which a symbol is watched on a classic account, by the venue's clock: earlier fills are not new."""
    _due: dict[str, dict[str, float]] = field(default_factory=dict)
    """Pushed filled amount of orders with missing fills, by symbol and order id."""
    _found: dict[str, float] = field(default_factory=dict)
    """Sum of the fetched fills by order id."""

    def begin(self, symbol: str, now_ms: int) -> None:
        """Watch the fills of a symbol of a classic account from now on."""
        self._since_ms.setdefault(symbol, now_ms)

    def record_order(self, order: Mapping[str, Any]) -> None:
        """Record a pushed order of a classic account: its fills are due if it has filled further."""
        symbol, filled = order["symbol"], order["filled"] or 0.0
        if symbol in self._since_ms and filled > self._found.get(order["id"], 0.0) * (1 + _REL_TOLERANCE):
            self._due.setdefault(symbol, {})[order["id"]] = filled

    def due(self, symbol: str) -> tuple[str, ...]:
        """Return the ids of the orders of a symbol with missing fills."""
        return tuple(self._due.get(symbol, ()))

    def record_fetched(self, symbol: str, order_id: str, trades: Iterable[Mapping[str, Any]]) -> list[Any]:
        """Record all fills of an order; return the new ones, oldest first."""
        listed = sorted(trades, key=lambda trade: (trade["timestamp"], trade["id"]))
        total = sum(trade["amount"] for trade in listed)
        _remember(self._found, order_id, total)
        if total * (1 + _REL_TOLERANCE) >= self._due.get(symbol, {}).get(order_id, 0.0):
            self._due.get(symbol, {}).pop(order_id, None)
        return self.new([trade for trade in listed if trade["timestamp"] >= self._since_ms[symbol]])

    def new(self, trades: Iterable[Any]) -> list[Any]:
        """Return the fills that were not received before, and remember them."""
        fresh = []
        for trade in trades:
            if trade["id"] not in self._ids:
                _remember(self._ids, trade["id"], None)
                fresh.append(trade)
        for symbol in {trade["symbol"] for trade in fresh}:
            self.versions[symbol] = self.versions.get(symbol, 0) + 1
        return fresh


def _remember(known: dict[str, Any], key: str, value: object) -> None:
    known[key] = value
    if len(known) > _IDS_KEPT:
        del known[next(iter(known))]
