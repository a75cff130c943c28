"""Upkeep of the resting orders: after a start, in every loop, and as the bot ends."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar

import ccxt
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin.drivers.beside import Beside
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient, ViewedOrders
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, REL_TOLERANCE, Holdings
from bitget_margin.freqtrade.ladder_spec import SELL
from bitget_margin.freqtrade.late_views import LateViews
from bitget_margin.freqtrade.lookups import Lookups
from bitget_margin.freqtrade.missed_lookups import MissedLookups
from bitget_margin.freqtrade.open_lists import OpenLists
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.ports import MarketRules
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey

logger = logging.getLogger("bitget_margin")

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

LOST_AFTER_SECONDS: Final = 30.0
"""Time for which an order without an answer is looked up where the balance does not decide sooner."""
WARN_AFTER_SECONDS: Final = 60.0
"""Time for which an order with an id may be in neither list before the user is warned."""
_SIDE_BY_SIDE: Final = 4
"""Number of pairs that are looked up at a time."""
_QUICK_MS: Final = 100.0
"""Round trip below which pairs are looked up one after the other."""
_BOOKED_LATEST_SECONDS: Final = 30.0
"""Longest time for which a slow venue defers that booking."""
EXIT_SECONDS: Final = 30.0
"""Longest time that the end of the bot may take to cancel ladders."""


@dataclass(eq=False, kw_only=True)
class Maintenance:
    """Work on resting orders that no exit asks for."""

    resting: RestingOrders
    missed: MissedLookups
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    holdings: Holdings
    rules: MarketRules
    lock: threading.RLock
    lookups: Lookups
    lists: OpenLists
    clock: Callable[[], float] = time.monotonic
    late_views: LateViews = field(init=False)
    _no_room_since: dict[str, float] = field(default_factory=dict, init=False)
    """Time from which balances leave no room for an order without an answer, by client order id."""
    _repaired: bool = field(default=False, init=False)
    _handed_over: set[str] = field(default_factory=set, init=False)
    """Client order ids of ended orders that freqtrade was given to book."""
    _wanted_since: dict[str, float] = field(default_factory=dict, init=False)
    """Time from which an ended order waits to be booked, by client order id."""

    def __post_init__(self) -> None:
        self.late_views = LateViews(self.client, self.store)

    # -- the start and the end of the bot -----------------------------------------------------------------------------

    def repair_after_crash(self) -> None:
        """Correct trades that a crash has left behind their rows, once after a start."""
        if self._repaired:
            return
        trade_rows.refresh()
        waiting = {order.trade for order in self.store.unsettled()}
        for key, trade in trade_rows.open_trades().items():
            left = self.rules.amount_to_precision(trade.pair, trade_rows.remaining_amount(trade))
            done = trade_rows.repair(trade, left, is_booked=key not in waiting)
            if done is not None:
                self.alerts.info(f"Trade {trade.id} on {trade.pair} {done}")
        if known := self.store.open(Origin.LADDER):
            trades = len({order.trade for order in known})
            self.alerts.info(f"{len(known)} resting orders of {trades} trades are in the database, and looked up now.")
        self._repaired = True

    def cancel_all_at_exit(self) -> None:
        """Cancel every resting order, because the bot ends."""
        with self.lock:
            trade_rows.refresh()
            began, trades, left = self.clock(), trade_rows.open_trades(), 0
            by_trade = _grouped(self.store.open(Origin.LADDER), lambda order: (order.pair, order.trade))
            for (pair, key), orders in by_trade.items():
                if self.clock() - began > EXIT_SECONDS:
                    left += len(orders)
                    continue
                done = self.resting.cancel(_trade_of(trades, key), pair, orders, self.client.pace.loop_budget())
                left += len(done.unresolved)
            if left:
                self.alerts.warn(
                    f"The bot ends, and {left} resting orders are not proven canceled: nobody watches them now. "
                    "Cancel them on the exchange, or start the bot again.",
                )

    def report_resting_at_exit(self) -> None:
        """Log how many resting orders stay on the venue while the bot is down."""
        try:
            staying = len(self.store.open(Origin.LADDER))
        except SQLAlchemyError:
            return  # freqtrade's own end, which comes next, says what is wrong with the database
        if staying:
            self.alerts.info(f"{staying} resting orders stay on the venue; the bot takes them up again when it starts.")

    # -- every loop ---------------------------------------------------------------------------------------------------

    def process_loop(self, busy: Collection[TradeKey], budget: Budget) -> None:
        """Look up every resting order, record fills, and cancel the orders of ended trades.

        :param busy: trades that another thread is exiting
        :param budget: the time for all of it
        """
        with self.lock:
            trade_rows.refresh()
            self.resting.begin_loop()
            trades = trade_rows.open_trades()
            for late in self.late_views.ended({order.client_id: order for order in self._open_orders(busy)}):
                self._process_pair(late.pair, late.orders, late.viewing, trades, budget)
            pairs = _grouped(self._open_orders(busy), lambda order: order.pair)
            # Once after a start, also where the store knows no order: it may be an older copy.
            known = {trade.pair for key, trade in trades.items() if key not in busy}
            known |= {order.pair for order in self.store.open(Origin.FREQTRADE) if order.trade not in busy}
            for pair in known - self.lookups.swept:
                pairs.setdefault(pair, [])
            self.lookups.pushes.follow(pairs)
            self.lists.compare_ended(pairs)

            def priority(pair: str) -> tuple[bool, float]:
                """Pairs with something to cancel come first, then those that have waited longest."""
                urgent = any(
                    order.trade not in trades or order.trade in self.resting.unresolved for order in pairs[pair]
                )
                return not urgent, -self.lookups.age_seconds(pair)

            urgent = {pair for pair in pairs if self._is_urgent(pairs[pair], trades)}
            wanted = [pair for pair in sorted(pairs, key=priority) if pair in urgent or self.lookups.is_due(pair)]
            listed = [pair for pair in wanted if pair in self.lookups.swept and pair not in urgent]
            calm = self.lists.still_due(pairs, listed, budget)
            wanted = [pair for pair in wanted if pair not in listed or pair in calm]
            if self.client.pace.is_slow:
                # The exits of this loop come next: they do not wait for what they look up themselves.
                begun = [pair for pair in calm if pair not in self.late_views]
                self.lookups.begin(begun)
                for pair in begun:
                    self.late_views.begin(pair, pairs[pair])
                wanted = [pair for pair in wanted if pair not in calm]
            for pair, viewing in self._begin_views(wanted, pairs, budget):
                self._process_pair(pair, pairs[pair], viewing, trades, budget)
            self.lists.refresh_quiet(pairs)

    def _open_orders(self, busy: Collection[TradeKey]) -> list[TrackedOrder]:
        return [order for order in self.store.open(Origin.LADDER) if order.trade not in busy]

    def _is_urgent(self, orders: Collection[TrackedOrder], trades: Mapping[TradeKey, Trade]) -> bool:
        """Whether there is an order to cancel, or one in doubt."""
        return any(
            order.trade not in trades
            or order.trade in self.resting.unresolved
            or order.order_id is None
            or self.missed.has(order)
            for order in orders
        )

    def _begin_views(
        self, wanted: Sequence[str], pairs: Mapping[str, Sequence[TrackedOrder]], budget: Budget
    ) -> Iterator[tuple[str, Callable[[], ViewedOrders]]]:
        """Look pairs up side by side, as far as the time goes; yield each with what returns its lookup, or raises."""
        key = self.store.key()
        view: Callable[[str], ViewedOrders] = lambda pair: self.client.view(pair, pairs[pair], budget, key)  # noqa: E731
        size = _SIDE_BY_SIDE if self.client.pace.round_trip_ms >= _QUICK_MS else 1
        for first in range(0, len(wanted), size):
            group = wanted[first : first + size]
            if not budget.left_ms():
                return
            self.lookups.begin(group)
            if len(group) == 1:
                yield group[0], partial(view, group[0])
                continue
            yield from [(pair, Beside(partial(view, pair)).result) for pair in group]

    def _process_pair(
        self,
        pair: str,
        orders: list[TrackedOrder],
        viewing: Callable[[], ViewedOrders],
        trades: Mapping[TradeKey, Trade],
        budget: Budget,
    ) -> None:
        """Record what a lookup of a pair shows, and cancel what is due; what fails is tried again by the next loop."""
        try:
            seen = self.resting.seen(pair, orders, viewing())
            self.alerts.clear(f"look {pair}")
            now = [
                self._after_miss(order, trades) if self.missed.has(order) else self._forget_room(order)
                for order in seen
            ]
            for key, both in _grouped(zip(orders, now, strict=True), lambda both: both[0].trade).items():
                trade = _trade_of(trades, key)
                self.resting.record(trade, [old for old, _ in both], [new for _, new in both])
                live = [new for _, new in both if new.phase.open]
                if live and (trade is None or key in self.resting.unresolved):
                    self.resting.cancel(trade, pair, live, budget)
                if key is not None and not any(order.phase.open for order in self.store.of_trade(key)):
                    self.resting.unresolved.pop(key, None)
            self.lookups.end(pair)
        except ccxt.BaseError as error:
            self.alerts.warn(f"The resting orders on {pair} could not be looked up: {error}", f"look {pair}")
        except Exception:
            Trade.rollback()
            logger.exception("The resting orders on %s could not be processed; the next loop tries again", pair)

    def hand_over_ended(self, busy: Collection[TradeKey]) -> bool:
        """Open the rows of orders that ended with a fill, so that freqtrade books them; return whether there are any.

        Its `manage_open_orders` comes next in the loop.

        :param busy: trades that another thread is exiting
        """
        has_any = False
        with self.lock:
            trade_rows.refresh()
            trades = trade_rows.open_trades()
            for order in self.store.unsettled():
                if order.trade in busy:
                    continue
                trade = _trade_of(trades, order.trade)
                is_late = trade is None and not order.closes and not trade_rows.is_recorded(order)
                if is_late and self.resting.take_late_buy(order):
                    continue
                # Handed over and not booked, as after a kill in the middle: it is handed over again.
                if trade is None or (order.client_id in self._handed_over and not trade_rows.is_open(trade, order)):
                    self.store.update([(order, replace(order, settled=True))])
                    self._handed_over.discard(order.client_id)
                    continue
                # Killed between the record and the row, the bot has not booked the fill yet.
                trade_rows.record_fill(trade, order)
                if not order.closes and any(row.ft_order_side == trade.exit_side for row in trade.open_orders):
                    # freqtrade does not count an open row: the exit would close the trade over the coins of this buy.
                    continue
                if self._can_wait(trade, order):
                    continue
                if trade_rows.hand_to_freqtrade(trade, order, self._fee_base):
                    self._handed_over.add(order.client_id)
                    has_any = True
        return has_any

    def _can_wait(self, trade: Trade, order: TrackedOrder) -> bool:
        """Whether the booking of an order may wait: it takes requests, and the exits of this loop come after it.

        Its fills are recorded. The venue is slow, the trade has coins, and no exit order is about to end it.
        """
        waited_seconds = self.clock() - self._wanted_since.setdefault(order.client_id, self.clock())
        is_slow = self.client.pace.is_slow and waited_seconds < _BOOKED_LATEST_SECONDS
        if is_slow and not trade.has_open_orders and trade_rows.remaining_amount(trade) > 0:
            return True
        del self._wanted_since[order.client_id]
        return False

    def _fee_base(self, order: TrackedOrder) -> float | None:
        """Return the fee of a buy, which the venue takes from the coins that were bought."""
        if order.order_id is None:
            return None
        base = self.holdings.base_of(order.pair)
        return self.rules.fee_of(order.order_id, order.pair, order.intended_ms, base, order.filled)

    # -- orders that lookups do not show -----------------------------------------------------------------------------

    def _forget_room(self, order: TrackedOrder) -> TrackedOrder:
        self._no_room_since.pop(order.client_id, None)
        return order

    def _after_miss(self, order: TrackedOrder, trades: Mapping[TradeKey, Trade]) -> TrackedOrder:
        """Return an order that a lookup has missed: lost, once it is proven that it was never placed.

        An order that the venue gave an id is not given up while its trade is open: the user is warned.
        """
        seconds = self.missed.seconds(order)
        name = f"Resting {order.side} {order.order_id or order.client_id} on {order.pair} (trade {order.trade_id})"
        if order.order_id is not None:
            if seconds > WARN_AFTER_SECONDS:
                self.alerts.warn(
                    f"{name} has been in no list of the venue for {seconds:.0f} s, neither as open nor in history. It "
                    "may still trade; every loop looks it up.",
                    f"missing {order.client_id}",
                )
                if _trade_of(trades, order.trade) is None:
                    return replace(order, phase=Phase.LOST)
        elif seconds > LOST_AFTER_SECONDS or self._has_no_room(order, seconds):
            self.alerts.warn(
                f"{name} got no answer, and neither lookups nor the balance show it: it is taken as never placed, and "
                "looked up now and then.",
            )
            self.missed.clear(order)
            return replace(self._forget_room(order), phase=Phase.LOST)
        return order

    def _has_no_room(self, order: TrackedOrder, missed_seconds: float) -> bool:
        """Whether two balances prove that a sell without an answer is not there: its coins are free.

        Only on a classic account, which shows the coins that orders hold, and only if all coins are the bot's.
        """
        if order.side != SELL or missed_seconds < RECHECK_SECONDS or not self.holdings.freezes():
            return False
        coin = self.holdings.base_of(order.pair)
        holding = self.holdings.read(coin)
        known = sum(
            other.remaining
            for other in self.store.open(Origin.LADDER)
            if other.side == SELL and other.order_id is not None and self.holdings.base_of(other.pair) == coin
        )
        least = order.amount * (1 - REL_TOLERANCE)
        if (
            holding is None
            or self.holdings.has_others(coin, holding.total)
            or holding.frozen - known >= least
            or not self.holdings.shows(coin, holding.total, least)
        ):
            self._no_room_since.pop(order.client_id, None)
            return False
        now = self.clock()
        return now - self._no_room_since.setdefault(order.client_id, now) >= RECHECK_SECONDS


def _trade_of(trades: Mapping[TradeKey, Trade], key: TradeKey | None) -> Trade | None:
    return None if key is None else trades.get(key)


def _grouped(values: Iterable[_V], by: Callable[[_V], _K]) -> dict[_K, list[_V]]:
    groups: dict[_K, list[_V]] = {}
    for value in values:
        groups.setdefault(by(value), []).append(value)
    return groups
