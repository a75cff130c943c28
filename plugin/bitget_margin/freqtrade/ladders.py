"""Ladders of trades: checked, stored, sent once, and sent again after a momentary refusal."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.freqtrade import ladder_changes, ladder_spec, trade_rows
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient, epoch_ms
from bitget_margin.freqtrade.compat import FreqtradeException, Trade
from bitget_margin.freqtrade.ladder_spec import BUY, REL_TOLERANCE, SELL, LadderStep, Limits
from bitget_margin.freqtrade.lost_orders import LostOrders
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.ports import MarketRules
from bitget_margin.freqtrade.refused_ladders import RefusedLadders
from bitget_margin.freqtrade.resting_orders import RestingOrders
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, TradeKey
from bitget_margin.freqtrade.trade_rows import key_of

_FEES_SHARE: Final = 0.005
"""Largest share of the coins of a trade that the fee of its entry may have taken."""
_SHOWN_MAX: Final = 5
"""Number of orders that a message about a ladder shows."""
_NO_ROOM: Final = "the stop-loss at the venue could not be made smaller yet"
_PAUSES_SECONDS: Final = (0.0, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0)
"""Pauses between the tries to place an order after momentary refusals; the last one repeats."""


@dataclass(slots=True)
class _Tries:
    """Number of tries to place the waiting orders of a ladder again, and the time of the next one."""

    count: int = 0
    at_seconds: float = 0.0


@dataclass(eq=False, kw_only=True)
class Ladders:
    """Ladders that the strategy asks for."""

    resting: RestingOrders
    lost: LostOrders
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    rules: MarketRules
    lock: threading.RLock
    lends: Callable[[], bool] = lambda: False
    """Returns whether the venue lends what an order lacks: on unified accounts."""
    make_room: Callable[[Trade, float], bool] = lambda _trade, _more: True
    """Makes the stop of a trade at the venue smaller before a ladder takes its coins; returns whether it is proven."""
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    _tries: dict[tuple[TradeKey, str], _Tries] = field(default_factory=dict, init=False)
    _refused: RefusedLadders = field(init=False)

    def __post_init__(self) -> None:
        self._refused = RefusedLadders(self.alerts)

    def place(self, given: Trade, orders: object, key: object) -> list[dict[str, Any]]:
        """Place the ladder `key` of a trade, once; a second call returns the same orders."""
        with self.lock, self._refused.reported(given, key):
            name = ladder_spec.check_key(key)
            trade_key = key_of(given)
            known = self._known(trade_key, name)
            if known:
                return [order.to_ccxt() for order in known]
            trade = trade_rows.open_trades().get(trade_key)
            if trade is None:
                raise ladder_spec.LadderRefused(
                    f"trade {given.id} on {given.pair} is not open: a ladder needs an open one"
                )
            steps = ladder_spec.parse_ladder(orders, self._limits(trade))
            return [rung.to_ccxt() for rung in self._place(trade, name, steps, 0)]

    def change(self, given: Trade, orders: object, key: object) -> list[dict[str, Any]]:
        """Change the ladder `key` of a trade into these orders: one batch cancels what goes, one places what is new.

        Nothing is placed until the end of all that goes is proven; the loop cancels it again then.
        """
        with self.lock, self._refused.reported(given, key):
            name = ladder_spec.check_key(key)
            trade_key = key_of(given)
            known = self._known(trade_key, name)
            if not known:
                return self.place(given, orders, name)
            name = known[0].ladder
            trade = trade_rows.open_trades().get(trade_key)
            if trade is None:
                raise ladder_spec.LadderRefused(
                    f"trade {given.id} on {given.pair} is not open: its ladder goes with it"
                )
            resting = [order for order in known if order.phase.open]
            doubtful = next((order for order in resting if order.order_id is None), None)
            if doubtful is not None:
                raise ladder_spec.LadderRefused(
                    f"order {doubtful.client_id} of the ladder has no response yet: change it once it is looked up"
                )
            steps = ladder_spec.parse_ladder(orders, self._limits(trade, resting))
            wanted = ladder_changes.compare(steps, resting)
            if wanted.going and not self._cancel_going(trade, wanted.going):
                return []
            self._give_up([order for order in known if order.phase is Phase.WAITING], "its ladder was changed")
            new = {number: step for number, step in enumerate(steps) if number not in wanted.kept}
            fitting = dict(zip(new, ladder_changes.trim(list(new.values()), self._limits(trade)), strict=True))
            placed = self._place(
                trade, name, [step for step in fitting.values() if step], 1 + max(order.number for order in known)
            )
            numbers = [number for number, step in fitting.items() if step]
            now = {**wanted.kept, **dict(zip(numbers, placed, strict=True))}
            return [now[number].to_ccxt() for number in sorted(now)]

    def _known(self, trade: TradeKey, name: str) -> Sequence[TrackedOrder]:
        """Return the orders of a ladder; by default, also of the one that earlier versions have placed."""
        known = self.store.of_trade(trade, name)
        if not known and name == ladder_spec.DEFAULT_KEY:
            known = self.store.of_trade(trade, ladder_spec.FORMER_DEFAULT_KEY)
        return known

    def _cancel_going(self, trade: Trade, going: Sequence[TrackedOrder]) -> bool:
        """Cancel orders of a ladder that is changed; return whether all of them are proven to have ended."""
        if key_of(trade) in self.resting.unresolved:
            return False
        done = self.resting.cancel(trade, trade.pair, going, self.client.pace.loop_budget())
        return not done.unresolved

    def _place(self, trade: Trade, name: str, steps: Sequence[LadderStep], first: int) -> Sequence[TrackedOrder]:
        """Store orders of a ladder, numbered from this number on, and send them with one request."""
        trade_key, at_ms, bot_key = key_of(trade), self.epoch_ms(), self.store.key()
        sent = self._limits(trade).sent_of(steps)
        rungs = [
            TrackedOrder(
                client_id=client_order_ids.rung_order_id(bot_key, trade_key.id, trade_key.opened_ms, name, number),
                origin=Origin.LADDER,
                trade_id=trade_key.id,
                opened_ms=trade_key.opened_ms,
                pair=trade.pair,
                side=step.side,
                ladder=name,
                number=number,
                price=step.price,
                amount=step.amount,
                intended_ms=at_ms,
                sent=asked,
            )
            for number, (step, asked) in enumerate(zip(steps, sent, strict=True), first)
        ]
        if not rungs:
            return []
        self.store.add(rungs)
        if any(rung.side == SELL for rung in rungs) and not self.make_room(trade, 0.0):
            placed: Sequence[TrackedOrder] = [replace(rung, phase=Phase.WAITING, reason=_NO_ROOM) for rung in rungs]
        else:
            # What the buys cost has just been checked.
            placed = self._send(trade, rungs, self.client.pace.loop_budget(), [SELL])
        self.store.update(zip(rungs, placed, strict=True))
        self._report_placed(trade, name, placed)
        return placed

    def place_waiting(self, busy: Collection[TradeKey], budget: Budget) -> None:
        """Place orders again after momentary refusals, with growing pauses.

        :param busy: trades that another thread is exiting
        :param budget: the time for all of them
        """
        with self.lock:
            waiting = self.store.in_phase(Phase.WAITING)
            trades = trade_rows.open_trades() if waiting else {}
            ladders: dict[tuple[TradeKey, str], list[TrackedOrder]] = {}
            for rung in waiting:
                if rung.trade is not None and rung.trade not in busy:
                    ladders.setdefault((rung.trade, rung.ladder), []).append(rung)
            for (key, name), rungs in ladders.items():
                trade = trades.get(key)
                tries = self._tries.setdefault((key, name), _Tries())
                if trade is None:
                    self._give_up(rungs, "its trade has ended")
                elif self.clock() >= tries.at_seconds and budget.left_ms():
                    try:
                        self._place_again(trade, name, rungs, tries, budget)
                    except ccxt.BaseError as error:
                        about = f"Ladder {name!r} of trade {trade.id} on {trade.pair}"
                        self.alerts.warn(f"{about} could not be placed again: {error}", about)

    def drop_waiting(self, trade: Trade) -> None:
        """Give up the waiting orders of a trade that exits."""
        rungs = self.store.of_trade(key_of(trade))
        self._give_up([rung for rung in rungs if rung.phase is Phase.WAITING], "its trade exits")

    def resting_of(self, trade: Trade) -> list[dict[str, Any]]:
        """Return all resting orders of a trade as stored, the ended ones too; sends no request."""
        return [rung.to_ccxt() for rung in self.store.of_trade(key_of(trade))]

    def _place_again(
        self, trade: Trade, name: str, rungs: Sequence[TrackedOrder], tries: _Tries, budget: Budget
    ) -> None:
        tries.count += 1
        tries.at_seconds = self.clock() + _PAUSES_SECONDS[min(tries.count, len(_PAUSES_SECONDS) - 1)]
        # A request that was refused may have been executed late.
        rungs = self.lost.take_in_shown(trade.pair, rungs, budget)
        if not rungs:
            return
        limits = self._limits(trade)
        fitting = _fit(rungs, limits)
        if fitting is None:
            self._give_up(
                rungs, f"the trade has {'sold' if limits.exit_side == SELL else 'covered'} a part of its coins since"
            )
            return
        self.store.update(zip(rungs, fitting, strict=True))
        rungs = fitting
        selling = sum(rung.amount for rung in rungs if rung.side == SELL)
        if selling and not self.make_room(trade, selling):
            return
        placed = self._send(trade, rungs, budget, [SELL, BUY])
        self.store.update(zip(rungs, placed, strict=True))
        if any(rung.phase is not Phase.WAITING for rung in placed):
            self._report_placed(trade, name, placed)

    def _send(
        self, trade: Trade, rungs: Sequence[TrackedOrder], budget: Budget, sides: Sequence[str]
    ) -> Sequence[TrackedOrder]:
        """Place orders with one request; those of these sides wait whose coins are not free, and would be borrowed.

        Orders that are not the bot's may hold coins of the trade, and a balance can be late.
        """
        pair, held_back = trade.pair, dict[str, TrackedOrder]()
        for side in sides if self.lends() else ():
            held_back |= self._beyond_free(pair, [rung for rung in rungs if rung.side == side])
        sent = [rung for rung in rungs if rung.client_id not in held_back]
        answers = self.client.place(pair, sent, budget, self.rules.loan_type(trade)) if sent else []
        placed = dict(zip(sent, answers, strict=True))
        return [held_back.get(rung.client_id) or placed[rung] for rung in rungs]

    def _beyond_free(self, pair: str, rungs: Sequence[TrackedOrder]) -> dict[str, TrackedOrder]:
        """Return the orders of one side, as waiting, for which too few coins are free; by client order id."""
        if not rungs:
            return {}
        coin = self.rules.markets[pair]["base" if rungs[0].side == SELL else "quote"]
        try:
            left = self.rules.free(coin)
        except FreqtradeException as error:
            left, reason = 0.0, f"the free {coin} could not be read: {error}"
        else:
            reason = f"only {left:.8g} {coin} are free, and nothing is borrowed"
        waiting = {}
        for rung in rungs:
            needed = rung.amount if rung.side == SELL else rung.rest_cost
            if needed <= left * (1 + REL_TOLERANCE):
                left -= needed
            else:
                waiting[rung.client_id] = replace(rung, phase=Phase.WAITING, reason=reason)
        return waiting

    def _give_up(self, rungs: Sequence[TrackedOrder], reason: str) -> None:
        """Place these orders no more; if one is on the venue after all, a later lookup takes it in."""
        self.store.update((rung, replace(rung, phase=Phase.LOST, reason=reason)) for rung in rungs)
        for rung in rungs:
            self.alerts.info(f"Resting {rung.side} on {rung.pair} (ladder {rung.ladder!r}) is given up: {reason}.")

    def _limits(self, trade: Trade, own: Sequence[TrackedOrder] = ()) -> Limits:
        """Return the limits of a ladder of a trade.

        :param own: open orders of the ladder itself, whose coins it may use again
        """
        pair, rules = trade.pair, self.rules
        market = rules.markets[pair]
        side, covers = trade.exit_side, trade.exit_side == BUY
        closing = self.resting.closing(trade) + sum(
            row.safe_remaining for row in trade.open_orders if row.ft_order_side == side
        )
        has, buys = trade_rows.remaining_amount(trade), [order for order in own if order.side == BUY]
        return Limits(
            pair=pair,
            max_orders=rules.batch_max,
            has=has,
            sellable=max(0.0, has - closing + sum(order.remaining for order in own if order.side == side)),
            spendable=lambda: self._free_quote(market["quote"], covers=covers) + sum(o.rest_cost for o in buys),
            min_amount=market["limits"]["amount"]["min"],
            min_cost=market["limits"]["cost"]["min"],
            to_amount=lambda amount: rules.amount_to_precision(pair, amount),
            to_price=lambda price: rules.price_to_precision(pair, price),
            exit_side=side,
            may_add=not covers and (trade.leverage or 1.0) <= 1,
            to_sent=(lambda amount: rules.cover_amount(pair, amount)) if covers else None,
        )

    def _free_quote(self, coin: str, *, covers: bool) -> float:
        """Return the free quote coins; what a short has sold pays for covers alone."""
        return self.rules.free(coin) if covers else self.rules.free_margin(coin)

    def _report_placed(self, trade: Trade, name: str, placed: Sequence[TrackedOrder]) -> None:
        """Log the number of orders that were placed; warn of the others."""
        live = [rung for rung in placed if rung.phase is Phase.LIVE]
        self.resting.changed(key_of(trade))
        self.alerts.send_info(
            f"Ladder {name!r} of trade {trade.id} on {trade.pair}: {len(live)} of {len(placed)} placed{_summary(live)}."
        )
        for rung in placed:
            if rung.phase in {Phase.REFUSED, Phase.LOST}:
                self.alerts.warn(
                    f"Resting {rung.side} of {rung.amount:.8g} at {rung.price:.8g} on {rung.pair} (ladder {name!r}, "
                    f"trade {trade.id}) was refused: {rung.reason}. It is not placed again under this key.",
                )
        waiting = [rung for rung in placed if rung.phase is Phase.WAITING]
        if waiting:
            self.alerts.warn(
                f"{len(waiting)} resting orders on {trade.pair} (ladder {name!r}, trade {trade.id}) were refused for "
                f"the moment: {waiting[0].reason}. The loop places them again.",
                f"waiting {trade.id} {name}",
            )
        unclear = [rung for rung in placed if rung.phase is Phase.INTENDED]
        if unclear:
            self.alerts.warn(
                f"{len(unclear)} resting orders on {trade.pair} (ladder {name!r}, trade {trade.id}) may have been "
                f"placed: {unclear[0].reason}. Every loop looks them up; nothing is sent twice.",
            )


def _summary(orders: Sequence[TrackedOrder]) -> str:
    """Return the first orders of a ladder in words, for a message."""
    if not orders:
        return ""
    shown = [f"{order.side} {order.amount:.8g} at {order.price:.8g}" for order in orders[:_SHOWN_MAX]]
    more = [f"{len(orders) - _SHOWN_MAX} more"] if len(orders) > _SHOWN_MAX else []
    return f" ({', '.join([*shown, *more])})"


def _fit(rungs: Sequence[TrackedOrder], limits: Limits) -> list[TrackedOrder] | None:
    """Return orders with the last one that closes cut to what is there; None where more than a fee is missing.

    The fee of an entry is known only after the venue has listed its fills.
    """
    closing = [rung for rung in rungs if rung.side == limits.exit_side]
    over = sum(rung.amount for rung in closing) - limits.sellable
    if over <= limits.sellable * REL_TOLERANCE:
        return list(rungs)
    last = closing[-1]
    amount = float(limits.to_amount(max(0.0, last.amount - over)))
    if over > limits.sellable * _FEES_SHARE or amount < (limits.min_amount or 0.0) or amount <= 0:
        return None
    smaller = replace(last, amount=amount, sent=limits.sent_of([LadderStep(last.side, last.price, amount)])[0])
    return [smaller if rung is last else rung for rung in rungs]
