"""freqtrade's own orders, from just before they are sent until freqtrade has stored them.

A crash between the two, or a lost response, would leave an order that freqtrade does not know: an entry whose coins
have no stop-loss, or an exit that would be placed twice. Each order is stored before it is sent, looked up by its
client order id, and handed to freqtrade.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import ccxt
from sqlalchemy.exc import SQLAlchemyError

from bitget_margin import client_order_ids
from bitget_margin.adapter.ccxt_errors import verdict_of_exception
from bitget_margin.adapter.errors import PlaceUnresolved
from bitget_margin.core.error_codes import Verdict
from bitget_margin.freqtrade import trade_rows
from bitget_margin.freqtrade.absent_orders import AbsentOrders
from bitget_margin.freqtrade.alerts import Alerts
from bitget_margin.freqtrade.budget import Budget
from bitget_margin.freqtrade.client import VenueClient, epoch_ms
from bitget_margin.freqtrade.compat import FreqtradeOrder, TemporaryError, Trade, order_row
from bitget_margin.freqtrade.config import NAME
from bitget_margin.freqtrade.covers import net_of
from bitget_margin.freqtrade.exit_names import BLOCKS_SECONDS, ExitNames
from bitget_margin.freqtrade.holdings import RECHECK_SECONDS
from bitget_margin.freqtrade.ladder_spec import BUY
from bitget_margin.freqtrade.missed_lookups import MissedLookups
from bitget_margin.freqtrade.order_store import OrderStore
from bitget_margin.freqtrade.tracked_order import Origin, Phase, TrackedOrder, net_filled
from bitget_margin.freqtrade.trade_rows import key_of

PLACING_SECONDS: Final = 30.0
"""Longest time for which an order counts as being placed by another thread."""
_NO_PROOF_NEEDED: Final = frozenset({None, Verdict.UNSENT, Verdict.DEFINITIVE, Verdict.REFUSED})
"""Verdicts by which an order was not placed; None where no request was sent."""
_TAG: Final = "found again"


@dataclass(eq=False, kw_only=True)
class Recovery:
    """Orders that freqtrade places: stored, looked up while in doubt, and adopted if it lost them.

    :param new_trade: makes a trade on a pair with these values
    """

    names: ExitNames
    missed: MissedLookups
    store: OrderStore
    client: VenueClient
    alerts: Alerts
    absent: AbsentOrders
    new_trade: Callable[..., Trade]
    lock: threading.RLock
    clock: Callable[[], float] = time.monotonic
    epoch_ms: Callable[[], int] = epoch_ms
    _placing: dict[str, tuple[int, float]] = field(default_factory=dict, init=False)
    """Thread that places an order, and since when, by client order id; freqtrade has not stored it yet."""
    _found: set[str] = field(default_factory=set, init=False)
    """Client order ids of orders that a lookup of any thread has shown, with a fill or live."""

    # -- around the request that places an order ----------------------------------------------------------------------

    def intend(
        self,
        pair: str,
        side: str,
        amount: float,
        price: float,
        *,
        is_entry: bool | None = None,
        sent: float | None = None,
    ) -> TrackedOrder:
        """Store an order that is about to be sent.

        :param amount: base coins of the position
        :param is_entry: None where a buy is one
        :param sent: amount that the venue is asked for, of a cover
        :raises TemporaryError: an earlier one of this side is in doubt or was just found: it might be placed twice
        """
        is_entry = side == BUY if is_entry is None else is_entry
        with self.lock:
            in_doubt = {order.client_id for order in self._in_doubt(pair, side)}
        has_found = self.resolve(pair, side)
        with self.lock:
            if has_found or in_doubt & self._found:
                raise TemporaryError(
                    f"An earlier {side} order on {pair} has just been found on the venue. This one was decided on "
                    "without it, and is not placed: the next loop decides again."
                )
            for earlier in self._in_doubt(pair, side):
                if self.absent.is_entry(earlier) is not is_entry:
                    continue
                if not self.absent.is_proven(earlier, amount):
                    raise TemporaryError(
                        f"An earlier {side} order on {pair} ({earlier.client_id}) may be on the venue, which does not "
                        "show it yet. No other one is placed until a lookup shows it, or its absence is proven."
                    )
                self._give_up(earlier)
            trade = trade_rows.open_trade(pair)
            number, client_id = self.names.next(None if is_entry else trade)
            intent = TrackedOrder(
                client_id=client_id,
                origin=Origin.FREQTRADE,
                trade_id=None if trade is None else trade.id,
                opened_ms=None if trade is None else key_of(trade).opened_ms,
                pair=pair,
                side=side,
                ladder="",
                number=number,
                price=price,
                amount=amount,
                intended_ms=self.epoch_ms(),
                sent=sent,
            )
            if is_entry:
                self.store.add([intent])
            else:
                self.absent.note_exit(intent)
                # Written or not, an exit leaves: its name can be computed again.
                self.store.note(intent)
            self._placing[intent.client_id] = (threading.get_ident(), self.clock())
            return intent

    def placed(self, intent: TrackedOrder, order_id: str) -> None:
        """Store the venue's id; the order stays stored until freqtrade has its own row."""
        self.store.update([(intent, replace(intent, phase=Phase.LIVE, order_id=order_id))])

    def failed(self, intent: TrackedOrder, error: BaseException) -> None:
        """Forget an order that was refused beyond doubt; keep one that may have been placed, or may still be.

        A refusal that needed lookups as proof counts as missed by them: it blocks others as an order without an
        answer does.
        """
        self._placing.pop(intent.client_id, None)
        cause = error.__cause__
        if isinstance(cause, PlaceUnresolved):
            if cause.missed_twice:
                self.missed.note(intent, RECHECK_SECONDS)
        elif isinstance(cause, ccxt.BaseError):
            if verdict_of_exception(cause) in _NO_PROOF_NEEDED:
                self.names.give_back(intent)
                self.forget(intent)
            else:
                self.missed.note(intent, RECHECK_SECONDS)

    # -- orders in doubt ----------------------------------------------------------------------------------------------

    def resolve(self, pair: str | None = None, side: str | None = None, budget: Budget | None = None) -> bool:
        """Forget orders that freqtrade has stored, and look up the others; of one pair and side, or all.

        :param budget: the time for all of it
        :returns: whether an order was found that has filled, or may still
        """
        has_found = False
        budget = budget or self.client.pace.loop_budget()
        with self.lock:
            intents = self._in_doubt(pair, side)
        for intent in intents:
            with self.lock:
                is_stored = _is_stored_by_freqtrade(intent)
                if is_stored:
                    self.forget(intent)
                is_due = not is_stored and not self._is_being_placed(intent)
            if is_due and budget.left_ms():
                has_found |= self._look_up(intent, budget)
        return has_found

    def _in_doubt(self, pair: str | None, side: str | None) -> list[TrackedOrder]:
        """Return the orders that freqtrade may not have stored, of one pair and side, or all."""
        orders = self.store.open(Origin.FREQTRADE)
        return [order for order in orders if pair is None or (order.pair, order.side) == (pair, side)]

    def _is_being_placed(self, intent: TrackedOrder) -> bool:
        """Whether another thread is between placing this order and storing it in freqtrade's rows."""
        thread, since = self._placing.get(intent.client_id, (threading.get_ident(), 0.0))
        return thread != threading.get_ident() and self.clock() - since < PLACING_SECONDS

    def _look_up(self, intent: TrackedOrder, budget: Budget) -> bool:
        """Look up an order and adopt it; return whether it has filled, or may still.

        Without the lock, unless the loop holds it: no exit of another thread waits for an entry.
        """
        try:
            (found,) = self.client.view(intent.pair, [intent], budget).orders
        except ccxt.BaseError as error:
            self.alerts.warn(f"Order {intent.client_id} on {intent.pair} could not be looked up: {error}")
            return False
        with self.lock:
            return self._resolved(intent, found)

    def _resolved(self, intent: TrackedOrder, found: TrackedOrder | None) -> bool:
        """Act on what a lookup shows of an order; return whether it has filled, or may still."""
        shows = found is not None and (found.phase.open or found.filled > 0)
        if shows:
            self._found.add(intent.client_id)
        if all(order.client_id != intent.client_id for order in self.store.open(Origin.FREQTRADE)):
            return shows  # another thread has looked it up meanwhile
        if found is not None:
            self.missed.clear(intent)
            self.adopt(found)
            return shows
        self.missed.note(intent)
        if self.missed.seconds(intent) <= BLOCKS_SECONDS:
            return False
        if intent.order_id is not None:
            self.alerts.warn(
                f"The {intent.side} order {intent.order_id} on {intent.pair} was accepted by the venue, which does not "
                "show it now. It may still trade: every loop looks it up, and no other one is sent for some minutes.",
                f"missing {intent.client_id}",
            )
        elif self._is_of_ended_trade(intent) or self.absent.is_proven(intent, intent.amount):
            self._give_up(intent)
        return False

    def _is_of_ended_trade(self, order: TrackedOrder) -> bool:
        """Whether an order is the exit of a trade that is not open any more."""
        trade = trade_rows.open_trade(order.pair)
        return not self.absent.is_entry(order) and (trade is None or key_of(trade) != order.trade)

    def _give_up(self, intent: TrackedOrder) -> None:
        """Take an order as never placed; if it shows later, it is adopted."""
        self.alerts.warn(
            f"The {intent.side} order {intent.client_id} on {intent.pair} got no answer, and neither two lookups nor "
            "the balance show it: it is taken as never placed, and looked up now and then.",
        )
        self._clear(intent)
        self.store.update([(intent, replace(intent, phase=Phase.LOST))])

    def forget(self, intent: TrackedOrder) -> None:
        """Forget an order that freqtrade has stored, or that was certainly not placed."""
        self._clear(intent)
        self.store.forget(intent)

    def _clear(self, intent: TrackedOrder) -> None:
        self.missed.clear(intent)
        self.absent.forget(intent)
        self._placing.pop(intent.client_id, None)

    # -- orders that freqtrade does not know --------------------------------------------------------------------------

    def adopt(self, found: TrackedOrder) -> None:
        """Add an order of the bot to freqtrade's rows; freqtrade's own loop processes it from then on."""
        trade_rows.refresh()
        nothing = found.phase is Phase.ENDED and found.filled == 0
        if nothing or _is_stored_by_freqtrade(found):
            self.forget(found)
            return
        stray = self._why_stray(found)
        if stray is not None:
            done = "bought" if found.side == BUY else "sold"
            self.alerts.warn(f"{stray}: it {done} {found.filled:.8g}. Look at the account.")
            self._cancel_stray(found)
            return
        row = FreqtradeOrder.parse_from_ccxt_object(
            {**found.to_ccxt(), "status": "open"}, found.pair, found.side, found.amount, found.price
        )
        row.ft_order_tag = _TAG
        trade = trade_rows.open_trade(found.pair) or self._trade_of_entry(found)
        try:
            trade.orders.append(row)
            trade.recalc_trade_from_orders()
            Trade.session.add(trade)
            Trade.commit()
        except SQLAlchemyError as error:
            Trade.rollback()
            # It stays in doubt, so that nothing is sent for it again.
            self.alerts.warn(f"Order {found.order_id} on {found.pair} is found, and cannot be stored yet: {error}")
            return
        self.forget(found)
        self.alerts.warn(
            f"Order {found.order_id} ({found.side} {found.amount:.8g} {found.pair}) was placed before freqtrade could "
            f"store it. It is found again, and belongs to trade {trade.id} now.",
        )

    def _why_stray(self, found: TrackedOrder) -> str | None:
        """Return why an order belongs to no trade, neither an open one nor a new one; None where it does."""
        name, trade = f"order {found.order_id} on {found.pair} was found", trade_rows.open_trade(found.pair)
        if self._is_of_ended_trade(found):
            return f"Exit {name}, and its trade is not open any more"
        if trade is not None and self.absent.is_entry(found) and found.side != trade.entry_side:
            return f"Entry {name}, and the open trade {trade.id} has the other direction"
        return None

    def adoptable(
        self, pair: str, orders: Iterable[dict[str, Any]], to_precision: Callable[[float], float]
    ) -> list[dict[str, Any]]:
        """Return the orders that freqtrade may adopt: its own, neither in doubt nor booked.

        freqtrade cancels what it adopts at a timeout, so orders of others and resting orders are not among them.

        Nor are covers without a row, of which the venue shows the amount that was sent: they are found by their names.

        :param orders: as the venue shows them
        :param to_precision: cuts an amount to the precision of the pair
        """
        key = self.store.key()
        # An order that another thread is placing would be stored twice. Read before the rows: an order that is in
        # neither could be adopted although freqtrade has just stored it.
        known = {o.client_id for o in (*self.store.resting_on(pair), *self.store.open(Origin.FREQTRADE))}
        trade_rows.refresh()
        trade = trade_rows.open_trade(pair)
        # Sold out by its rows and still open: freqtrade was killed in the middle, and closes it by reading them again.
        again = trade is not None and to_precision(trade_rows.remaining_amount(trade)) == 0
        ours = [o for o in orders if client_order_ids.is_ours(key, o.get("clientOrderId"))]
        unknown = [o for o in ours if o["clientOrderId"] not in known]
        readable = [o for o in unknown if not _is_cover(o, trade) or order_row(o["id"], pair) is not None]
        return [o for o in readable if again or not _is_booked(o, pair, trade)]

    def _cancel_stray(self, found: TrackedOrder) -> None:
        if found.phase.open and self.client.cancel(found.pair, [found], self.client.pace.loop_budget()).unresolved:
            return
        self.forget(found)

    def _trade_of_entry(self, entry: TrackedOrder) -> Trade:
        price = entry.average or entry.price
        terms = self.absent.terms_of(entry)
        leveraged = {} if terms is None else {"is_short": terms.is_short, "leverage": terms.leverage}
        return self.new_trade(
            entry.pair,
            **leveraged,
            stake_amount=entry.amount * price / (1.0 if terms is None else terms.leverage),
            amount_requested=entry.amount,
            open_rate=price,
            open_rate_requested=entry.price,
            open_date=datetime.fromtimestamp(entry.intended_ms / 1_000, UTC),
            exchange=NAME,
            enter_tag=_TAG,
        )


def _is_cover(order: Mapping[str, Any], trade: Trade | None) -> bool:
    return trade is not None and bool(trade.is_short) and order["side"] == trade.exit_side


def _is_booked(order: Mapping[str, Any], pair: str, trade: Trade | None) -> bool:
    """Whether freqtrade has booked this order with all of its fills; twice might close its trade."""
    row, filled = order_row(order["id"], pair), float(order.get("filled") or 0.0)
    if row is not None and _is_cover(order, trade) and order["amount"]:
        filled = net_filled(net_of(row), order["amount"], filled)
    return row is not None and not row.ft_is_open and (row.filled or 0.0) == filled


def _is_stored_by_freqtrade(order: TrackedOrder) -> bool:
    return order.order_id is not None and order_row(order.order_id, order.pair) is not None
