"""The cross margin account of a leveraged bot: the last reading of its balance, and the trades that explain it."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.freqtrade.compat import FreqtradeException, TemporaryError, Trade
from bitget_margin.freqtrade.holdings import IS_UNIFIED
from bitget_margin.freqtrade.margin_entries import MarginEntries
from bitget_margin.freqtrade.positions import AccountSnapshot, MarginBooks, TradePosition, position_of, read_snapshot

logger = logging.getLogger("bitget_margin")

FRESH_SECONDS: Final = 2.0
"""Age up to which a reading answers for what freqtrade asks in one go."""
_EXIT_SECONDS: Final = 10.0
"""Age up to which a reading is the one on which an exit was decided."""
_PRICE_SECONDS: Final = 60.0
"""Age of a price from which on it is asked for again, and pause after a failure."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A reading of the account, and its time in seconds; not current once an order was placed, or has filled."""

    account: AccountSnapshot
    at_seconds: float
    is_current: bool = True
    placed_seconds: float | None = None
    """Time at which an exit was placed that was decided on it, while it still answers freqtrade's wallets."""


@dataclass(eq=False, kw_only=True)
class MarginAccount:
    """Readings of the account, and the prices by which they are valued.

    The thread of freqtrade's API uses them, too: a reading is replaced as a whole.

    :param read: reads the balance now, or raises; no earlier reading answers in its place
    :param is_unified: returns whether it is a unified account
    :param convert: returns the price of a coin in the stake coin by the last tickers; None where there is none
    """

    read: Callable[[], Mapping[str, Any]]
    is_unified: Callable[[], bool]
    stake_coin: str
    entries: MarginEntries
    convert: Callable[[str], float | None]
    clock: Callable[[], float] = time.monotonic
    _reading: _Reading | None = field(default=None, init=False)
    """The last reading."""
    _prices: dict[str, tuple[float | None, float]] = field(default_factory=dict, init=False)
    """Last price and its time in seconds, by coin; those of trades are asked for by freqtrade in every loop."""
    _failed_at: float = field(default=float("-inf"), init=False)
    """Time at which the tickers could not be read: not every coin waits for them."""

    def note(self, balance: Mapping[str, Any]) -> MarginBooks:
        """Note a balance that was read just now, and return the books that it makes.

        :raises TemporaryError: it cannot be the whole balance; an account without coins would look liquidated
        """
        unified = balance.get(IS_UNIFIED)
        books = self._books(read_snapshot(balance, unified=self.is_unified() if unified is None else unified))
        if not books.is_whole():
            raise TemporaryError("The venue's answer names no coin of the account: it is asked again")
        self._reading = _Reading(books.account, self.clock())
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
            books = self.last_books()
            if books is None:
                raise
            logger.warning("The account could not be read, and the last reading is used: %s", error)
            return books

    def last_books(self) -> MarginBooks | None:
        """Return the books of the last reading, however old it is; None where there is none."""
        return None if self._reading is None else self._books(self._reading.account)

    def remembered(self) -> MarginBooks | None:
        """Return the account of the last reading by the prices that are known, without trades and any request.

        None where it was never read. A coin without a known price counts nothing.
        """
        reading = self._reading
        return None if reading is None else MarginBooks(reading.account, (), self.stake_coin, self._noted_price)

    def last(self, seconds: float) -> AccountSnapshot | None:
        """Return the last reading, whatever was placed since; None if it is older than these seconds."""
        reading = self._reading
        return None if reading is None or self.clock() - reading.at_seconds > seconds else reading.account

    def known(self, seconds: float = FRESH_SECONDS) -> MarginBooks | None:
        """Return the books of the last reading; None if it is older than these seconds, or not current."""
        reading = self._reading
        if reading is None or not reading.is_current or self.clock() - reading.at_seconds > seconds:
            return None
        return self._books(reading.account)

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
        reading = self._reading
        if reading is not None:
            self._reading = replace(reading, is_current=False, placed_seconds=None)

    def forget_after_exit(self) -> None:
        """Read anew at the next question, that of freqtrade's wallets apart: an exit was placed.

        They are asked for once freqtrade has sent its exits. The trade is still open in the books then, so that the
        account as it was before the exit is the one that fits them.
        """
        reading, now = self._reading, self.clock()
        if reading is not None:
            was_decided_on = reading.is_current and now - reading.at_seconds <= _EXIT_SECONDS
            self._reading = replace(reading, is_current=False, placed_seconds=now if was_decided_on else None)

    def before_exit(self) -> MarginBooks | None:
        """Return the books on which an exit was decided that was placed a moment ago, the last step since; else None.

        Not for decisions: that exit may have used up what they show.
        """
        reading = self._reading
        if reading is None or reading.placed_seconds is None or self.clock() - reading.placed_seconds > FRESH_SECONDS:
            return None
        return self._books(reading.account)

    def end_exit(self) -> None:
        """Read anew for freqtrade's wallets, too: another exit begins, or the next loop."""
        reading = self._reading
        if reading is not None:
            self._reading = replace(reading, placed_seconds=None)

    def positions(self) -> tuple[TradePosition, ...]:
        """Return the open trades.

        :raises TemporaryError: their entries could not be read; without these, coins of the owner would be theirs
        """
        trades = Trade.get_trades_proxy(is_open=True)
        try:
            return tuple(position_of(trade, self.besides(trade)) for trade in trades)
        except SQLAlchemyError as error:
            # freqtrade reads its wallets outside of any handler: anything but its own exceptions ends the bot.
            raise TemporaryError(f"The entries of the open trades could not be read: {error}") from error

    def besides(self, trade: Trade) -> float:
        """Return the coins of the pair's base that were on the account before a trade, less what it owed of them.

        :raises sqlalchemy.exc.SQLAlchemyError: the database cannot be read
        """
        entry = self.entries.first_of(trade)
        return 0.0 if entry is None else entry.besides

    def note_price(self, coin: str, price: float) -> None:
        """Note the price of a coin that freqtrade has just asked for."""
        self._prices[coin] = price, self.clock()

    def price(self, coin: str) -> float | None:
        """Return the last price of a coin in the stake coin; None where none is known.

        Only a coin that was never asked for is waited for: an exit may be behind it.
        """
        if coin == self.stake_coin or coin in self._prices:
            return self._noted_price(coin)
        return self._convert(coin)

    def refresh_prices(self, coins: Iterable[str]) -> None:
        """Ask for the prices of these coins that are older than a minute: those of coins without a trade."""
        for coin in coins:
            _, at_seconds = self._prices.get(coin, (None, float("-inf")))
            if coin != self.stake_coin and self.clock() - at_seconds > _PRICE_SECONDS:
                self._convert(coin)

    def _noted_price(self, coin: str) -> float | None:
        return 1.0 if coin == self.stake_coin else self._prices.get(coin, (None, 0.0))[0]

    def _convert(self, coin: str) -> float | None:
        """Return the price of a coin by the last tickers; None where they are not known, or do not have it."""
        if self.clock() - self._failed_at < _PRICE_SECONDS:
            return self._noted_price(coin)
        try:
            found = self.convert(coin)
        except FreqtradeException as error:
            self._failed_at = self.clock()
            logger.warning("The price of %s is not known now: %s", coin, error)
            return self._noted_price(coin)
        self._prices[coin] = found, self.clock()
        return found

    def _books(self, account: AccountSnapshot) -> MarginBooks:
        return MarginBooks(account, self.positions(), self.stake_coin, self.price)
