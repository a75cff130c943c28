"""The part of the exchange for leverage and shorts: the cross margin account as freqtrade's futures mode.

freqtrade's margin mode is not finished: it ends the bot as soon as a leveraged trade is open. Its futures mode has all
that is needed: one margin, positions, a price of liquidation, and interest, which it calls funding fees. The pairs are
the spot pairs. In spot mode, nothing here has an effect.
"""

import logging
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from bitget_margin.adapter.margin_markets import NUMBERS, supports_cross_margin
from bitget_margin.freqtrade import preflight, runtime, trade_rows
from bitget_margin.freqtrade.backtest_prices import BacktestPrices
from bitget_margin.freqtrade.compat import FUTURES, SPOT, OperationalException, Trade, is_trading, is_utility
from bitget_margin.freqtrade.config import LeverageSettings
from bitget_margin.freqtrade.dry_run_exchange import DryRunLadders
from bitget_margin.freqtrade.free_quote import free_quote
from bitget_margin.freqtrade.interest import InterestRates, simulated_interest, unbooked
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.positions import TradePosition, planned_liquidation_price, position_of

logger = logging.getLogger("bitget_margin")


class Leveraged(DryRunLadders):
    """freqtrade's calls for leverage and shorts, in its futures mode."""

    _ft_has_futures = {  # noqa: RUF012 - freqtrade's own form
        "ccxt_futures_name": "spot",
        "balance_includes_unrealized_pnl": False,
        "has_delisting": False,
        "mark_ohlcv_price": "futures",
        "funding_fee_timeframe": "1h",
    }
    trading_mode: Any = SPOT
    """Mode of the configuration, once freqtrade's constructor has read it."""
    _interest_rates: InterestRates | None = None

    @property
    def is_leveraged(self) -> bool:
        """Whether trades may be leveraged or short."""
        return bool(self.trading_mode == FUTURES)

    @property
    def leverage_settings(self) -> LeverageSettings:
        """The settings of leverage, without which the futures mode does not start."""
        if self._settings.leverage is None:
            raise OperationalException('bitgetcross: nothing may be borrowed without "bitget_margin.leverage"')
        return self._settings.leverage

    def validate_config(self, config: dict[str, Any]) -> None:
        """Check the configuration and the settings of leverage; say that these have no effect in spot mode."""
        if self.is_leveraged:
            preflight.refuse_coins_of_rates(self.leverage_settings.daily_interest, self.markets)
        elif self._settings.leverage is not None:
            runtime.warn_once(
                'bitgetcross: "bitget_margin.leverage" has no effect in "trading_mode": "spot": nothing is borrowed.'
            )
        super().validate_config(config)

    def validate_stop_ordertypes(self, order_types: Mapping[str, Any]) -> None:
        """Refuse stop-losses on the exchange in the futures mode."""
        if self.is_leveraged:
            preflight.refuse_stops_with_leverage(order_types)
        super().validate_stop_ordertypes(order_types)

    # -- markets ------------------------------------------------------------------------------------------------------

    def market_is_future(self, market: dict[str, Any]) -> bool:
        """Whether a market is one of the futures mode: a spot market with cross margin."""
        if not self.is_leveraged:
            return super().market_is_future(market)
        return market.get("spot") is True and supports_cross_margin(market)

    def get_option(self, param: str, default: Any = None) -> Any:
        """Return freqtrade's option; the prices of marks are the strategy's candles: a backtest needs no others."""
        if param == "mark_ohlcv_timeframe" and self.is_leveraged:
            downloaded = self._config.get("timeframes") if is_utility(self._config) else None
            timeframe = downloaded[0] if downloaded else self._config.get("timeframe")
            return timeframe or super().get_option(param, default)
        return super().get_option(param, default)

    def load_leverage_tiers(self) -> dict[str, list[dict[str, Any]]]:
        """Return one tier for each pair: the leverage of the venue, cut to the settings.

        https://www.bitget.com/api-doc/margin/common/support-currencies

        It comes with the markets. Where it is not known, a bot trades without leverage, and all other commands go by
        the settings alone.
        """
        if not self.is_leveraged:
            return {}
        if not self.live and not is_utility(self._config):
            self._learn_interest_rates()
        settings = self.leverage_settings
        pairs = [pair for pair, market in self.markets.items() if self.market_is_future(market)]
        if is_trading(self._config) and any(self.markets[pair].get(NUMBERS) is None for pair in pairs):
            logger.warning(
                "The list of margin pairs could not be read: pairs whose leverage is not known yet are traded without, "
                "until it was."
            )
            pairs = [pair for pair in pairs if self.markets[pair].get(NUMBERS) is not None]
        return {
            pair: [
                {
                    "minNotional": 0.0,
                    "maxNotional": None,
                    "maintenanceMarginRate": settings.maintenance_rate,
                    "maxLeverage": max(1.0, min(settings.max, _leverage_of(self.markets[pair]) or settings.max)),
                    "info": {},
                }
            ]
            for pair in pairs
        }

    async def _fetch_funding_rate_history(self, *_: Any, **__: Any) -> list[list[Any]]:
        # Interest is computed by rates; freqtrade downloads candles of funding rates all the same.
        return []

    # -- orders -------------------------------------------------------------------------------------------------------

    def is_exit(self, order: Mapping[str, Any]) -> bool:
        """Whether an order that freqtrade places is an exit: shorts are entered by sells.

        :param order: the arguments of `create_order`
        """
        return bool(order.get("reduceOnly")) if self.is_leveraged else order["side"] == SELL

    def _lev_prep(self, *args: Any, **kwargs: Any) -> None:
        # Leverage is a loan, which the order itself takes.
        if not self.is_leveraged:
            super()._lev_prep(*args, **kwargs)

    # -- simulated positions ------------------------------------------------------------------------------------------

    def dry_run_liquidation_price(
        self,
        pair: str,
        open_rate: float,
        is_short: bool,
        amount: float,
        stake_amount: float,
        leverage: float,
        wallet_balance: float,
        open_trades: Iterable[Any],
    ) -> float | None:
        """Return the price of a pair at which the account would be liquidated, by freqtrade's books alone.

        Where no price does that, it is below 0: freqtrade adds a buffer, and takes what is not above 0 then for none.
        """
        base = str(self.markets[pair]["base"])
        position = TradePosition(pair, base, is_short, amount, open_rate, stake_amount, leverage)
        held = [position_of(trade) for trade in open_trades]
        price = planned_liquidation_price(held, position, wallet_balance, self.leverage_settings.maintenance_rate)
        return price if price > 0 else -open_rate

    def _simulated_free(self, currency: str) -> float:
        """Return the balance of a dry run that no order holds; of the stake coin, what no debt claims either."""
        free = super()._simulated_free(currency)
        if not self.is_leveraged or currency != self._config["stake_currency"]:
            return free
        resting = sum(order.rest_cost for order in self._resting_buys())
        trades = Trade.get_trades_proxy(is_open=True)
        return free_quote(float(self._wallets.get_collateral()), trades, resting)

    # -- simulated interest -------------------------------------------------------------------------------------------

    @property
    def interest_rates(self) -> InterestRates:
        """The daily interest rates: a live bot pays those of the venue, whatever the settings say."""
        if self._interest_rates is None:
            settings, given = self.leverage_settings, self.leverage_settings.daily_interest
            if self.live:
                self._interest_rates = InterestRates({}, settings.default_interest, given)
            else:
                self._interest_rates = InterestRates(given, settings.default_interest)
        return self._interest_rates

    def _learn_interest_rates(self, limit_seconds: float = math.inf) -> dict[str, float]:
        """Query the rates of the stake coin and of the coins of the whitelist, which shorts borrow; return them."""
        listed = self._config.get("exchange", {}).get("pair_whitelist", [])
        bases = [self.markets[pair]["base"] for pair in listed if pair in self.markets]
        coins = list(dict.fromkeys([self._config["stake_currency"], *bases]))
        self.interest_rates.learn(self._api, coins, limit_seconds=limit_seconds)
        return {coin: self.interest_rates.rate(coin) for coin in coins}

    def get_funding_fees(self, pair: str, *_: Any, **__: Any) -> float:
        """Return the interest of the open trade on a pair that freqtrade has not booked yet: below zero, or 0."""
        trade = trade_rows.open_trade(pair) if self.is_leveraged and not self.live else None
        return 0.0 if trade is None else self._simulated_interest(trade, None)

    def _simulated_interest(self, trade: Trade, price: float | None) -> float:
        # A short owes its interest in coins, which are bought at the price of then.
        mark = price or (self._last_price(trade.pair) if trade.is_short else None) or trade.open_rate
        return unbooked(trade, simulated_interest(trade, datetime.now(UTC), self.interest_rates, mark))

    def combine_funding_and_mark(
        self, funding_rates: Any, mark_rates: Any, futures_funding_rate: int | None = None
    ) -> Any:
        """Return the prices of a pair of a backtest: there are no funding rates."""
        if not self.is_leveraged:
            return super().combine_funding_and_mark(funding_rates, mark_rates, futures_funding_rate)
        return BacktestPrices.of(mark_rates)

    def calculate_funding_fees(
        self, df: Any, amount: float, is_short: bool, open_date: datetime, close_date: datetime
    ) -> float:
        """Return the interest of a trade of a backtest that freqtrade has not booked yet: below zero, or 0.

        :param df: what `combine_funding_and_mark` has returned for its pair
        """
        if not self.is_leveraged:
            return super().calculate_funding_fees(df, amount, is_short, open_date, close_date)
        prices: BacktestPrices = df
        trade = prices.trade_of(amount=amount, is_short=is_short, last_filled=open_date)
        if trade is None:
            return 0.0
        mark = prices.at(close_date) or trade.open_rate
        return unbooked(trade, simulated_interest(trade, close_date, self.interest_rates, mark))


def _leverage_of(market: Mapping[str, Any]) -> float | None:
    """Return the highest leverage of a pair on cross margin; None where the venue does not show it."""
    most = (market.get("limits") or {}).get("leverage", {}).get("max")
    return None if most is None else float(most)
