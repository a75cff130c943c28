"""Balances of a coin compared with the amounts of freqtrade's trades."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import ccxt

from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.compat import Trade

logger: Final = logging.getLogger("bitget_margin")

RECENT_SECONDS: Final = 60.0
"""Age up to which a balance that freqtrade read counts as the one before an exit."""
RECHECK_SECONDS: Final = 1.5
"""Least time between two lookups, and between two balances, that prove that an order is not there."""
_BOOKING_SECONDS: Final = 10.0
"""Age up to which a balance answers freqtrade while it books orders."""
_AHEAD_SECONDS: Final = 10.0
"""Age up to which a balance that was read ahead answers freqtrade."""
_HANG_SECONDS: Final = 0.3
"""Time without an answer from which on a failed reading has hung: a refusal comes sooner."""
_HUNG_SECONDS: Final = 3.0
"""Time after a reading that has hung within which no other one is waited for."""
IS_UNIFIED: Final = "isUnified"
"""Key of a balance that names the kind of account that it is of; without it, what is known of the account counts."""
REL_TOLERANCE: Final = 0.002
"""Insignificant relative difference of wallet and trades: estimated fees, dust of earlier trades."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Balance of one coin."""

    total: float
    """All of it; on a unified account less the debt."""
    free: float
    frozen: float
    debt: float = 0.0
    """What is owed, with its interest."""
    is_unified: bool = field(default=False, compare=False)
    """Whether it is of a unified account."""

    @property
    def net(self) -> float:
        """All of it less what is owed."""
        return self.total if self.is_unified else self.total - self.debt


@dataclass(frozen=True, slots=True)
class Holdings:
    """Balance readings, compared with the open trades.

    :param fetch: returns ccxt's balance of the cross margin account, or raises
    :param base_of: returns the base coin of a pair
    :param freezes: returns whether the balance shows the coins that margin orders hold: on classic accounts only
    """

    fetch: Callable[[], Mapping[str, Any]]
    base_of: Callable[[str], str]
    freezes: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic
    fetch_for_freqtrade: Callable[[], Mapping[str, Any]] | None = None
    """Reads the balance as freqtrade does, or raises; None where exits leave that to freqtrade."""
    besides: Callable[[Trade], float] = lambda _: 0.0
    """Returns the coins of the base of a trade that are nobody's trade, below zero where they are owed."""
    has_positions: bool = False
    """Whether freqtrade exits positions, and leaves it to the venue whether their coins are there."""
    _last: list[tuple[Mapping[str, Any], float]] = field(default_factory=list)
    """freqtrade's last reading, and the time in seconds at which it was sent."""
    _ahead: list[tuple[Mapping[str, Any], float]] = field(default_factory=list)
    """A reading that freqtrade has not asked for yet, and the time in seconds at which it came."""
    _turns: list[int] = field(default_factory=lambda: [0])
    """Number of the reading that may answer freqtrade: one that comes after the next has begun answers nobody."""
    _hung: list[float] = field(default_factory=list)
    """End of the last reading if it has hung, in seconds; empty if it was answered."""
    _booking: list[float] = field(default_factory=list)
    """Time from which freqtrade books orders, in seconds; empty where it does not."""

    def read(self, coin: str) -> Holding | None:
        """Return the balance of a coin now; None if there is no answer, or an empty one, which proves nothing.

        Where the last reading has just hung, this one is not made: an exit cannot wait for one after the other.
        """
        began_seconds = self.clock()
        if self.has_hung():
            logger.warning("The balance of %s is not read: the last request for it has got no answer", coin)
            return None
        try:
            balance = self.fetch()
        except ccxt.BaseError as error:
            self.note_failure(began_seconds)
            logger.warning("The balance of %s cannot be read: %s", coin, error)
            return None
        self._hung.clear()
        if not any((balance.get("total") or {}).values()):
            return None
        return self._holding(balance, coin)

    def has_hung(self) -> bool:
        """Whether a reading of a moment ago has hung: another one would, too."""
        # A reading beside this one may be answered, and clear it, at any moment.
        return any(self.clock() - hung_seconds < _HUNG_SECONDS for hung_seconds in tuple(self._hung))

    def remember(self, balances: Mapping[str, Any], sent_seconds: float | None = None) -> None:
        """Remember a balance that freqtrade has read; it reads one before each exit.

        :param sent_seconds: the time at which it was asked for, which is its age; now by default
        """
        self._hung.clear()
        at = self.clock() if sent_seconds is None else sent_seconds
        if not self._last or at >= self._last[0][1]:  # one that hangs may come after a later one
            self._last[:] = [(balances, at)]

    def note_failure(self, began_seconds: float) -> None:
        """Note that a reading which began at this time was not answered, or refused."""
        now = self.clock()
        if now - began_seconds >= _HANG_SECONDS:
            self._hung[:] = [now]

    def read_beside(self, *, ahead: bool, wait: Callable[[], object] = lambda: None) -> Beside[None] | None:
        """Begin a reading beside other requests; None where readings are left to freqtrade.

        :param ahead: whether it also answers freqtrade when it asks for the balance next
        :param wait: returns once it is to be sent
        """
        self.drop_ahead()
        fetch, turn = self.fetch_for_freqtrade, self._turns[0] if ahead else None
        return None if fetch is None else Beside(lambda: self._read_beside(fetch, wait, turn))

    def _read_beside(
        self, fetch: Callable[[], Mapping[str, Any]], wait: Callable[[], object], turn: int | None
    ) -> None:
        wait()
        sent_seconds = self.clock()
        try:
            balances = fetch()
        except Exception as error:  # noqa: BLE001 - freqtrade reads it again, and handles what is raised then
            self.note_failure(sent_seconds)
            logger.warning("The balance could not be read beside other requests: %s", error)
            return
        self.remember(balances, sent_seconds)
        if turn == self._turns[0]:
            self._ahead[:] = [(balances, self.clock())]

    def take_ahead(self) -> Mapping[str, Any] | None:
        """Return the balance that was read ahead, once; None if there is none, or it is old by now."""
        balances, at = self._ahead.pop() if self._ahead else ({}, 0.0)
        return balances if balances and self.clock() - at <= _AHEAD_SECONDS else None

    def drop_ahead(self) -> None:
        """Leave the next reading to freqtrade: the exit for which one was read ahead is over."""
        self._ahead.clear()
        self._turns[0] += 1

    def begin_booking(self) -> None:
        """Let one reading answer all of freqtrade's while it books orders: it asks once or twice for each of them."""
        self._booking[:] = [self.clock()]

    def end_booking(self) -> None:
        """Let freqtrade read again: it has come to its exits."""
        self._booking.clear()

    def of_booking(self) -> Mapping[str, Any] | None:
        """Return the balance that was read since freqtrade began to book orders; None if it does not, or has not."""
        if not self._booking or not self._last or self._last[0][1] < self._booking[0]:
            return None
        return self.last_reading(_BOOKING_SECONDS)

    def last_reading(self, seconds: float) -> Mapping[str, Any] | None:
        """Return what freqtrade read last, unless that is older than these seconds or empty."""
        balances, at = self._last[0] if self._last else ({}, 0.0)
        return balances if balances and self.clock() - at <= seconds else None

    def last(self, coin: str, seconds: float) -> Holding | None:
        """Return the balance of a coin in freqtrade's last reading; None if that is older than these seconds."""
        balances = self.last_reading(seconds)
        return None if balances is None else self._holding(balances, coin)

    def since(self, coin: str, at_seconds: float) -> Holding | None:
        """Return the balance of a coin in the last reading; None if that was asked for before this time."""
        balances, sent_seconds = self._last[0] if self._last else ({}, 0.0)
        return self._holding(balances, coin) if balances and sent_seconds >= at_seconds else None

    def last_total(self, coin: str) -> float | None:
        """Return the total of a coin that freqtrade read in the last minute; None if it did not."""
        holding = self.last(coin, RECENT_SECONDS)
        return None if holding is None else holding.total

    @staticmethod
    def tolerance(amount: float) -> float:
        """Return the difference from an amount that is insignificant."""
        return amount * REL_TOLERANCE

    def booked(self, coin: str, *, is_short: bool = False) -> float:
        """Return the amount of a coin that the open trades should have, or owe."""
        trades = [trade for trade in Trade.get_trades_proxy(is_open=True) if self.base_of(trade.pair) == coin]
        amounts = ((bool(trade.is_short), trade_rows.remaining_amount(trade)) for trade in trades)
        return sum(amount if short is is_short else -amount for short, amount in amounts)

    def has_others(self, coin: str, total: float) -> bool:
        """Whether a total is more than the open trades should have: not all coins are the bot's."""
        return total > self.booked(coin) * (1 + REL_TOLERANCE)

    def shows(self, coin: str, total: float, missing: float) -> bool:
        """Whether a total is what the open trades should have, less an amount smaller than `missing`."""
        return total > self.booked(coin) - missing

    def _holding(self, balance: Mapping[str, Any], coin: str) -> Holding:
        """Return the balance of a coin; a coin that is not listed is not there."""
        found = balance.get(coin) or {}
        total, free, used, debt = (float(found.get(name) or 0.0) for name in ("total", "free", "used", "debt"))
        return Holding(total, free, used, debt, is_unified=balance.get(IS_UNIFIED, not self.freezes()))
