"""Stop-losses that wait at the venue, so that a bot that is down still has one. Experimental.

freqtrade asks for one stop per trade, and goes on watching the price itself (`CrossedMarginMixin`): the venue's stop is
the second guard. Rules, in this order:

- Its amount is never above what no resting order holds, and what the wallet has: the order of a stop that finds too few
  free coins would borrow. It is made smaller before a ladder takes coins, and larger once resting orders have gone.
- There is one per trade. While one is in doubt, no other is placed, and exits leave its coins alone: they sell what is
  free beyond it, until lists and balance show that it waits no more.
- It counts as ended only by a row, with the fills of the order that it has placed; freqtrade books those.

Nothing that fails here holds up an exit.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.strategy_row import StrategyType
from bitget_margin.freqtrade import stop_rows, trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget, Pace
from bitget_margin.freqtrade.compat import InsufficientFundsError, Trade
from bitget_margin.freqtrade.exit_names import BLOCKS_SECONDS
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE, SELL
from bitget_margin.freqtrade.missed_lookups import MissedLookups
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.stop_amounts import StopAmounts
from bitget_margin.freqtrade.stop_client import StopClient, StopSight
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder
from bitget_margin.freqtrade.trade_rows import key_of

logger: Final = logging.getLogger("bitget_margin")

_PAUSE_ROUND_TRIPS: Final = 4
_LONGEST_PAUSE_SECONDS: Final = 5.0
"""Least time between two lookups without anything in doubt: so many round trips, at most this long."""
_JUST_FIRED_SECONDS: Final = 60.0
"""Time for which an exit of a trade that its stop has ended is refused."""
_UNSUPPORTED: Final = ("25240", "25593")
"""Codes by which a type of strategy order is not supported: the other type is tried next."""


@dataclass(eq=False, kw_only=True)
class Stops:
    """The stops of one bot. Called from both of freqtrade's threads; each call holds the lock of the managers.

    :param enabled: whether the configuration allows strategy orders
    """

    client: StopClient
    store: OrderStore
    amounts: StopAmounts
    missed: MissedLookups
    alerts: Alerts
    pace: Pace
    lock: threading.RLock
    enabled: bool
    clock: Callable[[], float] = time.monotonic
    kind: StrategyType = StrategyType.TPSL
    """The type that is placed next."""
    before_booking: Callable[[], object] = lambda: None
    """Gives trades the amount of their rows again, which an exit may have lowered: freqtrade would close a trade whose
    stop has sold more than that."""
    _read_at: float | None = field(default=None, init=False)
    _fired_at: dict[str, float] = field(default_factory=dict, init=False)
    """Time at which a stop was seen to have sold in the middle of an exit, by pair."""
    _repaired: bool = field(default=False, init=False)

    # -- what other managers ask ---------------------------------------------------------------------------------------

    def open_of(self, trade: Trade) -> list[TrackedOrder]:
        """Return the stops of a trade that may still sell; exits and ladders leave their coins alone."""
        return [stop for stop in self.store.stops_of(key_of(trade)) if stop.phase.open] if self.enabled else []

    def make_room(self, trade: Trade, more: float = 0.0) -> bool:
        """Make the stop of a trade smaller, before resting orders take coins; return whether that is proven.

        :param more: coins that orders will take which the store does not count as open yet
        """
        with self.lock:
            for stop in self.open_of(trade):
                target = self.amounts.target(trade, more)
                if stop.amount > target * (1 + REL_TOLERANCE) and not self._shrink(trade, stop, target):
                    return False
            return True

    def refuse_after_stop(self, pair: str) -> None:
        """Refuse the exit of a trade that its stop has just ended: it would sell coins that are not the trade's.

        :raises InsufficientFundsError: the stop has sold them
        """
        at = self._fired_at.get(pair, float("-inf"))
        if self.clock() - at < _JUST_FIRED_SECONDS and trade_rows.open_trade(pair) is None:
            raise InsufficientFundsError(f"The stop-loss at the venue has sold the coins of {pair} already")

    # -- freqtrade's requests ------------------------------------------------------------------------------------------

    def prepare(self, pair: str, price: float, last: float | None) -> tuple[TrackedOrder, bool]:
        """Return the stop to place, stored before it is sent, and False; or the one that is there, and True.

        :param last: the price of the pair now; None where it is not known
        :raises InsufficientFundsError: none can be placed now; freqtrade asks again in the next loop
        """
        with self.lock:
            trade = trade_rows.open_trade(pair)
            if trade is None:
                raise InsufficientFundsError(f"No stop for {pair}: it has no open trade")
            name = f"No stop at the venue for trade {trade.id} on {pair}"
            for stop in self.open_of(trade):
                if stop.order_id is not None and stop_rows.row_of(trade, stop) is None:
                    return stop, True
                raise InsufficientFundsError(f"{name}: an earlier one may still wait there")
            if last is None or last <= price:
                raise InsufficientFundsError(f"{name}: the price is there already, and freqtrade exits by itself")
            target = min(self.amounts.target(trade), self.amounts.cap(trade))
            if not self.amounts.is_sellable(pair, target, price):
                self.amounts.report_cover(trade, 0.0)
                raise InsufficientFundsError(f"{name}: {target:.8g} coins are free of resting orders")
            key, number = key_of(trade), len(self.store.stops_of(key_of(trade)))
            stop = TrackedOrder(
                client_id=client_order_ids.stop_order_id(self.store.key(), key.id, key.opened_ms, number),
                origin=Origin.STOP,
                trade_id=key.id,
                opened_ms=key.opened_ms,
                pair=pair,
                side=SELL,
                ladder=self.kind.value,
                number=number,
                price=price,
                amount=target,
                intended_ms=self.client.venue_ms(),
            )
            self.store.add([stop])
            return stop, False

    def placed(self, stop: TrackedOrder, order_id: str) -> TrackedOrder:
        """Record the order id of a new stop, and return it."""
        with self.lock:
            now = replace(stop, phase=Phase.LIVE, order_id=order_id)
            self.store.update([(stop, now)])
            trade = trade_rows.open_trade(stop.pair)
            if trade is not None:
                self.amounts.report_cover(trade, stop.amount)
            return now

    def failed(self, stop: TrackedOrder, error: BaseException) -> None:
        """Record what an exception says of a new stop: in doubt, or certainly not placed."""
        with self.lock:
            cause = error.__cause__ or error
            if isinstance(cause, PlaceUnresolved) or not isinstance(cause, ccxt.BaseError):
                self.alerts.warn(
                    f"The stop-loss on {stop.pair} may have been placed at the venue, which does not show it yet: it "
                    "is looked up in every loop, and no other one is placed until then.",
                    f"stop {stop.client_id}",
                )
                return
            self.store.forget(stop)
            if any(code in str(cause) for code in _UNSUPPORTED):
                self.kind = StrategyType.TRIGGER if self.kind is StrategyType.TPSL else StrategyType.TPSL
            self.alerts.warn(
                f"No stop-loss at the venue on {stop.pair} ({cause}): freqtrade watches it, as long as the bot runs.",
                f"no stop {stop.pair}",
            )

    def structure(self, order_id: str, pair: str) -> dict[str, Any]:
        """Return a stop as freqtrade may see it: open until its end is proven; nothing is raised."""
        with self.lock:
            stop = self.store.by_order_id(order_id)
            if self._read_at is None and stop is not None and stop.phase.open:
                self._try(lambda: self._look_up_all(self.pace.loop_budget()), f"The stops on {pair} are looked up")
                stop = self.store.by_order_id(order_id)
            return stop_rows.unknown_structure(order_id, pair) if stop is None else self._shown(stop)

    def cancel(self, order_id: str, pair: str) -> dict[str, Any]:
        """Cancel a stop, and return it as it is then: open where its end is not proven. Nothing is raised."""
        with self.lock:
            stop = self.store.by_order_id(order_id)
            if stop is None:
                return stop_rows.unknown_structure(order_id, pair)
            if stop.phase.open:
                stop = self._cancel(stop) or stop
            if stop.filled:
                self._fired_at[pair] = self.clock()
            return self._shown(stop)

    def _shown(self, stop: TrackedOrder) -> dict[str, Any]:
        if stop.filled:
            self.before_booking()
        return stop_rows.structure(stop)

    # -- every loop ----------------------------------------------------------------------------------------------------

    def process_loop(self, budget: Budget) -> None:
        """Look up the stops, hand to freqtrade what it does not know, and fit their amounts to the coins."""
        if not self.enabled:
            return
        with self.lock:
            trade_rows.refresh()
            if not self._repaired:
                stop_rows.reopen_unbooked(self.store, self.amounts.left)
                self._repaired = True
            if self._is_due():
                self._look_up_all(budget)
            trades = trade_rows.open_trades()
            for stop in self.store.open(Origin.STOP):
                trade = None if stop.trade is None else trades.get(stop.trade)
                if trade is None and stop.order_id is not None:
                    self._cancel(stop)
                elif trade is not None:
                    stop_rows.add_missing_row(trade, stop)
                    self._fit(trade, stop)

    def _is_due(self) -> bool:
        stops = self.store.open(Origin.STOP)
        if not stops:
            return False
        pause = min(_LONGEST_PAUSE_SECONDS, _PAUSE_ROUND_TRIPS * self.pace.round_trip_ms / 1_000)
        in_doubt = any(stop.order_id is None or self.missed.has(stop) or stop.reason for stop in stops)
        return in_doubt or self._read_at is None or self.clock() - self._read_at >= pause

    def _look_up_all(self, budget: Budget) -> None:
        stops = self.store.open(Origin.STOP)
        timeout_ms = budget.left_ms()
        if not stops or not timeout_ms:
            return
        for stop, sight in zip(stops, self.client.look_up(stops, timeout_ms), strict=True):
            self._record(stop, sight)
        self._read_at = self.clock()

    def _record(self, stop: TrackedOrder, sight: StopSight) -> TrackedOrder:
        """Store what a lookup shows, and return the stop as it is now."""
        now = sight.stop
        if sight.missing:
            self.missed.note(stop)
            if stop.order_id is None and self._was_never_placed(stop):
                now = replace(stop, phase=Phase.REFUSED, reason="never placed")
            elif self.missed.seconds(stop) > BLOCKS_SECONDS:
                self.alerts.warn(
                    f"The stop-loss {stop.order_id or stop.client_id} on {stop.pair} waits at the venue no more, and "
                    f"its end is not shown ({now.reason or 'it is in no list'}). No other one is placed meanwhile.",
                    f"stop {stop.client_id}",
                )
        elif now.phase.open:
            self.missed.clear(stop)
        if not now.phase.open:
            self.missed.clear(stop)
            what = f"sold {now.filled:.8g}" if now.filled else now.reason or "ended"
            self.alerts.info(f"Stop-loss {now.order_id or now.client_id} on {now.pair} at the venue: {what}.")
        self.store.update([(stop, now)])
        trade = trade_rows.open_trade(now.pair) if now.filled else None
        if trade is not None and key_of(trade) == now.trade:
            stop_rows.add_missing_row(trade, now)
        return now

    def _was_never_placed(self, stop: TrackedOrder) -> bool:
        """Whether two complete lookups have missed a stop that is too old to be placed any more."""
        is_old = self.client.venue_ms() - stop.intended_ms >= BLOCKS_SECONDS * 1_000
        return is_old and self.missed.seconds(stop) >= RECHECK_SECONDS

    def _fit(self, trade: Trade, stop: TrackedOrder) -> None:
        """Give a stop the amount that no resting order holds."""
        if stop.order_id is None or self.missed.has(stop) or stop.reason:
            return
        target = self.amounts.target(trade)
        if target < stop.amount * (1 - REL_TOLERANCE):
            self._shrink(trade, stop, target)
        elif target > stop.amount * (1 + REL_TOLERANCE) and not trade.has_open_orders:
            target = min(target, self.amounts.cap(trade))
            if target > stop.amount * (1 + REL_TOLERANCE):
                self._resize(trade, stop, target)

    def _shrink(self, trade: Trade, stop: TrackedOrder, target: float) -> bool:
        """Make a stop smaller, or cancel it where the rest is too small; return whether that is proven."""
        if stop.order_id is not None and self.amounts.is_sellable(stop.pair, target, stop.price):
            now = self._resize(trade, stop, target)
            if now is not None and (not now.phase.open or now.amount <= target * (1 + REL_TOLERANCE)):
                return True
            stop = now or stop
        ended = self._cancel(stop)
        if ended is not None and not ended.phase.open:
            self.amounts.report_cover(trade, 0.0)
            return True
        return False

    def _resize(self, trade: Trade, stop: TrackedOrder, target: float) -> TrackedOrder | None:
        """Give a stop another amount; return it as it is then, None where nothing is known."""
        # Until it is proven, both amounts count.
        most = replace(stop, amount=max(stop.amount, target))
        self.store.update([(stop, most)])
        sight = self._try(
            lambda: self.client.resize(most if target > stop.amount else stop, target, self.pace.cancel_ms()),
            f"The stop {stop.order_id} on {stop.pair} gets another amount",
        )
        if sight is None:
            return None
        if sight.refused is not None:
            self.alerts.warn(
                f"The stop-loss on {stop.pair} at the venue cannot be changed ({sight.refused}).", f"fit {stop.pair}"
            )
        now = self._record(most, sight)
        if now.phase.open:
            self.amounts.report_cover(trade, now.amount)
        return now

    def _cancel(self, stop: TrackedOrder) -> TrackedOrder | None:
        sight = self._try(
            lambda: self.client.cancel(stop, self.pace.cancel_ms()),
            f"The stop {stop.order_id} on {stop.pair} is canceled",
        )
        if sight is None:
            return None
        now = self._record(stop, sight)
        if now.phase.open:
            self.alerts.warn(
                f"The stop-loss {stop.order_id or stop.client_id} on {stop.pair} at the venue is not proven canceled: "
                "an exit sells what is free beyond it, and the rest follows.",
                f"cancel stop {stop.client_id}",
            )
        return now

    def _try(self, work: Callable[[], Any], what: str) -> Any:
        """Return the result of work, None where it fails: a stop holds up nothing."""
        try:
            return work()
        except ccxt.BaseError as error:
            self.alerts.warn(f"{what}, and the venue does not answer as it should: {error}", what)
        except Exception:
            Trade.rollback()
            logger.exception("%s, and that failed", what)
        return None
