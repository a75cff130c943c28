"""What is asked of the venue for resting orders, through the sync exchange class, each within a time of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import ccxt

from bitget_margin.adapter.cancel import batch_cancel
from bitget_margin.adapter.ccxt_errors import verdict_of_exception
from bitget_margin.adapter.errors import PlaceUnresolved, report_of
from bitget_margin.adapter.fetch import view_orders
from bitget_margin.adapter.place import LOOKS_ON
from bitget_margin.core.error_codes import Verdict
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.core.verdicts import verdict_of_code
from bitget_margin.freqtrade.tracked_order import Phase, TrackedOrder, shown

MOMENTARY: Final = frozenset({Verdict.STATE, Verdict.LIMITED, Verdict.UNSENT})
"""Refusals that a moment later would not be one: funds that a balance shows late, too many requests."""
_LEAST_MS: Final = 50.0
"""Less time than this is not worth a request."""


def epoch_ms() -> int:
    """Return the time since the epoch."""
    return time.time_ns() // 1_000_000


class Budget:
    """The time that is left for resting orders, over several calls."""

    def __init__(self, total_ms: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left_ms = total_ms
        self._since: float | None = None

    def left_ms(self) -> float:
        """Return what is left; 0 where it is too little for a request."""
        return self._left_ms if self._left_ms >= _LEAST_MS else 0.0

    def __enter__(self) -> Self:
        self._since = self._clock()
        return self

    def __exit__(self, *_: object) -> None:
        if self._since is not None:
            self._left_ms -= (self._clock() - self._since) * 1_000
            self._since = None


@dataclass(frozen=True, slots=True)
class CancelBatchResult:
    """What came of a batch cancel: the orders as they are now, and those that are not proven ended, with the reason."""

    orders: tuple[TrackedOrder, ...]
    report: CancelReport | None
    unresolved: Mapping[str, str]
    """The reason by client order id."""
    foreign: Sequence[CancelResult] = ()
    """Results for order ids that are not among the resting orders."""

    @property
    def summary(self) -> str:
        """What came of it, in words."""
        ended = sum(rung.phase is Phase.ENDED for rung in self.orders)
        return f"{ended} of {len(self.orders)} ended" if self.report is None else self.report.summary()


class VenueClient:
    """The venue as far as resting orders need it; `api` gives the exchange object, which freqtrade may replace."""

    def __init__(self, api: Callable[[], Any]) -> None:
        self._api = api
        self._shown: dict[str, Mapping[str, Any]] = {}
        """The last look at each pair, by the id that was asked for."""

    def view(self, pair: str, rungs: Sequence[TrackedOrder], budget: Budget) -> list[TrackedOrder | None]:
        """Return these orders as the venue shows them now; None where it does not.

        :raises ccxt.BaseError: it did not answer in time, or refused
        """
        ids, names = _ids_and_names(rungs)
        api = self._api()
        with budget:
            timeout = {"timeout": _timeout_ms(budget)}
            orders = api.perform(view_orders(api, pair, ids, names, timeout, self._shown.get(pair, {})))
        self._shown[pair] = orders
        return [shown(rung, orders.get(rung.order_id or rung.client_id)) for rung in rungs]

    def open_ids(self, pair: str, budget: Budget) -> list[str]:
        """Return the ids of all open orders on a pair, whoever placed them."""
        with budget:
            params = {"marginMode": "cross", "timeout": _timeout_ms(budget)}
            return [order["id"] for order in self._api().fetch_open_orders(pair, None, None, params)]

    def cancel(
        self, pair: str, rungs: Sequence[TrackedOrder], budget: Budget, others: Sequence[str] = ()
    ) -> CancelBatchResult:
        """Cancel these orders, and others by order id, with one batch; never raises for what the venue does."""
        ids, names = _ids_and_names(rungs)
        error: ccxt.BaseError | None = None
        report: CancelReport | None
        api = self._api()
        with budget:
            try:
                timeout = {"timeout": _timeout_ms(budget)}
                report = api.perform(batch_cancel(api, [*ids, *others], pair, names, timeout, brief=True))
            except ccxt.BaseError as raised:
                error, report = raised, report_of(raised)
        results = () if report is None else report.results
        by_id = {result.id: result for result in results if result.id is not None}
        by_name = {result.client_order_id: result for result in results if result.client_order_id is not None}
        found, unresolved = [], {}
        for rung in rungs:
            result = by_id.get(rung.order_id) if rung.order_id is not None else by_name.get(rung.client_id)
            # NOT_FOUND has a structure too, and is no end.
            told = result is not None and result.outcome is not Outcome.NOT_FOUND
            after = (shown(rung, result.order) if result is not None and told else None) or rung
            if after.phase.open:
                why = (result.reason or result.outcome.value) if result is not None else str(error)
                unresolved[rung.client_id] = why
                after = replace(after, reason=why)
            found.append(after)
        asked_besides = set(others)
        strangers = [result for result in results if result.id in asked_besides]
        return CancelBatchResult(tuple(found), report, unresolved, strangers)

    def place(self, pair: str, rungs: Sequence[TrackedOrder], budget: Budget) -> list[TrackedOrder]:
        """Place these orders with one request, at most once; return them as far as the venue's answer goes."""
        requests = [
            {
                "symbol": pair,
                "type": "limit",
                "side": rung.side,
                "amount": rung.amount,
                "price": rung.price,
                "params": {"marginMode": "cross", "clientOrderId": rung.client_id},
            }
            for rung in rungs
        ]
        with budget:
            try:
                bounds = {"timeout": _timeout_ms(budget), LOOKS_ON: True, "marginMode": "cross"}
                orders = self._api().create_orders(requests, bounds)
            except PlaceUnresolved as error:
                orders = error.orders
            except ccxt.BaseError as error:
                # Whatever else is raised, nothing was placed.
                unasked = Verdict.UNSENT if isinstance(error, ccxt.NetworkError) else Verdict.DEFINITIVE
                phase = _phase_after(verdict_of_exception(error) or unasked)
                return [replace(rung, phase=phase, reason=str(error)) for rung in rungs]
        return [_placed(rung, order) for rung, order in zip(rungs, orders, strict=True)]


def _ids_and_names(rungs: Sequence[TrackedOrder]) -> tuple[list[str], list[str]]:
    """Return the order ids, and the client order ids of the orders that have none."""
    ids = [rung.order_id for rung in rungs if rung.order_id is not None]
    return ids, [rung.client_id for rung in rungs if rung.order_id is None]


def _placed(rung: TrackedOrder, order: Mapping[str, Any]) -> TrackedOrder:
    if order["id"] is None:
        if order["status"] != "rejected":
            return replace(rung, phase=Phase.INTENDED, reason="no answer, and no look-up shows it yet")
        info = order["info"]
        code = info.get("errorCode") or info.get("code")
        # An entry without a code may be of the moment: it is tried again, and refused for good in the end.
        phase = Phase.WAITING if code is None else _phase_after(verdict_of_code(str(code)))
        return replace(rung, phase=phase, reason=info.get("errorMsg") or info.get("msg"))
    if order["status"] is None:
        # Taken, as in stock ccxt: the answer to a new order says no more than its id.
        return replace(rung, phase=Phase.LIVE, order_id=order["id"])
    return shown(rung, order) or rung


def _phase_after(why: Verdict) -> Phase:
    """Return what becomes of an order that was refused so; what look-ups had to prove is watched on."""
    if why in MOMENTARY:
        return Phase.WAITING
    return Phase.REFUSED if why in {Verdict.DEFINITIVE, Verdict.REFUSED} else Phase.LOST


def _timeout_ms(budget: Budget) -> float:
    left_ms = budget.left_ms()
    if not left_ms:
        raise ccxt.RequestTimeout("bitget: no time is left for resting orders in this loop; the next one asks again")
    return left_ms
