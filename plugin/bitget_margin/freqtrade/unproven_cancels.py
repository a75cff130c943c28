"""Cancels of freqtrade's own orders, and the entries whose cancel is not proven yet.

freqtrade deletes a trade whose replaced or canceled entry is still open, and takes an order that is not found for
ended. So a cancel returns rows of the venue only; an entry counts as gone once a row shows its end, and freqtrade
learns of another price, or of none, only then. Nothing is raised for an entry: an exception ends the whole loop, with
the exits of all pairs.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ccxt

from bitget_margin.adapter.errors import report_of
from bitget_margin.core.outcome import Outcome
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Allowance
from bitget_margin.freqtrade.client import VenueClient
from bitget_margin.freqtrade.compat import InvalidOrderException, TemporaryError, order_row
from bitget_margin.freqtrade.tracked_order import ENDED

logger = logging.getLogger("bitget_margin")


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One cancel: the venue's row, if there is one that counts, and why the end is not proven; None where it is."""

    row: dict[str, Any] | None
    reason: str | None


@dataclass(eq=False, kw_only=True)
class UnprovenCancels:
    """Entries whose cancel is repeated in every loop until a row of the venue shows their end.

    All cancels of entries in one loop share `wait_ms`; those that an exit or another thread asks for have their own.
    """

    client: VenueClient
    alerts: Alerts
    wait_ms: float
    clock: Callable[[], float] = time.monotonic
    restore_amount: Callable[[str], object] = lambda _: None
    """Gives the trade on a pair the amount of its rows again; set once its manager is built."""
    guards_prices: bool = False
    """Whether the strategy's price adjustments pass `price`: else `shown` has to keep freqtrade from replacing."""
    _pairs: dict[str, str] = field(default_factory=dict, init=False)
    """Pairs of these entries, by order id; the one that has waited longest comes first."""
    _replaced: set[str] = field(default_factory=set, init=False)
    """Order ids of entries that the strategy wants at another price."""
    _gone: dict[str, dict[str, Any]] = field(default_factory=dict, init=False)
    """Rows of entries that have ended without a fill, and that freqtrade has yet to cancel; by order id."""
    _exiting: set[str] = field(default_factory=set, init=False)
    """Pairs with an exit in this loop."""
    _tried: set[str] = field(default_factory=set, init=False)
    """Order ids of entries that this loop has canceled without proof."""
    _loop: tuple[int, Allowance] | None = field(default=None, init=False)
    """Thread of the loop, and the time that it may still spend on entries."""

    def begin_exit(self, pair: str) -> None:
        """Note that a trade on a pair exits: cancels of its entries take no time of others from now on."""
        self._exiting.add(pair)

    def cancel(self, order_id: str, pair: str) -> dict[str, Any]:
        """Cancel an order and return the venue's row of it, which may show it as open.

        :raises InvalidOrderException: an exit whose cancel is not proven; freqtrade then goes on with it as open
        :raises TemporaryError: an order without proof that is not in freqtrade's rows
        """
        self._replaced.discard(order_id)
        gone = self._gone.pop(order_id, None)
        if gone is not None:
            return gone
        row = order_row(order_id, pair)
        is_exit = row is not None and trade_rows.is_exit(row)
        if is_exit:
            # freqtrade books its fills next: off the whole amount, not off what the exit that replaces it may close.
            self.restore_amount(pair)
        attempt = self._attempt(order_id, pair, Allowance(self.wait_ms, self.clock) if is_exit else None)
        if attempt.reason is None and attempt.row is not None:
            return attempt.row
        if is_exit:
            raise InvalidOrderException(f"The cancel of order {order_id} on {pair} is not proven ({attempt.reason})")
        if row is None:
            raise TemporaryError(f"Order {order_id} on {pair} is not proven canceled ({attempt.reason})")
        # Without a row now: the last state that the venue showed.
        return attempt.row or {**row.to_ccxt_object(), "status": "open"}

    def price(self, order_id: str, pair: str, current: float, wanted: float | None) -> float | None:
        """Return the price of an open entry for freqtrade, which cancels the entry where it is another one, or none.

        That is the current price until the entry has ended. Ended with a fill, it keeps it too: freqtrade books it.
        """
        if order_id not in self._gone:
            self._replaced.discard(order_id)
            if wanted == current:
                return current
            if wanted:
                self._replaced.add(order_id)
            attempt = self._attempt(order_id, pair)
            if attempt.reason is not None or attempt.row is None or attempt.row["filled"]:
                return current
            self._gone[order_id] = attempt.row
        # An order that is gone has no price to keep.
        return wanted if wanted != current else None

    def shown(self, order_id: str, pair: str, order: dict[str, Any]) -> dict[str, Any]:
        """Return the venue's row of an order as freqtrade may see it.

        An entry that ended without a fill, and that the strategy wants at another price, is shown as open once more:
        freqtrade asks for the price of an open order only, and deletes the trade of an ended one.

        :raises TemporaryError: a strategy without the mixin: freqtrade would delete the trade of an entry that lives
        """
        if order["status"] in ENDED:
            self._pairs.pop(order_id, None)
            if order_id not in self._replaced or order.get("filled"):
                self._replaced.discard(order_id)
                return order
            self._gone[order_id] = order
            return {**order, "status": "open"}
        if order_id in self._pairs and not self.guards_prices:
            raise TemporaryError(f"The cancel of order {order_id} on {pair} is not proven yet; it is repeated")
        return order

    def repeat(self) -> None:
        """Repeat the cancels that are not proven; the first step of a loop that may take time for entries."""
        self._exiting.clear()
        self._tried.clear()
        self._loop = (threading.get_ident(), Allowance(self.wait_ms, self.clock))
        for order_id, pair in list(self._pairs.items()):
            self._attempt(order_id, pair)

    def _attempt(self, order_id: str, pair: str, own: Allowance | None = None) -> _Attempt:
        """Cancel an order; an entry without proof is canceled again by every loop.

        :param own: the time for an exit order; an entry has what its loop has left
        """
        budget = own or self._budget(pair)
        shared = self._loop is not None and budget is self._loop[1]
        if shared and (order_id in self._tried or not budget.left_ms()):
            self._pairs.setdefault(order_id, pair)
            return _Attempt(None, "this loop has no time left for it")
        with budget:
            attempt = self._send(order_id, pair, budget.left_ms())
        self._pairs.pop(order_id, None)
        if attempt.reason is None:
            return attempt
        self.alerts.warn(
            f"Order {order_id} on {pair} is not proven canceled ({attempt.reason}). freqtrade keeps it as open, and "
            "asks again.",
            f"cancel {order_id}",
        )
        if own is None:
            self._pairs[order_id] = pair
            self._tried.add(order_id)
        return attempt

    def _budget(self, pair: str) -> Allowance:
        if self._loop is None or self._loop[0] != threading.get_ident() or pair in self._exiting:
            return Allowance(self.wait_ms, self.clock)
        return self._loop[1]

    def _send(self, order_id: str, pair: str, timeout_ms: float) -> _Attempt:
        try:
            report = self.client.cancel_one(order_id, pair, timeout_ms)
        except ccxt.BaseError as error:
            partial = report_of(error)
            if partial is None or not partial.results:
                return _Attempt(None, str(error))
            report = partial
        (result,) = report.results
        order: Mapping[str, Any] = result.order
        if result.outcome.ended and order["filled"] is not None:
            return _Attempt(dict(order), None)
        is_open = result.outcome in {Outcome.OPEN, Outcome.UNKNOWN} and order["status"] == "open"
        return _Attempt(dict(order) if is_open else None, f"{result.outcome.value}: {result.reason or 'no answer'}")
