"""The exchange `bitgetcross`: freqtrade's own class for Bitget, on the cross margin account.

It has a name of its own because that is fail-safe: plain freqtrade refuses a name that it does not know, and would
trade the spot wallet under the name `bitget`.
"""

import importlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from math import isclose
from typing import Any, Final
from urllib.parse import urlsplit

import ccxt

from bitget_margin.adapter import round_trips
from bitget_margin.adapter.loopback import is_loopback
from bitget_margin.adapter.margin_markets import is_paused, supports_cross_margin, with_margin_numbers
from bitget_margin.adapter.params import LOOKS_ON, RATE_GATE, STRATEGY_ORDERS, URGENT, account_kind_of
from bitget_margin.core.api import Api, api_of
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.freqtrade import database_identity, database_lock, preflight, runtime, trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Pace
from bitget_margin.freqtrade.client import VenueClient
from bitget_margin.freqtrade.compat import (
    CROSS,
    FUTURES,
    RETRIES,
    SPOT,
    FreqtradeException,
    InsufficientFundsError,
    OperationalException,
    TemporaryError,
    Trade,
    has_database,
    is_funding_update,
    is_live,
    is_trading,
    new_trade,
    order_row,
)
from bitget_margin.freqtrade.config import NAME, TITLE, parse_config
from bitget_margin.freqtrade.database_identity import DatabaseIdentity, RunMode
from bitget_margin.freqtrade.dead_mans_switch import DeadMansSwitch
from bitget_margin.freqtrade.dry_run_client import DryRunClient
from bitget_margin.freqtrade.exit_prices import Ask, ExitPrices
from bitget_margin.freqtrade.exits import ExitOrder
from bitget_margin.freqtrade.freqtrade_parts import refuse_moved_parts
from bitget_margin.freqtrade.holdings import IS_UNIFIED, Holdings
from bitget_margin.freqtrade.ladder_spec import BUY
from bitget_margin.freqtrade.leverage_notice import simulated_notice
from bitget_margin.freqtrade.live_leverage import LiveLeverage
from bitget_margin.freqtrade.managers import Managers
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.pushes import OrderPushes
from bitget_margin.freqtrade.repeated_warnings import RepeatedWarnings, RepeatFilter
from bitget_margin.freqtrade.start_checks import log_checks
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
"""ccxt's methods that need no account."""
_ORDER_PARAMS: Final[ContextVar[Mapping[str, Any]]] = ContextVar("_ORDER_PARAMS", default={})  # noqa: B039 - read only
"""Parameters of the order that is being placed."""
_DECIDES: Final = ContextVar("_DECIDES", default=False)
"""Whether the price that freqtrade asks for decides on an exit, or on a change of a position."""
_BALANCE_SECONDS: Final = 10.0
"""Age up to which the last balance answers where the venue does not."""
_RATES_SECONDS: Final = 5.0
"""Longest time for the interest rates that the start shows: open trades wait for their stop-losses meanwhile."""
_ENTRY_SECONDS: Final = 1.0
"""Longest time between an entry order and freqtrade's question for its funding fees."""
_MANAGERS: Final = frozenset(
    {"managers", "store", "alerts", "exits", "rests", "ladders", "maintenance", "unproven", "_pace", "switch", "pushes"}
    | {"_prices", "_repeats"}  # they have locks
)
"""Attributes that only a trading process needs."""


class Bitgetcross(LiveLeverage):
    """Bitget's cross margin account for freqtrade: longs in spot mode, leverage and shorts in futures mode."""

    # freqtrade's destructor reads them, also where the constructor refused before it had set them.
    _exchange_ws = None
    _ws_async = None
    loop: Any = None
    _listed: Mapping[str, Any] | None = None
    """Markets as ccxt has loaded them, from which those below are made."""
    _with_margin_numbers: dict[str, Any]
    _async_config: tuple[dict[str, Any], bool, dict[str, Any]]
    """freqtrade's arguments for its exchange object of the websocket flavour."""
    _supported_trading_mode_margin_pairs = [(SPOT, CROSS), (FUTURES, CROSS)]  # noqa: RUF012 - freqtrade's own form

    def __init__(self, config: dict[str, Any], **kwargs: Any) -> None:
        try:
            refuse_moved_parts(config)
            preflight.refuse_modes(config)
            self._settings = parse_config(config)
            self._build_managers(is_live=is_live(config), is_leveraged=preflight.is_leveraged(config))
            super().__init__(config, **kwargs)
            self._is_built = True
        except AttributeError as error:
            # freqtrade's resolver would take it for a missing class, and go on with the generic one: another wallet.
            raise OperationalException(f"{NAME} could not be started: {error!r}") from error

    def _build_managers(self, *, is_live: bool, is_leveraged: bool = False) -> None:
        """Build the managers of the bot's orders, real ones or simulated ones."""
        self.pushes = OrderPushes(
            make=self._make_websocket,
            lists_all=lambda: account_kind_of(self.api, {}) is AccountKind.UNIFIED,
            enabled=self._settings.order_pushes is not None,
        )
        self._repeats = RepeatFilter(RepeatedWarnings())
        self._pace = pace = Pace(self._settings.wait_ms, lambda: round_trips.longest_ms(self.api))
        api: Callable[[], Any] = lambda: self.api  # noqa: E731 - freqtrade may replace it
        self.managers = managers = Managers(
            store=OrderStore(),
            client=VenueClient(api, pace) if is_live else DryRunClient(api, pace, self._best_prices),
            alerts=Alerts(repeated=self._repeats.repeated),
            holdings=Holdings(
                self._fetch_balance if is_live else dict,
                self._base_of,
                lambda: not is_live or self._core_api.FREEZES,
                fetch_for_freqtrade=self._fetch_balances_once if is_live else None,
                besides=self._besides,
                has_positions=is_live and is_leveraged,
            ),
            rules=self,
            settings=self._settings,
            new_trade=partial(new_trade, self),
            pushes=self.pushes,
            entry_terms=self._entry_terms if is_live and is_leveraged else None,
        )
        self.store, self.alerts = managers.store, managers.alerts
        self.exits, self.rests = managers.exits, managers.rests
        self.ladders, self.maintenance, self.unproven = managers.ladders, managers.maintenance, managers.unproven
        self.switch = DeadMansSwitch(
            api=lambda: self.api, alerts=managers.alerts, settings=self._settings.dead_mans_switch
        )
        self._prices = ExitPrices(pairs=_pairs_of_open_trades)
        self.is_database_checked = False
        self._entered: dict[str, tuple[int, float]] = {}
        """Thread and time of the last entry, by pair."""
        self._fills_of_booking: dict[str, list[Any]] = {}
        """Complete fills of orders that freqtrade is given to book, by order id."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for hyperopt's workers: they never trade, and locks cannot be pickled."""
        return {name: value for name, value in self.__dict__.items() if name not in _MANAGERS}

    # -- identity -----------------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The name under which freqtrade stores trades."""
        return NAME

    @property
    def name(self) -> str:
        """The name that freqtrade shows."""
        return TITLE

    @property
    def api(self) -> Any:
        """The sync ccxt object."""
        return self._api

    @property
    def batch_max(self) -> int:
        """Number of orders that one request may name, on this kind of account."""
        return self._core_api.BATCH_MAX

    @property
    def _core_api(self) -> Api:
        return api_of(account_kind_of(self.api, {}))

    @property
    def _ccxt_config(self) -> dict[str, Any]:
        # Market data comes from endpoints that serve both account kinds, so the kind is queried once, for the account.
        public = {method: {"uta": False} for method in _PUBLIC}
        shared = {} if self._settings.rate_gate is None else {RATE_GATE: self._settings.rate_gate}
        strategies = {STRATEGY_ORDERS: self._settings.strategy_orders}
        more = {**strategies, **public, **shared}
        return {"options": {"defaultType": "spot", "defaultMarginMode": "cross", "uta": None, **more}}

    def _make_websocket(self) -> Any:
        """Return an exchange object of the websocket flavour, with what this one knows of the account.

        :raises PartMoved: ccxt's websocket code has changed, and freqtrade has the async flavour in its place
        """
        importlib.import_module("bitget_margin.pro")
        made = super()._init_ccxt(*self._async_config)
        made.set_markets_from_exchange(self.api)
        made.learn_account_kind(account_kind_of(self.api, {}))
        return made

    def _init_ccxt(self, exchange_config: dict[str, Any], sync: bool, ccxt_kwargs: dict[str, Any]) -> Any:
        if not sync:
            self._async_config = exchange_config, sync, ccxt_kwargs
        return super()._init_ccxt(exchange_config, sync, ccxt_kwargs)

    def additional_exchange_init(self) -> None:
        """Check the account before anything is traded."""
        if is_trading(self._config):
            runtime.set_exchange(self)
            self._repeats.install()
        if self.live and self.is_leveraged:
            self._build_leverage(self.alerts, self._pace)
            read_rates = partial(self._learn_interest_rates, _RATES_SECONDS)
            log_checks(self.api, preflight.check_account(self.api, self.alerts, self.leverage_settings, read_rates))
        elif self.live:
            log_checks(self.api, preflight.check_account(self.api, self.alerts))
        elif self.is_leveraged and is_trading(self._config):
            rates = self._learn_interest_rates()
            self.alerts.info(simulated_notice(self.leverage_settings, rates))

    def close(self) -> None:
        """Close what freqtrade closes; the log of the process is no longer that of this bot."""
        if "_repeats" in vars(self):
            self._repeats.remove()
        super().close()

    def check_database(self) -> None:
        """Refuse a database of another account, exchange, run mode or running bot; once, as soon as it is open."""
        if self.is_database_checked or not has_database():
            return
        database_lock.hold(Trade.session.get_bind().url)
        run_mode = RunMode.LIVE if self.live else RunMode.DRY_RUN
        uid, host = self.api.options.get("uid"), urlsplit(self.api.urls["api"]["margin"]).hostname
        own = DatabaseIdentity(run_mode, uid, trading_mode=self.trading_mode, is_local=is_loopback(host))
        database_identity.check(own, self.alerts)
        self.is_database_checked = True

    def validate_config(self, config: dict[str, Any]) -> None:
        """Refuse settings and pairs that the cross margin account does not support."""
        preflight.refuse_modes(config)
        preflight.refuse_futures_names(config)
        super().validate_config(config)
        if is_trading(config):
            preflight.refuse_pairs(config, self.markets)
            preflight.refuse_taken_api_port(config)

    @property
    def markets(self) -> dict[str, Any]:
        """The markets with the numbers of cross margin orders: the only ones that this exchange places."""
        listed: dict[str, Any] = super().markets
        if listed is not self._listed:
            self._listed = listed
            self._with_margin_numbers = {pair: with_margin_numbers(market) for pair, market in listed.items()}
        return self._with_margin_numbers

    def market_is_tradable(self, market: dict[str, Any]) -> bool:
        """Whether a market is tradable for freqtrade, and on cross margin as far as that is known."""
        tradable: bool = super().market_is_tradable(market)
        return tradable and supports_cross_margin(market) and not is_paused(market)

    # -- an exit, point by point --------------------------------------------------------------------------------------

    def get_funding_fees(self, pair: str, *args: Any, **kwargs: Any) -> float:
        """Return the interest of a trade, 0 in spot mode. Every exit calls this first, so fills are recorded here.

        :raises TemporaryError: whether an earlier run of the bot has sent this exit is not known yet
        """
        is_exit = not is_funding_update()
        if is_exit and self.live and self.is_leveraged:
            self.account.end_exit()
        if self.has_ladders and is_exit and not self._has_just_entered(pair):
            self.managers.holdings.end_booking()
            self.unproven.begin_exit(pair)
            try:
                self.exits.begin(pair)
            except FreqtradeException:
                raise
            except Exception:
                # Anything but freqtrade's own exceptions would end the bot, with the position open.
                Trade.rollback()
                logger.exception(
                    "Exit on %s: the fills of the resting orders could not be recorded; the exit goes on", pair
                )
        if not (self.live and self.is_leveraged):
            return super().get_funding_fees(pair, *args, **kwargs)
        return self._live_interest(pair, is_exit=is_exit)

    def create_order(self, **order: Any) -> dict[str, Any]:
        """Place an order under a client order id of this bot, stored before it is sent.

        An exit closes only what the trade still has and no resting order holds.
        """
        pair, side, is_exit = order["pair"], order["side"], self.is_exit(order)
        if not self.live:
            given = self._exit_order(order) if is_exit and self.has_ladders else None
            simulated = super().create_order(**order | _changes(given))
            self._note_entry(pair, is_exit=is_exit)
            return simulated
        try:
            given = None
            if is_exit:
                self.managers.stops.refuse_after_stop(pair)
                given = self._exit_order(order)
                order |= _changes(given)
            loan = self._loan_of(order, is_exit=is_exit, owed=None if given is None else given.owed)
            order |= loan.changes
            # In spot mode, a buy is an entry, and nothing is sent larger.
            terms: dict[str, Any] = {"is_entry": not is_exit, "sent": loan.sent} if self.is_leveraged else {}
            intent = self.managers.recovery.intend(pair, side, order["amount"], order["rate"], **terms)
            try:
                self._store_entry(intent, loan)
            except Exception:
                # Nothing was sent. Without its entry, it would pass for an exit, and hold back those of a later trade.
                self.managers.recovery.forget(intent)
                raise
        except FreqtradeException:
            raise
        except Exception as error:
            Trade.rollback()
            logger.exception("The %s on %s could not be prepared", side, pair)
            raise TemporaryError(f"The {side} on {pair} could not be prepared: {error!r}; not placed") from error
        # Every loop looks up orders in doubt: placing ends after two lookups. No store holds an exit up.
        more = {URGENT: True} if is_exit else {}
        if is_exit:
            self._prices.ask_anew()
        token = _ORDER_PARAMS.set({"clientOrderId": intent.client_id, LOOKS_ON: True, **more, **loan.params})
        try:
            placed = super().create_order(**order | ({} if loan.sent is None else {"amount": loan.sent}))
        except BaseException as error:
            self.managers.recovery.failed(intent, error)
            if is_exit and isinstance(error, InsufficientFundsError):
                self.exits.refused(pair)
            self._note_refusal(loan, error)
            raise
        finally:
            _ORDER_PARAMS.reset(token)
        self.managers.recovery.placed(intent, placed["id"])
        self._note_entry(pair, is_exit=is_exit)
        return self._shown_placed(placed, intent, order, is_exit=is_exit)

    def _note_entry(self, pair: str, *, is_exit: bool) -> None:
        """Note that an entry was placed: freqtrade asks for its funding fees next, as it does for those of an exit."""
        if not is_exit:
            self._entered[pair] = threading.get_ident(), time.monotonic()

    def _exit_order(self, order: Mapping[str, Any]) -> ExitOrder | None:
        """Return the exit order to send: None for freqtrade's own if it cannot be computed and nothing is lent."""
        pair = order["pair"]
        try:
            return self.exits.place(pair, order["amount"], order["ordertype"], order["rate"])
        except FreqtradeException:
            raise
        except Exception:
            if not self.managers.holdings.freezes():
                raise
            Trade.rollback()
            logger.exception("Exit on %s: its amount could not be computed; it is sent as freqtrade decided", pair)
            return None

    def _has_just_entered(self, pair: str) -> bool:
        """Whether this thread has placed an entry on a pair a moment ago: freqtrade then asks for its funding fees."""
        thread, at = self._entered.pop(pair, (0, 0.0))
        return thread == threading.get_ident() and time.monotonic() - at < _ENTRY_SECONDS

    def _get_params(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        params = {**super()._get_params(*args, **kwargs), **_ORDER_PARAMS.get()}
        if self.is_leveraged:
            params.pop("reduceOnly", None)  # no parameter of margin orders, and ccxt sends it on unified accounts
        return params

    def _order_needs_price(self, side: str, ordertype: str) -> bool:
        # A market buy is sent as its cost; ccxt has moved the option that freqtrade reads for it.
        return side == BUY or super()._order_needs_price(side, ordertype)

    # -- orders that freqtrade queries ---------------------------------------------------------------------------------

    def fetch_order(self, order_id: str, pair: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return an order as the venue shows it.

        :raises TemporaryError: no lookup shows it; freqtrade would take any other error for its end
        """
        rung = self.store.by_order_id(order_id) if self.has_ladders else None
        if rung is not None and rung.origin is Origin.LADDER:
            # From the order store, and never as open: freqtrade would take it over, and cancel it at a timeout.
            return self._shown_rung(rung) if rung.filled else rung.to_ccxt()
        if not self.live:
            return super().fetch_order(order_id, pair, params)
        try:
            bounds = self._bounds() | self._lookup_params(order_id)
            order: dict[str, Any] = self.api.fetch_order(order_id, pair, bounds)
        except ccxt.OrderNotFound as error:
            row = order_row(order_id, pair)
            if row is not None and not row.ft_is_open and row.status in ENDED:
                return row.to_ccxt_object()  # its final state, which history drops after 90 days
            raise TemporaryError(
                f"Order {order_id} on {pair} is in no list of the venue at the moment: {error}"
            ) from error
        except ccxt.BaseError as error:
            raise TemporaryError(f"Order {order_id} on {pair} could not be looked up: {error}") from error
        return self._shown(self.unproven.shown(order_id, pair, order), pair)

    def cancel_order_with_result(self, order_id: str, pair: str, amount: float) -> dict[str, Any]:
        """Cancel one of freqtrade's orders and return the venue's row of it, which may show it as open.

        :raises InvalidOrderException: an exit whose cancel is not proven; freqtrade then goes on with it as open
        :raises TemporaryError: an order without proof that is not in freqtrade's rows
        """
        if not self.live:
            return super().cancel_order_with_result(order_id, pair, amount)
        return self._shown(self.unproven.cancel(order_id, pair), pair)

    def fetch_orders(self, pair: str, since: datetime, params: Any = None) -> list[dict[str, Any]]:
        """Return the orders that freqtrade may adopt; it asks for them only to recover.

        None where the venue is slow and resting orders may have sold the coins that it misses: its exit looks those
        up next.
        """
        if self.live and self._pace.is_slow and self.managers.resting_may_have_sold(pair):
            return []
        orders = super().fetch_orders(pair, since, params)
        if not self.live:
            return orders
        adopted = self.managers.recovery.adoptable(pair, orders, lambda amount: self.amount_to_precision(pair, amount))
        return self._with_liquidations(orders, adopted, pair)

    # -- ports of the managers -----------------------------------------------------------------------------------------

    def free(self, currency: str) -> float:
        """Return the balance that no order holds, without what could be borrowed."""
        if not self.live:
            return self._simulated_free(currency)
        self.managers.holdings.end_booking()  # ladders that were placed meanwhile hold coins
        balance = self._read_balances().get(currency) or {}
        return float(balance.get("free") or 0.0)

    def get_balances(self, params: Any = None, *, count: int = RETRIES) -> dict[str, Any]:
        """Return the balance; with leverage, as freqtrade counts it: the margin as one, and no coins of trades."""
        if not (self.live and self.is_leveraged):
            return self._read_balances(params, count=count)
        before_exit = self.account.before_exit()
        if before_exit is not None:
            return dict(before_exit.balances())
        try:
            if self.managers.holdings.has_hung() and self.account.last_books():
                raise TemporaryError("the last request for it has got no answer")
            return self._as_margin(self._read_balances(params, count=count))
        except TemporaryError as error:
            books = self.account.last_books()
            if books is None:
                raise
            # freqtrade asks before each exit, and would not send it; several exits do not wait for one answer each.
            logger.warning("The balance could not be read, and the last one is used, however old it is: %s", error)
            return dict(books.balances())

    def _read_balances(self, params: Any = None, *, count: int = RETRIES) -> dict[str, Any]:
        """Return freqtrade's own reading of the balance, and remember it: exits are decided on it.

        The first one is freqtrade's first step after it has opened its database, which is checked then.
        """
        if self.live:
            self.check_database()
            known = self.managers.holdings.take_ahead() or self.managers.holdings.of_booking()
            if known is not None:
                return dict(known)
        sent_seconds = self.managers.holdings.clock()
        last = self.managers.holdings.last_reading(_BALANCE_SECONDS) if self.live else None
        if last is None and not (self.live and self.is_leveraged and self.account.last_books()):
            balances = self._with_kind(super().get_balances(params, count=count))
        else:
            # freqtrade reads the balance outside of any handler: one failure would skip all exits, and 30 s.
            try:
                balances = self._fetch_balances_once(params)
            except TemporaryError as error:
                self.managers.holdings.note_failure(sent_seconds)
                if last is None:
                    raise
                logger.warning("The balance could not be read, and the last one is used: %s", error)
                return dict(last)
        if self.live:
            self.managers.holdings.remember(balances, sent_seconds)
        return balances

    def _read_balances_anew(self) -> dict[str, Any]:
        """Return a balance that is read now, tried once: an entry is not decided on an earlier one.

        :raises TemporaryError: there is no answer; or there was none a moment ago, and this one is not waited for
        """
        sent_seconds = self.managers.holdings.clock()
        if self.managers.holdings.has_hung():
            raise TemporaryError("The balance is not read: the last request for it has got no answer")
        try:
            balances = self._fetch_balances_once()
        except TemporaryError:
            self.managers.holdings.note_failure(sent_seconds)
            raise
        self.managers.holdings.remember(balances, sent_seconds)
        return balances

    def _fetch_balances_once(self, params: Any = None) -> dict[str, Any]:
        """Return freqtrade's own reading of the balance, tried once, within the time of a slow venue."""
        timeout_ms = self._settings.wait_ms + 2 * self._pace.round_trip_ms
        return self._with_kind(super().get_balances({"timeout": timeout_ms, **(params or {})}, count=0))

    def _with_kind(self, balances: dict[str, Any]) -> dict[str, Any]:
        """Return a balance that was read just now, with the kind of account that it is of: totals depend on it.

        An answer that names the other kind, true or not, may change what is known before the balance is used.
        """
        if self.is_leveraged:
            balances[IS_UNIFIED] = account_kind_of(self.api, {}) is AccountKind.UNIFIED
        return balances

    def _bounds(self) -> dict[str, Any]:
        return {"marginMode": "cross", "timeout": self._pace.read_ms()}

    def _fetch_balance(self) -> Mapping[str, Any]:
        return self._with_kind(self.api.fetch_balance(self._bounds()))

    def _base_of(self, pair: str) -> str:
        return str(self.markets[pair]["base"])

    def fee_of(self, order_id: str, pair: str, since_ms: int, currency: str, filled: float) -> float | None:
        """Return the fees of an order in a currency; None if the venue does not show all of its fills."""
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
        self._fills_of_booking[order_id] = fills
        return float(sum(fee["cost"] for fill in fills for fee in fill["fees"] if fee["currency"] == currency))

    def get_trades_for_order(self, order_id: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the fills of an order; those that were just read for its fee are not read again."""
        known = self._fills_of_booking.pop(order_id, None)
        return list(super().get_trades_for_order(order_id, *args, **kwargs) if known is None else known)

    def process_loop(self) -> None:
        """Process the bot's orders at the beginning of a loop."""
        if self.live:
            self._prices.begin_loop()
        self.switch.loop_ran()
        self.managers.holdings.end_booking()
        self._fills_of_booking.clear()
        self._entered.clear()  # freqtrade asks for the funding fees of an entry at once, if it does
        self.managers.process_loop()
        self._process_margin()

    def hand_over_ended(self) -> None:
        """Let freqtrade book the ends of resting orders; the last step before it queries its own orders."""
        holdings = self.managers.holdings
        if not self.managers.hand_over_ended():
            holdings.end_booking()
            return
        holdings.begin_booking()
        self._begin_booking()

    def get_rate(self, pair: str, *args: Any, **kwargs: Any) -> float:
        """Return freqtrade's own rate; its first one after the booking of orders ends that."""
        if self.live:
            self.managers.holdings.end_booking()
        is_exit = bool(kwargs.get("refresh")) and kwargs.get("side") == "exit"
        token = _DECIDES.set(is_exit or _DECIDES.get())
        try:
            rate = super().get_rate(pair, *args, **kwargs)
        finally:
            _DECIDES.reset(token)
        if self.live and self.is_leveraged:
            self.account.note_price(self._base_of(pair), rate)
        return rate

    def get_rates(self, pair: str, refresh: bool, *args: Any, **kwargs: Any) -> tuple[float, float]:
        """Return freqtrade's own rates, by which a strategy changes its position."""
        token = _DECIDES.set(refresh)
        try:
            rates: tuple[float, float] = super().get_rates(pair, refresh, *args, **kwargs)
        finally:
            _DECIDES.reset(token)
        return rates

    def fetch_ticker(self, pair: str, **kwargs: Any) -> dict[str, Any]:
        """Return a ticker; one that decides on a trade may have been asked for ahead."""
        return self._price("ticker", pair, partial(super().fetch_ticker, **kwargs))

    def fetch_l2_order_book(self, pair: str, limit: int = 100, **kwargs: Any) -> dict[str, Any]:
        """Return an order book; one that decides on a trade may have been asked for ahead."""
        return self._price(limit, pair, partial(super().fetch_l2_order_book, limit=limit, **kwargs))

    def _price(self, kind: str | int, pair: str, fetch: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        if not _DECIDES.get():
            return fetch(pair)
        ahead: dict[str, Any] | None = self._prices.of(pair, Ask(kind, partial(fetch, count=0)))
        if ahead is not None:
            return ahead
        since = time.monotonic()
        price = fetch(pair)
        self._prices.note_own(time.monotonic() - since)
        return price


def _pairs_of_open_trades() -> list[str]:
    return [trade.pair for trade in trade_rows.open_trades().values()]


def _changes(given: ExitOrder | None) -> dict[str, Any]:
    """Return the arguments of freqtrade's order that an exit changes."""
    return {} if given is None else {"amount": given.amount, "ordertype": given.ordertype}
