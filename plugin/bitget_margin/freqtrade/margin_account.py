"""The cross margin account of a leveraged bot: the last reading of its balance, and the trades that explain it."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bitget_margin.freqtrade.compat import FreqtradeException, TemporaryError, Trade
from bitget_margin.freqtrade.margin_entries import MarginEntries
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks, TradePosition, position_of, read_snapshot

logger = logging.getLogger("bitget_margin")

FRESH_SECONDS: Final = 2.0
"""Age up to which a reading answers for what freqtrade asks in one go."""


@dataclass(eq=False, kw_only=True)
class MarginAccount:
    """Readings of the account, and the prices by which they are valued.

    :param read: reads the balance as freqtrade does, or raises
    :param is_unified: returns whether it is a unified account
    :param convert: returns the price of a coin in the stake coin by the last tickers; None where there is none
    """

    read: Callable[[], Mapping[str, Any]]
    is_unified: Callable[[], bool]
    stake_coin: str
    entries: MarginEntries
    convert: Callable[[str], float | None]
    clock: Callable[[], float] = time.monotonic
    _last: tuple[AccountSnapshot, float] | None = field(default=None, init=False)
    _before: AccountSnapshot | None = field(default=None, init=False)
    """The last reading before an order that was placed, or has filled."""
    _prices: dict[str, float] = field(default_factory=dict, init=False)
    """Last prices of the coins of trades, by coin; freqtrade asks for them in every loop."""

    def note(self, balance: Mapping[str, Any]) -> MarginBooks:
        """Note a balance that was read just now, and return the books that it makes.

        :raises TemporaryError: it cannot be the whole balance; an account without coins would look liquidated
        """
        books = self._books(read_snapshot(balance, unified=self.is_unified()))
        if not books.is_whole():
            raise TemporaryError("The venue's answer names no coin of the account: it is asked again")
        self._last = books.account, self.clock()
        return books

    def latest(self, balance: Mapping[str, Any] | None = None) -> MarginBooks:
        """Return the books of a balance that was read just now, or of a reading of a moment ago.

        Where the venue does not answer, or not with the whole balance, those of the last reading, however old:
        freqtrade asks before each exit, and would not send it.

        :raises FreqtradeException: there is no reading at all
        """
        try:
            return self.books() if balance is None else self.note(balance)
        except FreqtradeException as error:
            if self._last is None and self._before is None:
                raise
            logger.warning("The account could not be read, and the last reading is used: %s", error)
            account = self._before if self._last is None else self._last[0]
            assert account is not None  # noqa: S101 - one of both is there
            return self._books(account)

    def remembered(self) -> MarginBooks | None:
        """Return the account of the last reading by the prices that are known, without trades and any request.

        None where it was never read. A coin without a known price counts nothing.
        """
        account = self._before if self._last is None else self._last[0]
        if account is None:
            return None
        return MarginBooks(account, (), self.stake_coin, self._prices.get)

    def known(self, seconds: float = FRESH_SECONDS) -> MarginBooks | None:
        """Return the books of the last reading; None if it is older than these seconds."""
        if self._last is None or self.clock() - self._last[1] > seconds:
            return None
        return self._books(self._last[0])

    def books(self) -> MarginBooks:
        """Return the books of a reading of a moment ago, or of a new one.

        :raises FreqtradeException: the balance could not be read
        """
        return self.known() or self.fresh()

    def fresh(self) -> MarginBooks:
        """Return the books of a new reading.

        :raises FreqtradeException: the balance could not be read
        """
        return self.note(self.read())

    def forget(self) -> None:
        """Read anew at the next question: an order was placed, or has filled."""
        if self._last is not None:
            self._before, self._last = self._last[0], None

    def positions(self) -> tuple[TradePosition, ...]:
        """Return the open trades."""
        return tuple(position_of(trade, self.besides(trade)) for trade in Trade.get_trades_proxy(is_open=True))

    def besides(self, trade: Trade) -> float:
        """Return the coins of the pair's base that were on the account before a trade, less what it owed of them."""
        entry = self.entries.first_of(trade)
        return 0.0 if entry is None else entry.besides

    def note_price(self, coin: str, price: float) -> None:
        """Note the price of a coin that freqtrade has just asked for."""
        self._prices[coin] = price

    def price(self, coin: str) -> float | None:
        """Return the price of a coin in the stake coin; None where none is known."""
        if coin == self.stake_coin:
            return 1.0
        known = self._prices.get(coin)
        if known is not None:
            return known
        try:
            return self.convert(coin)
        except FreqtradeException as error:
            logger.warning("The price of %s is not known now: %s", coin, error)
            return None

    def _books(self, account: AccountSnapshot) -> MarginBooks:
        return MarginBooks(account, self.positions(), self.stake_coin, self.price)
