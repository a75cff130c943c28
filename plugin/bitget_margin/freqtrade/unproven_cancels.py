"""Cancels of freqtrade's own orders, and the entries whose cancel is not proven yet.

freqtrade deletes a trade whose replaced entry is not gone, and takes an order that is not found for ended. So a cancel
returns rows of the venue only, and an entry counts as gone once a row shows its end.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

import ccxt

from bitget_margin.adapter.errors import report_of
from bitget_margin.core.outcome import Outcome
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.client import VenueClient
from bitget_margin.freqtrade.compat import InvalidOrderException, TemporaryError, order_row
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.tracked_order import ENDED

logger = logging.getLogger("bitget_margin")


@dataclass(eq=False, kw_only=True)
class UnprovenCancels:
    """Entries whose cancel is repeated in every loop until a row of the venue shows their end."""

    client: VenueClient
    alerts: Alerts
    wait_ms: float
    _pairs: dict[str, str] = field(default_factory=dict, init=False)
    """Pairs of these entries, by order id."""

    def cancel(self, order_id: str, pair: str) -> dict[str, Any]:
        """Cancel an order and return the venue's row of it, which may show it as open.

        :raises InvalidOrderException: an exit whose cancel is not proven; freqtrade then goes on with it as open
        :raises TemporaryError: an entry of which no row was seen at all
        """
        try:
            report = self.client.cancel_one(order_id, pair, self.wait_ms)
        except ccxt.BaseError as error:
            partial = report_of(error)
            if partial is None or not partial.results:
                raise TemporaryError(f"Order {order_id} on {pair} could not be canceled: {error}") from error
            report = partial
        (result,) = report.results
        if result.outcome.ended and result.order["filled"] is not None:
            return dict(result.order)
        reason = f"{result.outcome.value}: {result.reason or 'no answer'}"
        self.alerts.warn(
            f"Order {order_id} on {pair} is not proven canceled ({reason}). freqtrade keeps it as open, and asks again."
        )
        row = order_row(order_id, pair)
        if row is not None and row.ft_order_side == SELL:
            raise InvalidOrderException(f"The cancel of order {order_id} on {pair} is not proven ({reason})")
        self._pairs[order_id] = pair
        if result.outcome in {Outcome.OPEN, Outcome.UNKNOWN} and result.order["status"] == "open":
            return dict(result.order)
        if row is None:
            raise TemporaryError(f"Order {order_id} on {pair} is in no list of the venue at the moment ({reason})")
        # The last state that the venue showed.
        return {**row.to_ccxt_object(), "status": "open"}

    def check(self, order_id: str, pair: str, status: str | None) -> None:
        """Refuse a row that shows an entry alive while its cancel is not proven.

        :raises TemporaryError: freqtrade asks whether an entry that it replaces is gone, and deletes the trade if not
        """
        if status in ENDED:
            self._pairs.pop(order_id, None)
        elif order_id in self._pairs:
            raise TemporaryError(f"The cancel of order {order_id} on {pair} is not proven yet; it is repeated")

    def repeat(self) -> None:
        """Repeat the cancels that are not proven."""
        for order_id, pair in list(self._pairs.items()):
            try:
                report = self.client.cancel_one(order_id, pair, self.wait_ms)
            except ccxt.BaseError as error:
                logger.warning("Order %s on %s is still not proven canceled: %s", order_id, pair, error)
                return  # one request without an answer is enough for this loop
            if report.ok:
                del self._pairs[order_id]
