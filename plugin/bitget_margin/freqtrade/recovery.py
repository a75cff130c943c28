"""freqtrade's own orders, from just before they are sent until freqtrade has written them down.

Between the two a crash, or an answer that got lost, would leave an order that nobody knows: an entry whose coins have
no stop-loss, or an exit that would be placed twice. Each is written down before it is sent, looked up by its client
order id, and handed to freqtrade.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.adapter.ccxt_errors import verdict_of_exception
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.error_codes import Verdict
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.client import Budget, epoch_ms
from bitget_margin.freqtrade.compat import Order, TemporaryError, Trade, new_trade, order_row
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS, REL_TOLERANCE
from bitget_margin.freqtrade.ladder_spec import BUY
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder

if TYPE_CHECKING:
    from bitget_margin.freqtrade.exchange import Bitgetcross
    from bitget_margin.freqtrade.resting_orders import RestingOrders

BLOCKS_SECONDS: Final = 30.0
"""How long an order without an answer keeps others from its side of its pair, at least where the balance does not show
that it is not there. After that the venue would refuse it for its age."""
PLACING_SECONDS: Final = 30.0
_PLAIN: Final = frozenset({None, Verdict.UNSENT, Verdict.DEFINITIVE, Verdict.REFUSED})
"""Verdicts that need no proof; None where the venue was not asked."""
_TAG: Final = "found again"


class Recovery:
    """The orders that freqtrade itself places."""

    def __init__(self, exchange: Bitgetcross, resting: RestingOrders) -> None:
        self._exchange = exchange
        self._resting = resting
        self._totals: dict[str, float | None] = {}
        """What the wallet had of an exit's coin just before it was sent, by client order id."""
        self._placing: dict[str, tuple[int, float]] = {}
        """Which thread is placing what since when: until it is done, freqtrade cannot have written it down."""

    def intend(self, pair: str, side: str, amount: float, price: float) -> TrackedOrder:
        """Write down an order that is about to be sent.

        :raises TemporaryError: an earlier one of this side is not resolved, or has just been found: it might be placed
            twice
        """
        with self._resting.lock:
            if self.resolve(pair, side):
                raise TemporaryError(
                    f"An earlier {side} order on {pair} has just been found on the venue. This one was decided on "
                    "without it, and is not placed: the next loop decides again.",
                )
            for earlier in self._resting.store.open(Origin.FREQTRADE):
                if (earlier.pair, earlier.side) != (pair, side):
                    continue
                if not self._is_not_there(earlier, amount):
                    raise TemporaryError(
                        f"An earlier {side} order on {pair} ({earlier.client_id}) may be on the venue, which does not "
                        f"show it yet. No other one is placed until a look-up shows it, or look-ups and the balance "
                        f"show that it is not there.",
                    )
                self._give_up(earlier)
            trade = trade_rows.open_trade(pair)
            intent = TrackedOrder(
                client_id=client_order_ids.own(self._resting.store.key()),
                kind=Origin.FREQTRADE,
                trade_id=None if trade is None else trade.id,
                opened_ms=None if trade is None else trade_rows.key_of(trade).opened_ms,
                pair=pair,
                side=side,
                ladder="",
                number=0,
                price=price,
                amount=amount,
                intended_ms=epoch_ms(),
            )
            if side != BUY:
                holdings = self._exchange.holdings
                self._totals[intent.client_id] = holdings.last_total(holdings.base_of(pair))
            self._resting.store.add([intent])
            self._placing[intent.client_id] = (threading.get_ident(), self._resting.seconds())
            return intent

    def placed(self, intent: TrackedOrder, order_id: str) -> None:
        """Note the venue's id; the order stays written down here until freqtrade has its own row."""
        live = replace(intent, phase=Phase.LIVE, order_id=order_id)
        self._resting.store.update([(intent, live)])

    def failed(self, intent: TrackedOrder, error: BaseException) -> None:
        """Forget an order that was plainly refused; keep one that may be there, or may still come.

        A refusal that look-ups had to prove counts as missed by them: it keeps others away as long as no answer does.
        """
        self._placing.pop(intent.client_id, None)
        cause = error.__cause__
        if isinstance(cause, PlaceUnresolved):
            if cause.missed_twice:
                self._resting.note_missed(intent, RECHECK_SECONDS)
        elif isinstance(cause, ccxt.BaseError):
            if verdict_of_exception(cause) in _PLAIN:
                self._forget(intent)
            else:
                self._resting.note_missed(intent, RECHECK_SECONDS)

    def _forget(self, intent: TrackedOrder) -> None:
        self._resting.mark_seen(intent)
        self._totals.pop(intent.client_id, None)
        self._resting.store.forget(intent)

    def resolve(self, pair: str | None = None, side: str | None = None, budget: Budget | None = None) -> bool:
        """Hand over to freqtrade what it has not written down, and forget what it has; of one pair and side, or all.

        :param budget: the time for all of it
        :returns: whether an order was found that has traded, or may still
        """
        has_found = False
        budget = budget or Budget(self._resting.settings.wait_ms)
        with self._resting.lock:
            for intent in self._resting.store.open(Origin.FREQTRADE):
                if pair is not None and (intent.pair, intent.side) != (pair, side):
                    continue
                known = intent.order_id is not None and order_row(intent.order_id, intent.pair) is not None
                if known:
                    self._placing.pop(intent.client_id, None)
                    self._forget(intent)
                elif not self._is_being_placed(intent) and budget.left_ms():
                    has_found |= self._look_for(intent, budget)
        return has_found

    def _is_being_placed(self, intent: TrackedOrder) -> bool:
        """Whether another thread is between placing this order and writing it down."""
        thread, since = self._placing.get(intent.client_id, (threading.get_ident(), 0.0))
        return thread != threading.get_ident() and self._resting.seconds() - since < PLACING_SECONDS

    def _look_for(self, intent: TrackedOrder, budget: Budget) -> bool:
        """Look for an order, and adopt it; return whether it has traded, or may still."""
        try:
            (found,) = self._resting.client.view(intent.pair, [intent], budget)
        except ccxt.BaseError as error:
            self._resting.alerts.warn(f"Order {intent.client_id} on {intent.pair} could not be looked up: {error}")
            return False
        if found is not None:
            self._resting.mark_seen(intent)
            self.adopt(found)
            return found.phase.open or found.filled > 0
        self._resting.note_missed(intent)
        if self._resting.missed_seconds(intent) <= BLOCKS_SECONDS:
            return False
        if intent.order_id is not None:
            self._resting.alerts.warn(
                f"The {intent.side} order {intent.order_id} on {intent.pair} was taken by the venue, which does not "
                "show it now. It may still trade; every loop looks for it, and no other one is placed there.",
                f"missing {intent.client_id}",
            )
        elif self._is_of_the_past(intent) or self._is_not_there(intent, intent.amount):
            self._give_up(intent)
        return False

    def _is_of_the_past(self, intent: TrackedOrder) -> bool:
        """Whether an exit is of a trade that is not open any more."""
        trade = trade_rows.open_trade(intent.pair)
        return intent.side != BUY and (trade is None or trade_rows.key_of(trade) != intent.trade)

    def _is_not_there(self, intent: TrackedOrder, amount: float) -> bool:
        """Whether an order without an answer is proven not to be there, so that another one may be sent.

        Two look-ups have missed it. An entry waits for its age besides. For an exit the balance decides: it shows as
        many coins as before the exit, free. At once where they are the bot's alone on a classic account: should the
        order come late, it is refused for want of coins. Else the exit waits for its age too.
        """
        if intent.order_id is not None or self._resting.missed_seconds(intent) < RECHECK_SECONDS:
            return False
        is_old = epoch_ms() - intent.intended_ms >= BLOCKS_SECONDS * 1_000
        if intent.side == BUY:
            return is_old and self._resting.missed_seconds(intent) >= BLOCKS_SECONDS
        holdings = self._exchange.holdings
        coin = holdings.base_of(intent.pair)
        holding = holdings.read(coin)
        if holding is None or holding.free < amount * (1 - REL_TOLERANCE):
            return False
        before = self._totals.get(intent.client_id)
        missing = intent.amount * (0.5 if is_old else REL_TOLERANCE)
        if before is None:
            return is_old and holdings.shows(coin, holding.total, missing)
        alone = holdings.freezes() and not holdings.has_others(coin, max(before, holding.total))
        return (is_old or alone) and holding.total > before - missing

    def _give_up(self, intent: TrackedOrder) -> None:
        """Take an order as never placed. It is watched on: what shows later is taken in."""
        self._resting.alerts.warn(
            f"The {intent.side} order {intent.client_id} on {intent.pair} got no answer, and neither two look-ups nor "
            "the balance show it: it is taken as never placed, and looked for now and then.",
        )
        self._resting.mark_seen(intent)
        self._totals.pop(intent.client_id, None)
        self._resting.store.update([(intent, replace(intent, phase=Phase.LOST))])

    def adopt(self, found: TrackedOrder) -> None:
        """Write an order of ours that freqtrade does not know into freqtrade's rows; its loop takes it from there."""
        trade_rows.refresh()
        nothing = found.phase is Phase.ENDED and found.filled == 0
        if nothing or (found.order_id is not None and order_row(found.order_id, found.pair) is not None):
            self._forget(found)  # freqtrade has found it itself
            return
        trade = trade_rows.open_trade(found.pair)
        if found.side != BUY and (trade is None or trade_rows.key_of(trade) != found.trade):
            self._resting.alerts.warn(
                f"Exit order {found.order_id} on {found.pair} was found, and its trade is not open any more: it sold "
                f"{found.filled:.8g}. Look at the account.",
            )
            self._cancel_stray(found)
            return
        row = Order.parse_from_ccxt_object(
            {**found.order(), "status": "open"}, found.pair, found.side, found.amount, found.price
        )
        row.ft_order_tag = _TAG
        if trade is None:
            trade = self._new_trade(found)
        trade.orders.append(row)
        trade.recalc_trade_from_orders()
        Trade.session.add(trade)
        Trade.commit()
        self._forget(found)
        self._resting.alerts.warn(
            f"Order {found.order_id} ({found.side} {found.amount:.8g} {found.pair}) was placed before the bot could "
            f"write it down. It is found again, and belongs to trade {trade.id} now.",
        )

    def _cancel_stray(self, found: TrackedOrder) -> None:
        if found.phase.open:
            done = self._resting.client.cancel(found.pair, [found], Budget(self._resting.settings.wait_ms))
            if done.unresolved:
                return
        self._forget(found)

    def _new_trade(self, found: TrackedOrder) -> Trade:
        exchange, pair, price = self._exchange, found.pair, found.average or found.price
        fee = exchange.get_fee(symbol=pair, taker_or_maker="maker")
        market: dict[str, Any] = exchange.markets[pair]
        return new_trade(
            exchange.config_of_bot,
            pair=pair,
            base_currency=market["base"],
            stake_currency=market["quote"],
            stake_amount=found.amount * price,
            amount=0,
            is_open=True,
            amount_requested=found.amount,
            fee_open=fee,
            fee_close=fee,
            open_rate=price,
            open_rate_requested=found.price,
            open_date=datetime.fromtimestamp(found.intended_ms / 1_000, UTC),
            exchange=exchange.id,
            enter_tag=_TAG,
            trading_mode=exchange.trading_mode,
            amount_precision=exchange.get_precision_amount(pair),
            price_precision=exchange.get_precision_price(pair),
            precision_mode=exchange.precisionMode,
            precision_mode_price=exchange.precision_mode_price,
            contract_size=exchange.get_contract_size(pair),
        )
