"""Interest on loans as freqtrade's funding fees, which are below zero and in the stake currency.

Live, it comes from the records of the venue; in backtests and dry runs it is computed by daily rates. In both, it is
the sum since the first entry, less what freqtrade has booked with the orders of the trade: nothing is lost or counted
twice, whenever freqtrade asks.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import ccxt

from bitget_margin.adapter import fallback_markets
from bitget_margin.core.records import ACCESS_MS
from bitget_margin.core.responses import data_of, decimal
from bitget_margin.freqtrade.compat import FreqtradeOrder, Trade

logger: Final = logging.getLogger("bitget_margin")

CLOCK_SLACK_MS: Final = 5_000
"""Time by which the clocks of the venue and of this machine may be apart."""
_RATE_PATH: Final = "v2/margin/interest-rate-record"
_SETTING: Final = "bitget_margin.leverage.daily_interest"
_HOURS_PER_DAY: Final = 24
_HOUR_SECONDS: Final = 3_600


# -- records of the venue ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charge:
    """Interest that the venue has charged: an amount of a coin, and its time, epoch ms."""

    coin: str
    amount: float
    at_ms: int


def fetch_charges(api: Any, coin: str, since_ms: int, budget_ms: float) -> list[Charge]:
    """Return all interest of a coin since a time, oldest first, as far back as the venue shows it.

    :param api: an exchange object of this package
    :param budget_ms: time limit of the call
    :raises ccxt.BaseError: it cannot be read, or not completely
    """
    params = {"marginMode": "cross", "timeout": budget_ms}
    rows = api.fetch_borrow_interest(coin, None, since_ms, None, params)
    return [Charge(row["currency"], row["interest"], row["timestamp"]) for row in rows]


@dataclass(frozen=True, slots=True)
class ChargeSpan:
    """Time within which a trade may have been charged, epoch ms."""

    trade: Trade
    from_ms: int
    to_ms: float

    def contains(self, charge: Charge) -> bool:
        """Whether it may have been charged then."""
        return self.from_ms <= charge.at_ms <= self.to_ms

    def is_whole(self, now_ms: float) -> bool:
        """Whether the venue still shows all of it."""
        return self.from_ms >= now_ms - ACCESS_MS


def span(trade: Trade, entered_ms: int | None, previous_close_ms: float | None) -> ChargeSpan:
    """Return the time within which a trade may have been charged.

    :param entered_ms: time at which its first entry was recorded; None where it was not: freqtrade's own time of
        opening is later than the loan
    :param previous_close_ms: end of the trade before it on the pair, whose interest is not its own
    """
    opened_ms = _epoch_ms(trade.open_date_utc) if entered_ms is None else entered_ms
    from_ms = opened_ms - CLOCK_SLACK_MS
    if previous_close_ms is not None:
        from_ms = max(from_ms, int(previous_close_ms) + 1)
    closed = trade.close_date_utc
    return ChargeSpan(trade, from_ms, math.inf if closed is None else _epoch_ms(closed))


def interest_of_short(trade_span: ChargeSpan, charges: Iterable[Charge], price: float) -> float:
    """Return the interest of a short: its coin is borrowed for it alone."""
    return sum(charge.amount for charge in charges if trade_span.contains(charge)) * price


def interest_of_long(trade: Trade, charges: Iterable[Charge], spans: Sequence[ChargeSpan]) -> float:
    """Return the share of a long in the interest of the stake currency.

    All longs borrow the same coin: a charge is shared by what each of them was planned to owe at the time.

    :param spans: those of all leveraged longs of the time, its own included
    """
    total = 0.0
    for charge in charges:
        planned = [(known.trade, _planned(known.trade, charge.at_ms)) for known in spans if known.contains(charge)]
        everything = sum(amount for _, amount in planned)
        if everything > 0:
            total += charge.amount * sum(amount for known, amount in planned if known is trade) / everything
    return total


def _planned(trade: Trade, at_ms: int) -> float:
    """Return how much of the stake currency a long was planned to owe at a time.

    Its first entry counts from the start: the time that freqtrade gives it may be later than the loan.
    """
    if trade.is_short:
        return 0.0
    entered = exited = value = 0.0
    for order in trade.orders:
        if order.ft_order_side == trade.entry_side:
            if not entered or _epoch_ms(order.order_date_utc) <= at_ms + CLOCK_SLACK_MS:
                amount = order.safe_amount if order.ft_is_open else order.safe_filled
                entered, value = entered + amount, value + amount * order.safe_price
        elif order.order_filled_utc is not None and _epoch_ms(order.order_filled_utc) < at_ms:
            exited += order.safe_filled
    left = max(0.0, 1 - exited / entered) if entered else 0.0
    return value * left * (1 - 1 / (trade.leverage or 1.0))


# -- freqtrade's books ------------------------------------------------------------------------------------------------


def booked(trade: Trade) -> float:
    """Return the interest that freqtrade has booked with the orders of a trade, below zero."""
    return sum(order.funding_fee or 0.0 for order in trade.orders)


def unbooked(trade: Trade, interest: float, *, is_whole: bool = True) -> float:
    """Return the interest that freqtrade has not booked yet, as it expects it: below zero, or 0.

    :param interest: all interest of the trade, above zero
    :param is_whole: whether `interest` is all of it; the venue shows no old records, and what freqtrade knows of them
        is kept then
    """
    left = min(0.0, -interest - booked(trade))
    return left if is_whole else min(left, trade.funding_fee_running or 0.0)


# -- interest by rates ------------------------------------------------------------------------------------------------


class InterestRates:
    """Daily interest rates: those that are given, else the venue's of today, else a default.

    :param daily: rates by coin that the venue is not asked for
    :param default: rate of a coin that has none, and that the venue does not give
    :param defaults: such rates by coin, before that of all coins
    """

    def __init__(self, daily: Mapping[str, float], default: float, defaults: Mapping[str, float] | None = None) -> None:
        self._daily = dict(daily)
        self._default = default
        self._defaults = dict(defaults or {})

    def rate(self, coin: str) -> float:
        """Return the daily rate of a coin."""
        return self._daily.get(coin, self._default_of(coin))

    def _default_of(self, coin: str) -> float:
        return self._defaults.get(coin, self._default)

    def learn(
        self,
        api: Any,
        coins: Iterable[str],
        *,
        limit_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Query the rates of coins that are not known, by requests without a key; each coin is asked for once.

        https://www.bitget.com/api-doc/margin/common/interest-rate-record

        :param limit_seconds: time after which no further request is sent
        """
        missing: dict[str, str] = {}
        end = clock() + limit_seconds
        for coin in dict.fromkeys(coins):
            if coin in self._daily:
                continue
            try:
                if clock() > end:
                    raise ccxt.RequestTimeout(f"not asked, since {limit_seconds:g} s are over")
                self._daily[coin] = _fetch_rate(api, coin)
            except ccxt.BaseError as error:
                missing[coin] = str(error)[:200]
                self._daily[coin] = self._default_of(coin)
        if missing:
            assumed = dict.fromkeys(str(self._default_of(coin)) for coin in missing)
            reasons = "; ".join(f"{coin}: {reason}" for coin, reason in missing.items())
            logger.warning(
                'The interest rates of %s are not known: %s a day is assumed. Give them in "%s". (%s)',
                ", ".join(missing),
                ", ".join(assumed),
                _SETTING,
                reasons,
            )


def _fetch_rate(api: Any, coin: str) -> float:
    """Return the venue's daily rate of a coin, or raise one of ccxt's errors."""
    coin_id = fallback_markets.coin_id(api, coin)
    body = api.request(_RATE_PATH, ["public", "margin"], "GET", {"coin": coin_id})
    data = data_of(body)
    rows: list[Any] = data if isinstance(data, list) else [data]
    for row in rows:
        rate = decimal(row.get("dailyInterestRate")) if isinstance(row, Mapping) else None
        if rate is not None and 0 <= rate < 1 and row.get("coin") in (None, coin_id):
            return float(rate)
    raise ccxt.BadResponse(f"{api.id}: the interest rate of {coin} cannot be read: {str(body)[:100]}")


def simulated_interest(trade: Trade, until: datetime, rates: InterestRates, mark: float) -> float:
    """Return all interest of a simulated trade up to a time, above zero; see `unbooked`.

    Coins are charged for an hour as they are borrowed, and for another one at each full hour after that. A long borrows
    a part of its cost, a short all of its coins.

    :param mark: price by which the interest of a short, which is in coins, is valued
    """
    part = 1.0 if trade.is_short else 1 - 1 / (trade.leverage or 1.0)
    held = owed = hours = 0.0
    since = until
    for at, order in _fills(trade, until):
        hours += owed * _full_hours(since, at)
        since = at
        if order.ft_order_side == trade.entry_side:
            borrowed = order.safe_filled * part * (1.0 if trade.is_short else order.safe_price)
            held, owed, hours = held + order.safe_filled, owed + borrowed, hours + borrowed
        elif held > 0:
            left = max(0.0, held - order.safe_filled)
            held, owed = left, owed * left / held
    hours += owed * _full_hours(since, until)
    coin, price = (trade.safe_base_currency, mark) if trade.is_short else (trade.safe_quote_currency, 1.0)
    return hours * price * rates.rate(coin) / _HOURS_PER_DAY


def open_trade_like(
    trades: Iterable[Trade], *, amount: float, is_short: bool, last_filled: datetime, rate: float | None = None
) -> Trade | None:
    """Return the open trade that freqtrade's backtest asks about, of which it gives neither the pair nor the leverage.

    :param trades: all open trades, among which several may have the same amount and time
    :param rate: a price of its pair near its entry; of several trades, the one with the nearest open rate is meant, and
        of equals the first
    """
    fitting = [
        trade
        for trade in trades
        if (bool(trade.is_short), trade.amount, trade.date_last_filled_utc) == (is_short, amount, last_filled)
    ]
    if rate is None:
        return next(iter(fitting), None)
    return min(fitting, key=lambda trade: abs(trade.open_rate - rate), default=None)


def _fills(trade: Trade, until: datetime) -> list[tuple[datetime, FreqtradeOrder]]:
    """Return the filled orders of a trade up to a time, in the order of their fills."""
    filled = [
        (order.order_filled_utc or order.order_date_utc, order)
        for order in trade.orders
        if order.safe_filled and not order.ft_is_open
    ]
    return sorted(((at, order) for at, order in filled if at <= until), key=lambda fill: fill[0])


def _full_hours(since: datetime, until: datetime) -> int:
    """Return the number of full hours of the clock after one time, up to another."""
    first, last = (math.floor(moment.timestamp() / _HOUR_SECONDS) for moment in (since, until))
    return last - first


def _epoch_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)
