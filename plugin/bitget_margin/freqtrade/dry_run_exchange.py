"""The part of the exchange for ladders in a dry run: freqtrade's own orders are simulated by freqtrade itself."""

from typing import TYPE_CHECKING, Any

import ccxt

from bitget_margin.freqtrade.compat import FreqtradeException, is_trading
from bitget_margin.freqtrade.dry_run_client import BestPrices
from bitget_margin.freqtrade.ladder_spec import BUY
from bitget_margin.freqtrade.simulation_compat import hold_stake
from bitget_margin.freqtrade.stop_exchange import StopsAtVenue
from bitget_margin.freqtrade.tracked_order import Origin, TrackedOrder

if TYPE_CHECKING:
    from bitget_margin.freqtrade.order_store import OrderStore


class DryRunLadders(StopsAtVenue):
    """The calls of freqtrade that resting orders of a dry run need."""

    store: "OrderStore"
    _wallets: Any = None
    """freqtrade's wallets, which a dry run has instead of balances."""

    @property
    def has_ladders(self) -> bool:
        """Whether resting orders of trades are there, real ones or simulated ones."""
        return is_trading(self._config)

    def simulate_balances(self, wallets: Any) -> None:
        """Answer from freqtrade's wallets of a dry run, and let resting buys hold their stake there.

        freqtrade starts a strategy more than once: the same wallets are changed once.
        """
        self._wallets = wallets
        hold_stake(wallets, self._stake_of_buys)

    def _resting_buys(self) -> list[TrackedOrder]:
        return [order for order in self.store.open(Origin.LADDER) if order.side == BUY]

    def _stake_of_buys(self) -> float:
        """Return the stake that resting buys hold; covers hold none: they close what has a stake already."""
        return sum(order.rest_cost for order in self._resting_buys() if not order.closes)

    def _simulated_free(self, currency: str) -> float:
        """Return the balance of a dry run that no order holds."""
        return self._simulated_margin(currency)

    def _simulated_margin(self, currency: str) -> float:
        """Return freqtrade's free balance of a dry run: that of the stake coin is the margin without the stakes."""
        self._wallets.update()
        return float(self._wallets.get_free(currency))

    def _best_prices(self, pair: str) -> BestPrices:
        """Return the best prices of a pair now.

        :raises ccxt.NetworkError: freqtrade could not read the order book
        """
        try:
            book = self.fetch_l2_order_book(pair, 1)
        except FreqtradeException as error:
            raise ccxt.NetworkError(f"the order book of {pair} could not be read: {error}") from error
        bid, ask = (next((level[0] for level in book[side]), None) for side in ("bids", "asks"))
        return BestPrices(bid, ask)
