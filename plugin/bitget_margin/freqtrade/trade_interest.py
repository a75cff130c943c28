"""Interest of open trades, as the venue has charged it, less what freqtrade has booked."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import ccxt

from bitget_margin.freqtrade import interest
from bitget_margin.freqtrade.client import epoch_ms
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.interest import Charge, ChargeSpan
from bitget_margin.freqtrade.margin_account import MarginAccount

_PAUSE_SECONDS: Final = 10.0
_READ_SECONDS: Final = 2.0
"""Age up to which the charges of a coin answer for all of its trades."""


@dataclass(eq=False, kw_only=True)
class TradeInterest:
    """Interest that freqtrade has not booked yet.

    :param api: returns the sync exchange object
    :param timeout_ms: returns the time limit of a reading
    """

    account: MarginAccount
    markets: Callable[[], Mapping[str, Any]]
    api: Callable[[], Any]
    timeout_ms: Callable[[], float]
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    _hung_at: float = field(default=float("-inf"), init=False)
    """Time of the last reading without an answer: the other trades of an update do not wait for one each."""
    _read: dict[str, tuple[int, float, list[Charge]]] = field(default_factory=dict, init=False)
    """Begin, time and charges of the last reading, by coin."""

    def forget(self) -> None:
        """Read the charges anew at the next question: an exit has ended."""
        self._read.clear()

    def unbooked(self, trade: Trade, price: float | None = None) -> float:
        """Return the interest of a trade that freqtrade has not booked, in the stake coin: 0 or less.

        :param price: price of the coin of a short; the last one by default
        :raises ccxt.BaseError: the venue's records could not be read
        """
        if not borrows(trade):
            return 0.0
        coin, mine = self._coin_of(trade), self._span(trade)
        paid, is_whole = self._charges(coin, mine.from_ms), mine.is_whole(self.epoch_ms())
        if is_whole and not paid and (interest.booked(trade) or trade.funding_fee_running):
            raise ccxt.BadResponse(f"the records name no interest of {coin}, of which they have named some before")
        if trade.is_short:
            cost = interest.interest_of_short(mine, paid, price or self.account.price(coin) or trade.open_rate)
        else:
            cost = interest.interest_of_long(trade, paid, self._spans(coin, mine.from_ms))
        return interest.unbooked(trade, cost, is_whole=is_whole)

    def unexplained(self, coin: str, since_ms: int) -> list[Charge]:
        """Return the charges of a coin since a time that belong to no trade, open or closed.

        :raises ccxt.BaseError: the venue's records could not be read
        """
        spans = self._spans(coin, since_ms)
        charges = [charge for charge in self._charges(coin, since_ms) if charge.at_ms >= since_ms]
        return [charge for charge in charges if not any(span.contains(charge) for span in spans)]

    def _spans(self, coin: str, since_ms: int) -> list[ChargeSpan]:
        """Return the times of all trades that have borrowed a coin and were open at a time, or later."""
        trades = [
            *Trade.get_trades_proxy(is_open=True),
            *Trade.get_trades_proxy(is_open=False, close_date=_moment(since_ms)),
        ]
        return [self._span(trade) for trade in trades if borrows(trade) and self._coin_of(trade) == coin]

    def _coin_of(self, trade: Trade) -> str:
        return str(self.markets()[trade.pair]["base"]) if trade.is_short else self.account.stake_coin

    def _charges(self, coin: str, since_ms: int) -> list[Charge]:
        known = self._read.get(coin)
        if known is not None and known[0] <= since_ms and self.clock() - known[1] <= _READ_SECONDS:
            return known[2]
        if self.clock() - self._hung_at < _PAUSE_SECONDS:
            raise ccxt.RequestTimeout("the records of interest got no answer a moment ago")
        try:
            found = interest.fetch_charges(self.api(), coin, since_ms, self.timeout_ms())
        except ccxt.NetworkError:
            self._hung_at = self.clock()
            raise
        self._read[coin] = since_ms, self.clock(), found
        return found

    def _span(self, trade: Trade) -> ChargeSpan:
        entry = self.account.entries.first_of(trade)
        since = interest.span(trade, None if entry is None else entry.at_ms, None)
        # Only a trade that has ended since then can have a part in it: a database may have thousands of the pair.
        lately = Trade.get_trades_proxy(pair=trade.pair, is_open=False, close_date=_moment(since.from_ms))
        closed = [
            int(other.close_date_utc.timestamp() * 1_000)
            for other in lately
            if other.id != trade.id and other.close_date_utc is not None and other.close_date_utc <= trade.open_date_utc
        ]
        return interest.span(trade, None if entry is None else entry.at_ms, max(closed, default=None))


def _moment(epoch_ms: float) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1_000, UTC)


def borrows(trade: Trade) -> bool:
    """Whether a trade is short or leveraged."""
    return bool(trade.is_short) or (trade.leverage or 1.0) > 1.0
