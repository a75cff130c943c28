"""The part of the exchange for stop-losses that wait at the venue: freqtrade's own calls, on the bot's records."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import ccxt

from bitget_margin.adapter.params import LOOKS_ON, URGENT, known_kind
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.strategy_row import StrategyType
from bitget_margin.freqtrade import preflight, runtime, stop_rows
from bitget_margin.freqtrade.compat import (
    ROUND_UP,
    BitgetExchange,
    FreqtradeException,
    InsufficientFundsError,
    InvalidOrderException,
    TemporaryError,
    Trade,
    is_live,
    is_trading,
)
from bitget_margin.freqtrade.stop_client import type_of
from bitget_margin.freqtrade.tracked_order import TrackedOrder

if TYPE_CHECKING:
    from bitget_margin.freqtrade.budget import Pace
    from bitget_margin.freqtrade.config import BotSettings
    from bitget_margin.freqtrade.managers import Managers

_STOP: Final[ContextVar[TrackedOrder | None]] = ContextVar("_STOP", default=None)
"""The stop that is being placed."""
_PRICE_PARAM: Final = "stopLossPrice"
_TRIGGER_PARAM: Final = "triggerPrice"


class StopsAtVenue(BitgetExchange):
    """freqtrade's calls for a stop-loss on the exchange; it is placed as a strategy order of a unified account."""

    _ft_has = {  # noqa: RUF012 - freqtrade's own form
        "stoploss_on_exchange": True,
        "stoploss_order_types": {"market": "market"},
        "stoploss_blocks_assets": True,
        "stop_price_param": _PRICE_PARAM,
        "stop_price_prop": _PRICE_PARAM,
        # Only for the id under which fees are looked up: that of the order which a stop has placed.
        "stoploss_query_requires_stop_flag": True,
    }
    managers: "Managers"
    _settings: "BotSettings"
    _pace: "Pace"
    _is_built: bool = False

    @property
    def live(self) -> bool:
        """Whether orders are real."""
        return is_live(self._config)

    def validate_stop_ordertypes(self, order_types: Mapping[str, Any]) -> None:
        """Refuse stop-losses on the exchange that this configuration, account or strategy cannot have.

        freqtrade asks twice: as the exchange is built, and once the strategy is loaded.
        """
        preflight.refuse_switch_beside_stops(order_types, switch=self._settings.dead_mans_switch is not None)
        preflight.refuse_stoploss_on_exchange(order_types, strategy_orders=self._settings.strategy_orders)
        super().validate_stop_ordertypes(dict(order_types))
        if self._is_built and is_trading(self._config) and order_types.get("stoploss_on_exchange"):
            classic = self.live and known_kind(self._api, {}) is AccountKind.CLASSIC
            preflight.refuse_stops_without(unified=not classic, mixin=runtime.has_mixin())

    def create_stoploss(self, **stop: Any) -> dict[str, Any]:
        """Place the stop of a trade, for the coins that no resting order holds; one that is there is returned.

        :raises InsufficientFundsError: none can be placed now; freqtrade goes on, and asks again
        :raises TemporaryError: the same after a failure. No other exception: freqtrade would exit the trade at once
        """
        if not self.live:
            return super().create_stoploss(**stop)
        pair, stops = stop["pair"], self.managers.stops
        try:
            price = self.price_to_precision(pair, stop["stop_price"], rounding_mode=ROUND_UP)
            record, is_there = stops.prepare(pair, price, self._last_price(pair))
        except FreqtradeException:
            raise
        except Exception as error:
            Trade.rollback()
            raise TemporaryError(f"The stop-loss on {pair} could not be prepared: {error!r}; not placed") from error
        if is_there:
            return {**stop_rows.structure(record), "status": "open"}
        token = _STOP.set(record)
        try:
            placed = super().create_stoploss(**{**stop, "amount": record.amount, "stop_price": price})
        except BaseException as error:
            stops.failed(record, error)
            is_refusal = isinstance(error, InvalidOrderException) and not isinstance(error, InsufficientFundsError)
            if is_refusal or (isinstance(error, Exception) and not isinstance(error, FreqtradeException)):
                raise TemporaryError(f"No stop-loss at the venue on {pair}: {error}") from error
            raise
        finally:
            _STOP.reset(token)
        return {**stop_rows.structure(stops.placed(record, placed["id"])), "status": "open"}

    def _get_stop_params(self, side: str, ordertype: str, stop_price: float) -> dict[str, Any]:
        params = super()._get_stop_params(side=side, ordertype=ordertype, stop_price=stop_price)
        stop = _STOP.get()
        if stop is None:
            return params
        if type_of(stop) is StrategyType.TRIGGER:
            params[_TRIGGER_PARAM] = params.pop(_PRICE_PARAM)
        own = {"clientOrderId": stop.client_id, LOOKS_ON: True, URGENT: True, "timeout": self._pace.read_ms()}
        return {**params, "marginMode": "cross", **own}

    def fetch_stoploss_order(self, order_id: str, pair: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return a stop as the last lookup has shown it; open while its end is not proven."""
        if not self.live:
            return super().fetch_stoploss_order(order_id, pair, params)
        return self.managers.stops.structure(order_id, pair)

    def cancel_stoploss_order_with_result(self, order_id: str, pair: str, amount: float) -> dict[str, Any]:
        """Cancel a stop, and return it as it is then: canceled, closed with its fills, or open without proof.

        Nothing is raised: freqtrade cancels the stop as the first step of an exit, which goes on in any case.
        """
        if not self.live:
            return super().cancel_stoploss_order_with_result(order_id, pair, amount)
        return self.managers.stops.cancel(order_id, pair)

    def _last_price(self, pair: str) -> float | None:
        """Return the last price of a pair; None where the venue does not answer."""
        try:
            last = self._api.fetch_ticker(pair)["last"]
        except ccxt.BaseError:
            return None
        return None if last is None else float(last)
