"""Covers: the buys that close shorts, which are sent larger than what they cover.

The venue takes its fee in the coins that it sells to the bot, and interest is owed in coins: both are bought along. The
bot and freqtrade count the coins of the position.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import FreqtradeOrder, Trade
from bitget_margin.freqtrade.interest import InterestRates

MARKET: Final = "market"
"""freqtrade's order type of an order at market."""
_IMMEDIATE: Final = frozenset({"IOC", "FOK"})
_MOST: Final = 1.02
"""Largest share of a position that a cover buys before its fee: what else is owed of the coin is not the trade's."""
_ROUNDING: Final = 1e-9
_HOURS: Final = 24


class CoverRules(Protocol):
    """Rules of the pairs that covers need."""

    @property
    def markets(self) -> Mapping[str, Any]:
        """Markets as in ccxt, by pair."""

    def amount_to_precision(self, pair: str, amount: float) -> float:
        """Cut an amount to the precision of the venue."""

    def get_precision_amount(self, pair: str) -> float | None:
        """Return the lot of a pair, in base coins."""

    def get_fee(self, *, symbol: str, taker_or_maker: str) -> float:
        """Return the fee of a pair, as a fraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covers:
    """Amounts of covers."""

    rules: CoverRules
    rates: InterestRates

    def for_exit(self, pair: str, net: float, owed: float | None, *, is_taker: bool) -> float:
        """Return the amount to send for an exit of `net` coins of the open short on a pair.

        :param owed: coins that the trade owes, with interest, of an exit of all of it: as many are paid back, and the
            interest of the hour that may begin before the order fills; None otherwise
        """
        target = net
        if owed is not None:
            hour = 0.0 if is_taker else net * self.rates.rate(self.rules.markets[pair]["base"]) / _HOURS
            target = min(owed + hour, net * _MOST)
        return self.sent(pair, target, is_taker=is_taker)

    def sent(self, pair: str, net: float, *, is_taker: bool = False) -> float:
        """Return the least amount, in whole lots, that leaves `net` coins after the fee."""
        lot = self.rules.get_precision_amount(pair)
        wanted = net / (1 - self.fee(pair, is_taker=is_taker))
        if not lot:
            return wanted
        lots = math.ceil(wanted / lot * (1 - _ROUNDING))
        # Slightly more, so that a float just below a multiple of the lot is not cut to the one before.
        return float(self.rules.amount_to_precision(pair, (lots + 0.1) * lot))

    def fee(self, pair: str, *, is_taker: bool) -> float:
        """Return the share of the bought coins that the venue keeps: none where the account pays in another coin."""
        trade = trade_rows.open_trade(pair)
        paid_in = None if trade is None else trade.fee_open_currency
        if paid_in and paid_in != self.rules.markets[pair]["quote"]:
            return 0.0
        return float(self.rules.get_fee(symbol=pair, taker_or_maker="taker" if is_taker else "maker"))


def is_immediate(order: Mapping[str, Any]) -> bool:
    """Whether an order fills at once, or is canceled.

    :param order: the arguments of freqtrade's order
    """
    return order["ordertype"] == MARKET or str(order.get("time_in_force", "")).upper() in _IMMEDIATE


def fees_of_row(order: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return ccxt's fees of the row of an order; none where they cannot be read, or come later than its end."""
    fees = order.get("fees") or ()
    return fees if all(fee.get("currency") and fee.get("cost") for fee in fees) else ()


def fees_of(fills: Sequence[Mapping[str, Any]], filled: float) -> Sequence[Mapping[str, Any]] | None:
    """Return ccxt's fees of fills; None unless they are all fills of an order."""
    is_all = math.isclose(sum(fill["amount"] or 0.0 for fill in fills), filled, rel_tol=_ROUNDING)
    return [fee for fill in fills for fee in fill["fees"]] if is_all else None


def fee_in_quote(
    order: Mapping[str, Any],
    market: Mapping[str, Any],
    fees: Sequence[Mapping[str, Any]] | None,
    price_of: Callable[[str], float | None],
    usual: float,
) -> float:
    """Return the fee of an order in the quote coin of its pair.

    :param fees: ccxt's fees of it; None where they are not known, and it is the usual share of what it has bought
    :param price_of: returns the price of another coin in the quote coin
    """
    price = float(order.get("average") or order["price"])
    if fees is None:
        return float(order["filled"] * usual * price)
    worth = {market["base"]: price, market["quote"]: 1.0}
    return float(sum(fee["cost"] * (worth.get(fee["currency"]) or price_of(fee["currency"]) or 0.0) for fee in fees))


def is_cover(trade: Trade | None, row: FreqtradeOrder | None) -> bool:
    """Whether a row of freqtrade is that of an order that closes a short."""
    return trade is not None and row is not None and bool(trade.is_short) and row.ft_order_side == trade.exit_side


def net_of(row: FreqtradeOrder) -> float:
    """Return the coins of the position that a cover closes once it is full, by its row.

    freqtrade notes beside it what it wanted to close: an exit closes no more than is owed.
    """
    return row.amount or row.ft_amount or 0.0


@dataclass(frozen=True, slots=True)
class QuoteFee:
    """The fee of an order, valued in the quote coin."""

    coin: str
    cost: float


def in_position_coins(order: Mapping[str, Any], net: float, fee: QuoteFee | None = None) -> dict[str, Any]:
    """Return a cover as ccxt's structure in coins of the position.

    :param net: coins that the order covers once it is full
    :param fee: the fee of its fills
    """
    sent, filled = order.get("amount") or 0.0, order.get("filled")
    if sent <= 0 or net <= 0:
        return dict(order)
    is_full = filled is not None and filled >= sent * (1 - _ROUNDING)
    covered = None if filled is None else net if is_full else filled * net / sent
    price = order.get("average") or order.get("price")
    shown = {
        **order,
        "amount": net,
        "filled": covered,
        "remaining": None if covered is None else max(0.0, net - covered),
        "cost": None if covered is None or price is None else covered * price,
    }
    if fee is not None and covered and price:
        shown["fee"] = {"currency": fee.coin, "cost": fee.cost, "rate": fee.cost / (covered * price)}
    return shown
