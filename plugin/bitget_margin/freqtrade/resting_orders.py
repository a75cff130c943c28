"""The resting of one bot's resting orders: what freqtrade does not know of, it knows, books and cancels."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

import ccxt

from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.client import Budget, CancelBatchResult, VenueClient, epoch_ms
from bitget_margin.freqtrade.compat import Trade
from bitget_margin.freqtrade.config import BotSettings
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, REL_TOLERANCE
from bitget_margin.freqtrade.ladder_spec import BUY, SELL
from bitget_margin.freqtrade.order_store import Batch, OrderStore
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of

if TYPE_CHECKING:
    from bitget_margin.freqtrade.exchange import Bitgetcross

logger = logging.getLogger("bitget_margin")

_K = TypeVar("_K", bound=Hashable)

LOST_AFTER_SECONDS: Final = 30.0
"""How long an order without an answer is looked for where the balance does not show sooner that it is not there."""
SHOUT_AFTER_SECONDS: Final = 60.0
"""How long an order with an id may be in neither list before the user hears of it."""
END_SECONDS: Final = 30.0
"""How long the end of the bot may take to cancel ladders."""


class RestingOrders:
    """Resting orders: watched, booked, cancelled. All of it under `lock`, for freqtrade's two threads."""

    def __init__(self, exchange: Bitgetcross, settings: BotSettings) -> None:
        self._exchange = exchange
        self.settings = settings
        self.store = OrderStore()
        self.client = VenueClient(lambda: exchange.api)
        self.alerts = Alerts()
        self.lock = threading.RLock()
        self.unresolved: dict[TradeKey, float] = {}
        """Trades whose resting orders could not be cancelled, and when that was tried last: the loop goes on trying."""
        self._looked: dict[str, float] = {}
        """When each pair was last looked at."""
        self._missing: dict[str, tuple[float, float]] = {}
        """When a look that was answered first missed an order, and when the last one did, by client order id."""
        self._no_room: dict[str, float] = {}
        """Since when balances have left no room for an order without an answer, by client order id."""
        self._checked = False
        self._handed_over: set[str] = set()
        """Ended orders that freqtrade has in its hands, by client order id."""
        self._loop_began = 0.0
        self._time_lost_ms = 0.0
        """What cancels that were not resolved have cost in this loop."""

    @staticmethod
    def seconds() -> float:
        """Return a time that only goes forward."""
        return time.monotonic()

    # -- what is known ------------------------------------------------------------------------------------------------

    def open_of(self, trade: TradeKey) -> list[TrackedOrder]:
        """Return the resting orders of a trade that may still trade."""
        return [rung for rung in self.store.of_trade(trade) if rung.phase.open]

    def selling(self, trade: Trade) -> float:
        """Return the coins of a trade that its resting orders may still sell."""
        return sum(rung.remaining for rung in self.open_of(key_of(trade)) if rung.side == SELL)

    def look(self, trade: Trade, rungs: Sequence[TrackedOrder], budget: Budget) -> None:
        """Ask the venue about resting orders of a trade, and book what they filled."""
        viewed = self.client.view(trade.pair, rungs, budget)
        self._record(trade, rungs, [new or old for old, new in zip(rungs, viewed, strict=True)])

    def cancel(
        self,
        trade: Trade | None,
        pair: str,
        rungs: Sequence[TrackedOrder],
        budget: Budget,
        others: Sequence[str] = (),
    ) -> CancelBatchResult:
        """Cancel resting orders, and others by id, with one batch; book what they filled, tell what is not proven."""
        began = self.seconds()
        done = self.client.cancel(pair, rungs, budget, others)
        self._record(trade, rungs, done.orders, Batch(pair, epoch_ms(), f"batch cancel: {done.summary}"))
        self._report_cancel(trade, pair, done)
        if done.unresolved:
            self._time_lost_ms += (self.seconds() - began) * 1_000
            if trade is not None:
                self.unresolved[key_of(trade)] = self.seconds()
        return done

    def budget(self) -> Budget:
        """Return the time that an exit may spend on resting orders: less once this loop has been held up."""
        return Budget(self.settings.wait_ms - self._time_lost_ms)

    def failed_this_loop(self, trade: Trade) -> bool:
        """Whether this loop has tried in vain to cancel the resting orders of a trade."""
        return self.unresolved.get(key_of(trade), float("-inf")) >= self._loop_began

    def _record(
        self,
        trade: Trade | None,
        before: Sequence[TrackedOrder],
        after: Sequence[TrackedOrder],
        batch: Batch | None = None,
    ) -> None:
        """Write down and book what has changed, and the batch that did it."""
        self.store.update(zip(before, after, strict=True), batch)
        for old, new in zip(before, after, strict=True):
            if trade is not None and trade.is_open:
                trade_rows.record_fill(trade, new)
            elif new.filled > old.filled:
                self.alerts.warn(
                    f"Order {new.order_id} on {new.pair} filled {new.filled:.8g} {new.side} after its trade "
                    f"{new.trade_id} had ended: freqtrade does not count it. Look at the account.",
                )

    def _report_cancel(self, trade: Trade | None, pair: str, done: CancelBatchResult) -> None:
        """Shout about every order that is not proven ended."""
        whose = "an ended trade" if trade is None else f"trade {trade.id}"
        about = f"cancel {pair} {whose}"
        for result in done.foreign:
            if not result.outcome.ended:
                self.alerts.warn(
                    f"Order {result.id} on {pair}, which is none of this bot's (cancel_scope is 'pair'), is not proven "
                    f"cancelled: {result.outcome.value} ({result.reason}). It is tried again at the next exit only.",
                )
        if not done.unresolved:
            self.alerts.clear(about)
            self.alerts.info(f"Resting orders of {whose} on {pair} cancelled: {done.summary}.")
            return
        names = "; ".join(
            f"{r.order_id or r.client_id} ({done.unresolved[r.client_id]})"
            for r in done.orders[:3]
            if r.client_id in done.unresolved
        )
        self.alerts.warn(
            f"{len(done.unresolved)} resting orders of {whose} on {pair} are not proven cancelled: {names}. They may "
            "still trade; every loop cancels them again until the venue shows that they are gone.",
            about,
        )

    def _fee_base(self, rung: TrackedOrder) -> float | None:
        """Return the fee of a buy, which the venue takes from the coins that were bought."""
        if rung.order_id is None:
            return None
        base = self._exchange.markets[rung.pair]["base"]
        return self._exchange.fee_of(rung.order_id, rung.pair, rung.intended_ms, base, rung.filled)

    def cancel_all_at_exit(self) -> None:
        """Cancel every resting order, because the bot ends."""
        with self.lock:
            trade_rows.refresh()
            began, trades, left = self.seconds(), trade_rows.open_trades(), 0
            for rungs in _grouped(self.store.open(Origin.LADDER), lambda rung: (rung.pair, rung.trade)).values():
                if self.seconds() - began > END_SECONDS:
                    left += len(rungs)
                    continue
                trade = trades.get(rungs[0].trade) if rungs[0].trade is not None else None
                left += len(self.cancel(trade, rungs[0].pair, rungs, Budget(self.settings.wait_ms)).unresolved)
            if left:
                self.alerts.warn(
                    f"The bot ends, and {left} resting orders are not proven cancelled: nobody watches them now. "
                    "Cancel them on the exchange, or start the bot again.",
                )

    def repair_after_crash(self) -> None:
        """Once after a start: freqtrade commits a fill's row first and the trade later, and may be killed between."""
        if self._checked:
            return
        trade_rows.refresh()
        for trade in trade_rows.open_trades().values():
            left = self._exchange.amount_to_precision(trade.pair, trade_rows.remaining_amount(trade))
            if left > 0 and not trade.open_orders and left != trade.amount:
                self.alerts.info(f"Trade {trade.id} on {trade.pair} has {left:.8g}, not {trade.amount:.8g}: corrected.")
                trade.recalc_trade_from_orders()
                Trade.commit()
        self._checked = True

    # -- every loop ---------------------------------------------------------------------------------------------------

    def process_loop(self, busy: Mapping[TradeKey, object]) -> None:
        """Look at every resting order, book fills, cancel what its trade has left behind.

        :param busy: trades that are in the middle of an exit, in another thread
        """
        with self.lock:
            trade_rows.refresh()
            self._loop_began, self._time_lost_ms = self.seconds(), 0.0
            budget = Budget(self.settings.wait_ms)
            watched = (rung for rung in self.store.open(Origin.LADDER) if rung.trade not in busy)
            pairs = _grouped(watched, lambda rung: rung.pair)
            trades = trade_rows.open_trades()

            def turn(pair: str) -> tuple[bool, float]:
                """Return what puts a pair first: something to cancel there, then having waited longest."""
                urgent = any(rung.trade not in trades or rung.trade in self.unresolved for rung in pairs[pair])
                return not urgent, self._looked.get(pair, 0.0)

            for pair in sorted(pairs, key=turn):
                try:
                    self._process_pair(pair, pairs[pair], trades, budget)
                except ccxt.BaseError as error:
                    about = f"look {pair}"
                    self.alerts.warn(f"The resting orders on {pair} could not be looked at: {error}", about)
                except Exception:
                    Trade.rollback()
                    logger.exception("The resting orders on %s could not be looked after; the next loop tries", pair)

    def hand_over_ended(self, busy: Mapping[TradeKey, object]) -> None:
        """Let freqtrade book the end of orders that have ended with a fill: its `manage_open_orders` comes next."""
        with self.lock:
            trade_rows.refresh()
            trades = trade_rows.open_trades()
            for rung in self.store.unsettled():
                if rung.trade in busy:
                    continue
                trade = trades.get(rung.trade) if rung.trade is not None else None
                # Only once freqtrade is through with it: killed in the middle, the bot hands it over again.
                handed = (
                    rung.client_id in self._handed_over and trade is not None and not trade_rows.is_open(trade, rung)
                )
                if trade is None or handed:
                    self.store.update([(rung, replace(rung, settled=True))])
                    self._handed_over.discard(rung.client_id)
                    continue
                # Killed between the record and the row, the bot has not booked it yet.
                trade_rows.record_fill(trade, rung)
                if rung.side == BUY and any(row.ft_order_side == trade.exit_side for row in trade.open_orders):
                    # freqtrade does not count an open row: the exit would close the trade over the coins of this buy.
                    continue
                if trade_rows.hand_to_freqtrade(trade, rung, self._fee_base):
                    self._handed_over.add(rung.client_id)

    def _process_pair(
        self, pair: str, rungs: list[TrackedOrder], trades: Mapping[TradeKey, Trade], budget: Budget
    ) -> None:
        viewed = self.client.view(pair, rungs, budget)
        self.alerts.clear(f"look {pair}")
        self._looked[pair] = self.seconds()
        by_trade: dict[TradeKey | None, list[tuple[TrackedOrder, TrackedOrder]]] = {}
        for old, new in zip(rungs, viewed, strict=True):
            by_trade.setdefault(old.trade, []).append((old, self._missed(old, new)))
        for key, both in by_trade.items():
            trade = trades.get(key) if key is not None else None
            self._record(trade, [old for old, _ in both], [new for _, new in both])
            live = [new for _, new in both if new.phase.open]
            if live and (trade is None or key in self.unresolved):
                self.cancel(trade, pair, live, budget)
            if key is not None and not self.open_of(key):
                self.unresolved.pop(key, None)

    def missed_seconds(self, rung: TrackedOrder) -> float:
        """Return how far apart the first and the last look stand that were answered and missed an order; 0 if one."""
        first, last = self._missing.get(rung.client_id, (0.0, 0.0))
        return last - first

    def note_missed(self, rung: TrackedOrder, seconds: float = 0.0) -> None:
        """Note that a look was answered and missed an order; and so did one that many seconds before."""
        first, _ = self._missing.get(rung.client_id, (self.seconds() - seconds, 0.0))
        self._missing[rung.client_id] = (first, self.seconds())

    def mark_seen(self, rung: TrackedOrder) -> None:
        """Note that a look has shown an order, or that it is not looked for any more."""
        self._missing.pop(rung.client_id, None)
        self._no_room.pop(rung.client_id, None)

    def take_in(self, lost: TrackedOrder, found: TrackedOrder) -> None:
        """Take an order in again that was given up, and has shown."""
        self.alerts.warn(
            f"Resting {found.side} {found.order_id} on {found.pair} (trade {found.trade_id}) was given up, and is "
            "there: it is taken in again."
        )
        self._record(trade_rows.open_trades().get(found.trade) if found.trade else None, [lost], [found])

    def _missed(self, old: TrackedOrder, new: TrackedOrder | None) -> TrackedOrder:
        """Return an order as it was looked at: lost, if it never had an answer and look after look does not show it.

        What the venue gave an id is never given up, only shouted about.
        """
        if new is not None:
            self.mark_seen(new)
            return new
        self.note_missed(old)
        seconds = self.missed_seconds(old)
        name = f"Resting {old.side} {old.order_id or old.client_id} on {old.pair} (trade {old.trade_id})"
        if old.order_id is None and (seconds > LOST_AFTER_SECONDS or self._has_no_room(old, seconds)):
            self.alerts.warn(
                f"{name} got no answer, and neither look-ups nor the balance show it: it is taken as never placed, and "
                "looked for now and then.",
            )
            self.mark_seen(old)
            return replace(old, phase=Phase.LOST)
        if old.order_id is not None and seconds > SHOUT_AFTER_SECONDS:
            self.alerts.warn(
                f"{name} has not been shown by the venue for {seconds:.0f} s, neither as open nor in history. It may "
                "still trade; every loop looks for it.",
                f"missing {old.client_id}",
            )
        return old

    def _has_no_room(self, rung: TrackedOrder, missed_seconds: float) -> bool:
        """Whether two balances leave no room for a sell without an answer: its coins are there, and not frozen.

        Only on a classic account, which shows what orders hold, and where the coins are the bot's alone.
        """
        holdings = self._exchange.holdings
        if rung.side != SELL or missed_seconds < RECHECK_SECONDS or not holdings.freezes():
            return False
        coin = holdings.base_of(rung.pair)
        holding = holdings.read(coin)
        known = sum(
            other.remaining
            for other in self.store.open(Origin.LADDER)
            if other.side == SELL and other.order_id is not None and holdings.base_of(other.pair) == coin
        )
        least = rung.amount * (1 - REL_TOLERANCE)
        if (
            holding is None
            or holdings.has_others(coin, holding.total)
            or holding.frozen - known >= least
            or not holdings.shows(coin, holding.total, least)
        ):
            self._no_room.pop(rung.client_id, None)
            return False
        return self.seconds() - self._no_room.setdefault(rung.client_id, self.seconds()) >= RECHECK_SECONDS


def _grouped(rungs: Iterable[TrackedOrder], by: Callable[[TrackedOrder], _K]) -> dict[_K, list[TrackedOrder]]:
    groups: dict[_K, list[TrackedOrder]] = {}
    for rung in rungs:
        groups.setdefault(by(rung), []).append(rung)
    return groups
