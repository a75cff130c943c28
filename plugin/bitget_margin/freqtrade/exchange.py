"""The exchange `bitgetcross`: freqtrade's own class for Bitget, on the crossed margin account.

It has a name of its own because that is fail-safe: plain freqtrade refuses a name that it does not know, and would
trade the spot wallet under the name `bitget`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from math import isclose
from typing import Any, Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.adapter.errors import report_of
from bitget_margin.adapter.params import RATE_GATE, account_kind_of
from bitget_margin.adapter.place import LOOKS_ON
from bitget_margin.core.api import Api, api_of
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.outcome import Outcome
from bitget_margin.freqtrade import preflight, runtime, trade_rows
from bitget_margin.freqtrade.client import Budget
from bitget_margin.freqtrade.compat import (
    CROSS,
    SPOT,
    Exchange,
    FreqtradeException,
    InvalidOrderException,
    OperationalException,
    TemporaryError,
    Trade,
    is_live,
    is_trading,
    order_row,
)
from bitget_margin.freqtrade.config import NAME, parse_config
from bitget_margin.freqtrade.exits import Exits
from bitget_margin.freqtrade.holdings import Holdings
from bitget_margin.freqtrade.ladder_spec import BUY, SELL
from bitget_margin.freqtrade.ladders import Ladders
from bitget_margin.freqtrade.lost_orders import LostOrders
from bitget_margin.freqtrade.recovery import Recovery
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import ENDED, Origin

logger = logging.getLogger("bitget_margin")

_PUBLIC: Final = (
    "fetchMarkets",
    "fetchOHLCV",
    "fetchOrderBook",
    "fetchTicker",
    "fetchTickers",
    "fetchTrades",
)
"""ccxt's methods that ask for no account."""
_CLIENT_ID: Final[ContextVar[str | None]] = ContextVar("_CLIENT_ID", default=None)


class Bitgetcross(Exchange):
    """Bitget's crossed margin account for freqtrade: spot trading mode, longs without leverage."""

    _ft_has = {  # noqa: RUF012 - freqtrade's own form
        "stoploss_on_exchange": False,
        "stoploss_query_requires_stop_flag": False,
    }
    # freqtrade's destructor reads them, also where the constructor refused before it had set them.
    _exchange_ws = None
    _ws_async = None
    loop: Any = None
    _supported_trading_mode_margin_pairs = [(SPOT, CROSS)]  # noqa: RUF012 - freqtrade's own form

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        try:
            preflight.refuse_modes(config)
            self._settings = parse_config(config)
            self._resting = RestingOrders(self, self._settings)
            self._exits = Exits(self, self._resting)
            self._ladders = Ladders(self, self._resting)
            self._own_orders = Recovery(self, self._resting)
            self._lost_orders = LostOrders(self._resting, self._own_orders.adopt)
            self.holdings = Holdings(self._fetch_balance, self._base_of, lambda: self._dialect.freezes)
            """Balance readings, held against the books."""
            self._unproven: dict[str, str] = {}
            """Entries whose cancel is not proven, and their pairs."""
            super().__init__(config, **kwargs)
        except AttributeError as error:
            # freqtrade's resolver would take it for a missing class, and go on with the generic one: another wallet.
            raise OperationalException(f"{NAME} could not be started: {error!r}") from error

    def __getstate__(self) -> dict[str, Any]:
        """Return what hyperopt's workers get: they never trade, and locks cannot be pickled."""
        ours = {"_resting", "_exits", "_ladders", "_own_orders", "_lost_orders", "holdings"}
        return {name: value for name, value in self.__dict__.items() if name not in ours}

    # -- what we are --------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The name under which freqtrade stores trades."""
        return NAME

    @property
    def name(self) -> str:
        """The name that freqtrade shows."""
        return "Bitget crossed margin"

    @property
    def api(self) -> Any:
        """The sync ccxt object."""
        return self._api

    @property
    def config_of_bot(self) -> dict[str, Any]:
        """The configuration that freqtrade runs with."""
        return self._config

    @property
    def batch_max(self) -> int:
        """How many orders one request may name, on this kind of account."""
        return self._dialect.batch_max

    @property
    def _dialect(self) -> Api:
        return api_of(account_kind_of(self.api, {}))

    @property
    def resting(self) -> RestingOrders:
        """Who watches the resting orders."""
        return self._resting

    @property
    def ladders(self) -> Ladders:
        """Where strategies place resting orders."""
        return self._ladders

    @property
    def exits(self) -> Exits:
        """The exits that are under way."""
        return self._exits

    @property
    def live(self) -> bool:
        """Whether orders are real."""
        return is_live(self._config)

    @property
    def _ccxt_config(self) -> dict[str, Any]:
        # What the market does is asked of the endpoints that serve both kinds of account; the kind is asked for once.
        public = {method: {"uta": False} for method in _PUBLIC}
        shared = {} if self._settings.rate_gate is None else {RATE_GATE: self._settings.rate_gate}
        return {"options": {"defaultType": "spot", "defaultMarginMode": "cross", "uta": None, **public, **shared}}

    def additional_exchange_init(self) -> None:
        """Look at the account before anything is traded."""
        if is_trading(self._config):
            runtime.set_exchange(self)
        if self.live:
            preflight.check_account(self.api, self._resting.alerts)

    def validate_stop_ordertypes(self, order_types: Mapping[str, Any]) -> None:
        """Refuse stop-losses on the exchange."""
        preflight.refuse_stoploss_on_exchange(order_types)

    def validate_config(self, config: dict[str, Any]) -> None:
        """Refuse what the crossed account cannot do."""
        preflight.refuse_modes(config)
        super().validate_config(config)
        if is_trading(config):
            preflight.refuse_pairs(config, self.markets)

    # -- an exit, point by point --------------------------------------------------------------------------------------

    def get_funding_fees(self, pair: str, *_: Any, **__: Any) -> float:
        """Return 0: spot has none. It is what every exit asks first, so fills are booked here."""
        if self.live:
            try:
                self._exits.begin(pair)
            except Exception:
                # Anything but freqtrade's own exceptions would end the bot, with the position open.
                Trade.rollback()
                logger.exception("Exit on %s: the resting orders could not be booked; the exit goes on", pair)
        return 0.0

    def create_order(self, **order: Any) -> dict[str, Any]:
        """Place an order under a client order id of this bot, written down before it is sent.

        An exit sells no more than what the trade still has, and than what no resting order holds.
        """
        if not self.live:
            return super().create_order(**order)
        pair, side = order["pair"], order["side"]
        try:
            if side == SELL:
                order["amount"] = self._exits.amount(pair, order["amount"])
            intent = self._own_orders.intend(pair, side, order["amount"], order["rate"])
        except FreqtradeException:
            raise
        except Exception as error:
            Trade.rollback()
            logger.exception("The %s on %s could not be prepared", side, pair)
            raise TemporaryError(f"The {side} on {pair} could not be prepared: {error!r}; not placed") from error
        token = _CLIENT_ID.set(intent.client_id)
        try:
            placed = super().create_order(**order)
        except BaseException as error:
            self._own_orders.failed(intent, error)
            raise
        finally:
            _CLIENT_ID.reset(token)
        self._own_orders.placed(intent, placed["id"])
        return placed

    def _get_params(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        params = super()._get_params(*args, **kwargs)
        client_id = _CLIENT_ID.get()
        # What is in doubt is looked for by every loop: this one goes on after two look-ups.
        return params if client_id is None else {**params, "clientOrderId": client_id, LOOKS_ON: True}

    def _order_needs_price(self, side: str, ordertype: str) -> bool:
        # A market buy is sent as its cost; ccxt has moved the option that freqtrade reads for it.
        return side == BUY or super()._order_needs_price(side, ordertype)

    # -- what freqtrade asks about its orders -------------------------------------------------------------------------

    def fetch_order(self, order_id: str, pair: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return an order as the venue shows it.

        :raises TemporaryError: no look-up shows it: freqtrade would take any other error for its end
        """
        if not self.live:
            return super().fetch_order(order_id, pair, params)
        rung = self._resting.store.by_order_id(order_id)
        if rung is not None and rung.kind is Origin.LADDER:
            # From our records, and never as open: freqtrade would take it over, and time it out.
            return {**rung.order(), "status": "closed"} if rung.filled else rung.order()
        try:
            bounds = {"marginMode": "cross", "timeout": self._settings.wait_ms}
            order: dict[str, Any] = self.api.fetch_order(order_id, pair, bounds)
        except ccxt.OrderNotFound as error:
            row = order_row(order_id, pair)
            if row is not None and not row.ft_is_open and row.status in ENDED:
                return row.to_ccxt_object()  # what the venue said when it ended; its history forgets after 90 days
            raise TemporaryError(
                f"Order {order_id} on {pair} is in no list of the venue at the moment: {error}"
            ) from error
        except ccxt.BaseError as error:
            raise TemporaryError(f"Order {order_id} on {pair} could not be looked up: {error}") from error
        if order["status"] in ENDED:
            self._unproven.pop(order_id, None)
        elif order_id in self._unproven:
            # freqtrade asks whether an entry that it replaces is gone, and deletes the trade if it is not.
            raise TemporaryError(f"The cancel of order {order_id} on {pair} is not proven yet; it is repeated")
        return order

    def cancel_order_with_result(self, order_id: str, pair: str, amount: float) -> dict[str, Any]:
        """Cancel one of freqtrade's orders and return the venue's own row of it, which may say that it lives.

        :raises InvalidOrderException: an exit whose cancel is not proven; freqtrade then goes on with it as open
        :raises TemporaryError: an entry of which no row was seen at all
        """
        if not self.live:
            return super().cancel_order_with_result(order_id, pair, amount)
        wait = {"timeout": self._settings.wait_ms}
        try:
            report = self.api.batch_cancel([order_id], pair, (), wait)
        except ccxt.BaseError as error:
            found = report_of(error)
            if found is None or not found.results:
                raise TemporaryError(f"Order {order_id} on {pair} could not be cancelled: {error}") from error
            report = found
        (result,) = report.results
        if result.outcome.ended and result.order["filled"] is not None:
            return dict(result.order)
        why = f"{result.outcome.value}: {result.reason or 'no answer'}"
        self._resting.alerts.warn(
            f"Order {order_id} on {pair} is not proven cancelled ({why}). freqtrade keeps it as open, and asks again."
        )
        row = order_row(order_id, pair)
        if row is not None and row.ft_order_side == SELL:
            raise InvalidOrderException(f"The cancel of order {order_id} on {pair} is not proven ({why})")
        self._unproven[order_id] = pair
        if result.outcome in {Outcome.OPEN, Outcome.UNKNOWN} and result.order["status"] == "open":
            return dict(result.order)
        if row is None:
            raise TemporaryError(f"Order {order_id} on {pair} is in no list of the venue at the moment ({why})")
        # What the venue showed last: alive.
        return {**row.to_ccxt_object(), "status": "open"}

    def _cancel_again(self) -> None:
        """Repeat the cancels of entries that are not proven, until a row of the venue shows their end."""
        for order_id, pair in list(self._unproven.items()):
            try:
                report = self.api.batch_cancel([order_id], pair, (), {"timeout": self._settings.wait_ms})
            except ccxt.BaseError as error:
                logger.warning("Order %s on %s is still not proven cancelled: %s", order_id, pair, error)
                return  # a venue in trouble holds this loop up once
            if report.ok:
                del self._unproven[order_id]

    def fetch_orders(self, pair: str, since: datetime, params: Any = None) -> list[dict[str, Any]]:
        """Return the orders of this bot that freqtrade itself placed.

        freqtrade asks only to recover: it adopts whatever it is given, and cancels it when it times out. So neither
        the orders of others nor the resting orders are among them.
        """
        orders = super().fetch_orders(pair, since, self._of_pair(pair, params))
        if not self.live:
            return orders
        key = self._resting.store.key()
        # Nor what another thread is placing just now: both would write it down.
        known = [*self._resting.store.resting_on(pair), *self._resting.store.open(Origin.FREQTRADE)]
        rungs = {rung.client_id for rung in known}
        trade_rows.refresh()
        ours = [order for order in orders if client_order_ids.is_ours(key, order.get("clientOrderId"))]
        trade = trade_rows.open_trade(pair)
        # All sold by its rows, and still open: freqtrade was killed in the middle, and closes it by reading them again.
        again = trade is not None and self.amount_to_precision(pair, trade_rows.remaining_amount(trade)) == 0
        return [
            order for order in ours if order["clientOrderId"] not in rungs and (again or not _is_booked(order, pair))
        ]

    def _of_pair(self, pair: str, params: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """Return the parameters with the symbol, which ccxt does not send for a unified account: pages mix pairs."""
        given = dict(params or {})
        unified = self.live and account_kind_of(self.api, {}) is AccountKind.UNIFIED
        return {**given, "symbol": self.markets[pair]["id"]} if unified else given or None

    # -- what our own side asks ---------------------------------------------------------------------------------------

    def free(self, currency: str) -> float:
        """Return what of a currency no order holds; without what could be borrowed."""
        balance = self.get_balances().get(currency) or {}
        return float(balance.get("free") or 0.0)

    def get_balances(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return freqtrade's own reading of the balance, and remember it: it is what an exit is decided on."""
        balances = super().get_balances(*args, **kwargs)
        if self.live:
            self.holdings.remember(balances)
        return balances

    def _fetch_balance(self) -> Mapping[str, Any]:
        balance: Mapping[str, Any] = self.api.fetch_balance({"marginMode": "cross", "timeout": self._settings.wait_ms})
        return balance

    def _base_of(self, pair: str) -> str:
        return str(self.markets[pair]["base"])

    def fee_of(self, order_id: str, pair: str, since_ms: int, currency: str, filled: float) -> float | None:
        """Return what the fills of an order cost in a currency; None where the venue does not show all of it."""
        since = datetime.fromtimestamp(since_ms / 1_000, UTC)
        try:
            fills = self.get_trades_for_order(order_id, pair, since)
        except TemporaryError as error:
            logger.warning("The fee of order %s on %s could not be read: %s", order_id, pair, error)
            return None
        if not isclose(sum(fill["amount"] or 0.0 for fill in fills), filled, rel_tol=1e-9):
            return None
        if not all(fill["fees"] for fill in fills):
            return None
        return float(sum(fee["cost"] for fill in fills for fee in fill["fees"] if fee["currency"] == currency))

    def process_loop(self) -> None:
        """Do what has to be done in every loop."""
        with self._resting.lock:
            resting = self._resting
            budget = Budget(self._settings.wait_ms)
            steps: tuple[Callable[[], object], ...] = (
                resting.repair_after_crash,
                lambda: self._own_orders.resolve(budget=budget),
                self._cancel_again,
                lambda: resting.process_loop(self._exits.busy()),
                lambda: self._lost_orders.look(budget),
                lambda: self._ladders.place_waiting(self._exits.busy(), budget),
            )
            for step in steps:
                try:
                    step()
                except Exception:
                    Trade.rollback()
                    logger.exception("A part of the look at the orders failed; the next loop tries again")

    def hand_over_ended(self) -> None:
        """Let freqtrade book the ends of resting orders; the last thing before it looks at its own orders."""
        with self._resting.lock:
            self._resting.hand_over_ended(self._exits.busy())


def _is_booked(order: Mapping[str, Any], pair: str) -> bool:
    """Whether freqtrade has this order as ended, with all that it filled: booked again, it might close its trade."""
    row = order_row(order["id"], pair)
    return row is not None and not row.ft_is_open and (row.filled or 0.0) == (order.get("filled") or 0.0)
