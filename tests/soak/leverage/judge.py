"""Compare the books of a bot with the venue: while it trades, and once all is closed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from bitget_margin.client_order_ids import parse
from bitget_margin.emulator import Order, Symbol
from support.bot import symbol_of

NOTIONAL_SHARE: Final = 2e-6
"""Share of what a trade has bought and sold by which its books may differ: freqtrade's own convention of fees."""
LOOK_USDT: Final = 0.01
"""Most that the balance of freqtrade may differ from the worth of the account."""


@dataclass(frozen=True, slots=True)
class Books:
    """What freqtrade has: the balances that it shows, and its rows."""

    balances: Mapping[str, float]
    trades: Sequence[Mapping[str, Any]]
    besides: Mapping[int, float]
    """Coins that were on the account before an open trade, by its number."""

    def worth(self, prices: Mapping[str, float]) -> float:
        """Return the worth of the account: the balances, and the unrealized profit of the open trades.

        freqtrade does not list coins of the base of an open trade.

        :param prices: by base coin
        """
        worth = sum(amount * (1.0 if coin == "USDT" else prices[coin]) for coin, amount in self.balances.items())
        for trade in self.trades:
            if trade["is_open"]:
                price = prices[trade["base_currency"]]
                worth += self.besides.get(trade["id"], 0.0) * price
                if trade["has_entered"]:
                    profit = (price - trade["open_rate"]) * trade["amount"]
                    worth += -profit if trade["is_short"] else profit
        return worth

    def text(self) -> str:
        """Return it as text, with what matters of the open trades."""
        names = ("id", "pair", "is_short", "leverage", "amount", "open_rate", "stake_amount", "has_entered")
        trades = [{name: trade[name] for name in names} for trade in self.trades if trade["is_open"]]
        return f"balances {self.balances}, open {trades}, besides {self.besides}"


def allowed(trade: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], symbols: Mapping[str, Symbol]) -> float:
    """Return the difference that a closed trade may have: freqtrade's convention of fees, and a lot."""
    symbol = symbols[symbol_of(trade["pair"])]
    entered = [row for row in rows if row["ft_trade_id"] == trade["id"] and row["ft_order_side"] == _entry_side(trade)]
    notional = sum((row["filled"] or 0.0) * (row["average"] or row["price"] or 0.0) for row in entered)
    lot = float(Decimal(1).scaleb(-symbol.quantity_precision) * symbol.start_price)
    return NOTIONAL_SHARE * notional + lot


def order_findings(
    orders: Sequence[Order], rows: Sequence[Mapping[str, Any]], trades: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield what is wrong with the orders at the end: doubles, live ones, and those that are not once in the rows."""
    for name, count in Counter(order.client_oid for order in orders).items():
        if count > 1:
            yield f"{count} orders have the name {name}"
    booked = Counter(row["order_id"] for row in rows if row["filled"])
    by_id = {trade["id"]: trade for trade in trades}
    for order in orders:
        what = f"{order.side.value} {order.symbol} {order.order_id} ({order.client_oid})"
        if order.live:
            yield f"{what} is live"
        if booked[order.order_id] != bool(order.filled):
            yield f"{what} has traded {order.filled}, and is in {booked[order.order_id]} rows"
    theirs = {order.order_id: order for order in orders}
    for row in rows:
        order = theirs.get(row["order_id"])
        if not row["filled"] or order is None:
            continue
        is_cover = by_id[row["ft_trade_id"]]["is_short"] and row["ft_order_side"] == "buy"
        filled = float(order.filled)
        # A cover is sent larger by its fee, and by interest.
        if not (filled * 0.978 <= row["filled"] <= filled if is_cover else row["filled"] == filled):
            yield f"order {order.order_id} has traded {filled}, and its row has {row['filled']}"


def is_rung(order: Order) -> bool:
    """Return whether an order is of a ladder."""
    parsed = parse(order.client_oid)
    return parsed is not None and parsed.rung is not None


def _entry_side(trade: Mapping[str, Any]) -> str:
    return "sell" if trade["is_short"] else "buy"
