"""Requests for resting orders through the sync exchange class, each within a budget of time."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import ccxt

from bitget_margin import client_order_ids
from bitget_margin.adapter.ccxt_errors import verdict_of_exception
from bitget_margin.adapter.errors import PlaceUnresolved, report_of
from bitget_margin.adapter.fetch import OPEN_ONLY, PARTIAL, PREFIX, FilledSum, OrdersView, view_orders
from bitget_margin.adapter.params import LOOKS_ON
from bitget_margin.core.error_codes import Verdict
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.core.verdicts import verdict_of_code
from bitget_margin.freqtrade.budget import Budget, Pace
from bitget_margin.freqtrade.ladder_spec import REL_TOLERANCE
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, apply_row

MOMENTARY: Final = frozenset({Verdict.STATE, Verdict.LIMITED, Verdict.UNSENT})
"""Verdicts of refusals that may pass: a balance that lags, too many requests."""


def epoch_ms() -> int:
    """Return the time since the epoch, in milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class CancelBatchResult:
    """Result of a batch cancel: the orders as they are now, and those whose end is not proven."""

    orders: tuple[TrackedOrder, ...]
    report: CancelReport | None
    unresolved: Mapping[str, str]
    """Reasons of the orders whose end is not proven, by client order id."""
    foreign: Sequence[CancelResult] = ()
    """Results for order ids that are not among the resting orders."""
    missing: frozenset[str] = frozenset()
    """Client order ids of the orders that two lookups of this cancel have missed."""

    @property
    def summary(self) -> str:
        """Number of orders by outcome, for the log and the chart."""
        ended = sum(order.phase is Phase.ENDED for order in self.orders)
        return f"{ended} of {len(self.orders)} ended" if self.report is None else self.report.summary()


@dataclass(frozen=True, slots=True)
class ViewedOrders:
    """Result of a lookup."""

    orders: tuple[TrackedOrder | None, ...]
    """The orders as the venue shows them now, in the order of the request; None where it does not."""
    own: tuple[Mapping[str, Any], ...] = ()
    """ccxt's structures of other open orders on the pair whose client order id has the bot's key."""
    missing: frozenset[str] = frozenset()
    """Client order ids of the orders that are in no list, complete ones, and are not found by their ids either."""


@dataclass(eq=False)
class VenueClient:
    """Requests for the orders of a bot.

    :param api: returns the sync exchange object, which freqtrade may replace
    """

    api: Callable[[], Any]
    pace: Pace

    def view(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, key: str | None = None) -> ViewedOrders:
        """Look up these orders, and all other open orders of the bot on the pair if its key is given.

        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        view = self._view(pair, orders, budget, key)
        viewed = []
        missing = set()
        for order in orders:
            name = order.order_id or order.client_id
            now = apply_row(order, view.orders.get(name))
            if now is None and view.open_is_complete and name not in view.unanswered:
                now = _by_fills(order, view.fills.get(name))
                if now is None or now.phase.open:
                    missing.add(order.client_id)
            viewed.append(now)
        return ViewedOrders(tuple(viewed), tuple(view.own), frozenset(missing))

    def view_rows(self, pair: str, orders: Sequence[TrackedOrder], budget: Budget) -> Mapping[str, Mapping[str, Any]]:
        """Return ccxt's structures of these orders by the given id, without those that the venue does not show.

        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        return self._view(pair, orders, budget, None).orders

    def _view(
        self,
        pair: str,
        orders: Sequence[TrackedOrder],
        budget: Budget,
        key: str | None,
        *,
        open_only: bool = False,
    ) -> OrdersView:
        ids, client_ids = _ids(orders)
        api: Any = self.api()
        params: dict[str, Any] = {"timeout": _timeout_ms(budget), PARTIAL: True}
        if key is not None:
            params[PREFIX] = f"{key}-"
        if open_only:
            params[OPEN_ONLY] = True
        view: OrdersView = api.perform(view_orders(api, pair, ids, client_ids, params))
        return view

    def open_rows(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, key: str
    ) -> Sequence[Mapping[str, Any]]:
        """Return ccxt's structures of the bot's orders in the pair's list of open orders, read until it shows these.

        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        view = self._view(pair, orders, budget, key, open_only=True)
        return [*view.orders.values(), *view.own]

    def open_rows_everywhere(self, budget: Budget, key: str) -> Sequence[Mapping[str, Any]]:
        """Return ccxt's structures of the bot's open orders on all pairs.

        :raises ccxt.ArgumentsRequired: the venue lists no two pairs at once
        :raises ccxt.BaseError: no answer in time, or a refusal
        """
        params = {"marginMode": "cross", "timeout": _timeout_ms(budget)}
        orders = self.api().fetch_open_orders(None, None, None, params)
        return [order for order in orders if client_order_ids.is_ours(key, order["clientOrderId"])]

    def open_ids(self, pair: str, budget: Budget) -> list[str]:
        """Return the ids of all open orders on a pair, the bot's and others."""
        params = {"marginMode": "cross", "timeout": _timeout_ms(budget)}
        return [order["id"] for order in self.api().fetch_open_orders(pair, None, None, params)]

    def cancel(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, others: Sequence[str] = ()
    ) -> CancelBatchResult:
        """Cancel these orders, and others by order id, with one batch; errors become reasons in the result."""
        ids, client_ids = _ids(orders)
        error: ccxt.BaseError | None = None
        report: CancelReport | None
        try:
            report = self.api().batch_cancel([*ids, *others], pair, client_ids, {"timeout": _timeout_ms(budget)})
        except ccxt.BaseError as raised:
            error, report = raised, report_of(raised)
        results = () if report is None else report.results
        by_id = {result.id: result for result in results if result.id is not None}
        by_client_id = {result.client_order_id: result for result in results if result.client_order_id is not None}
        current, unresolved, missing = [], {}, set()
        for order in orders:
            result = by_client_id.get(order.client_id) if order.order_id is None else by_id.get(order.order_id)
            # NOT_FOUND has an order structure too, and proves no end.
            proof = None if result is None or result.outcome is Outcome.NOT_FOUND else apply_row(order, result.order)
            after = proof or order
            if result is not None and result.outcome is Outcome.NOT_FOUND:
                missing.add(order.client_id)
            if after.phase.open:
                reason = str(error) if result is None else result.reason or result.outcome.value
                unresolved[order.client_id] = reason
                after = replace(after, reason=reason)
            current.append(after)
        foreign = [result for result in results if result.id in others]
        return CancelBatchResult(tuple(current), report, unresolved, foreign, frozenset(missing))

    def cancel_one(self, order_id: str, pair: str, timeout_ms: float) -> CancelReport:
        """Cancel an order by id.

        :raises ccxt.BaseError: its end is not proven; `report_of` returns the report, if there is one
        """
        report: CancelReport = self.api().batch_cancel([order_id], pair, (), {"timeout": timeout_ms})
        return report

    def place(
        self, pair: str, orders: Sequence[TrackedOrder], budget: Budget, loan_type: str | None = None
    ) -> list[TrackedOrder]:
        """Place these orders with one request, at most once; return them as the answer shows them.

        :param loan_type: the venue's `loanType` of all of them; None for its default, without a loan
        """
        loan = {} if loan_type is None else {"loanType": loan_type}
        requests = [
            {
                "symbol": pair,
                "type": "limit",
                "side": order.side,
                "amount": order.asked,
                "price": order.price,
                "params": {"marginMode": "cross", "clientOrderId": order.client_id, **loan},
            }
            for order in orders
        ]
        try:
            bounds = {"timeout": _timeout_ms(budget), LOOKS_ON: True, "marginMode": "cross"}
            placed = self.api().create_orders(requests, bounds)
        except PlaceUnresolved as error:
            placed = error.orders
        except ccxt.BaseError as error:
            # Every other error means that nothing was placed.
            not_sent = Verdict.UNSENT if isinstance(error, ccxt.NetworkError) else Verdict.DEFINITIVE
            phase = _phase_after(verdict_of_exception(error) or not_sent)
            return [replace(order, phase=phase, reason=str(error)) for order in orders]
        return [_placed(order, structure) for order, structure in zip(orders, placed, strict=True)]


def _ids(orders: Sequence[TrackedOrder]) -> tuple[list[str], list[str]]:
    """Return the order ids, and the client order ids of the orders that have none."""
    ids = [order.order_id for order in orders if order.order_id is not None]
    return ids, [order.client_id for order in orders if order.order_id is None]


def _by_fills(order: TrackedOrder, fills: FilledSum | None) -> TrackedOrder | None:
    """Return an order that has no row any more by its fills, which show its end if they are all; None without them."""
    if fills is None:
        return None
    filled = order.net_of(fills.amount)
    is_full = filled >= order.amount * (1 - REL_TOLERANCE)
    phase = Phase.ENDED if is_full and order.phase.open else order.phase
    return replace(order, phase=phase, filled=max(order.filled, filled), average=fills.average or order.average)


def _placed(order: TrackedOrder, structure: Mapping[str, Any]) -> TrackedOrder:
    """Return an order as the answer to its placing shows it."""
    if structure["id"] is None:
        if structure["status"] != "rejected":
            return replace(order, phase=Phase.INTENDED, reason="no response, and no lookup shows it yet")
        info = structure["info"]
        code = info.get("errorCode") or info.get("code")
        # A refusal without a code may be momentary: it is tried again, and in the end refused for good.
        phase = Phase.WAITING if code is None else _phase_after(verdict_of_code(str(code)))
        return replace(order, phase=phase, reason=info.get("errorMsg") or info.get("msg"))
    if structure["status"] is None:
        # Accepted, as in stock ccxt: the answer to a new order has only its id.
        return replace(order, phase=Phase.LIVE, order_id=structure["id"])
    return apply_row(order, structure) or order


def _phase_after(verdict: Verdict) -> Phase:
    """Return the phase of a refused order; lost, and watched, where only lookups could prove the refusal."""
    if verdict in MOMENTARY:
        return Phase.WAITING
    return Phase.REFUSED if verdict in {Verdict.DEFINITIVE, Verdict.REFUSED} else Phase.LOST


def _timeout_ms(budget: Budget) -> float:
    left_ms = budget.left_ms()
    if not left_ms:
        raise ccxt.RequestTimeout("bitget: no time is left for resting orders in this loop; the next one asks again")
    return left_ms
