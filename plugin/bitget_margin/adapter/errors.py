"""Exceptions that keep what a call has found out.

    ccxt.NetworkError
      CancelUnresolved    the deadline passed, and at least one order has no proof
      PlaceUnresolved     the deadline passed, and at least one order may have been placed

Every exception that ends a call after its first request carries its report, also those that are not ours: the ccxt
exception of a definitive error, KeyboardInterrupt, asyncio.CancelledError. `report_of` finds it.
"""

from __future__ import annotations

from typing import Any, Final

import ccxt

from bitget_margin.core.outcome import CancelReport, Outcome

_REPORT: Final = "bitget_margin_report"
_LONGEST: Final = 400
_NAMED: Final = 5
"""How many unresolved orders a message names; the report names them all."""


class CancelUnresolved(ccxt.NetworkError):
    """Not every order could be resolved before the deadline; `report` says what is known of each.

    A `ccxt.NetworkError`, so that what retries on network errors asks again: asking again is safe.
    """

    def __init__(self, method: str, report: CancelReport, problem: str | None = None) -> None:
        self.report = report
        attach(self, report)
        super().__init__(_message(method, report, problem))


class PlaceUnresolved(ccxt.NetworkError):
    """One or more orders may have been placed, and no look-up showed them before the deadline.

    `orders` has one structure per requested order, in their order; what is not resolved has neither id nor status.
    Look these up by their client order ids before you place anything again. `missed_twice` says whether two look-ups,
    1.5 s apart, would have shown each of them and did not: no proof, since the request may still be on its way.
    """

    def __init__(
        self, method: str, orders: list[Any], fault: Exception | None = None, *, missed_twice: bool = False
    ) -> None:
        self.orders = orders
        self.missed_twice = missed_twice
        unresolved = [order["clientOrderId"] for order in orders if order["id"] is None and order["status"] is None]
        names = ", ".join(unresolved[:_NAMED]) + (" …" if len(unresolved) > _NAMED else "")
        why = "" if fault is None else f" ({fault})"
        super().__init__(
            f"bitget {method}(): {len(unresolved)} of {len(orders)} orders may have been placed{why}, and no look-up "
            f"shows them so far: look up {names} by client order id before you place them again",
        )


def documented(name: str, error: Exception) -> Exception:
    """Return an exception of ccxt: the one that came, or one that says what ccxt could not read.

    :param name: of the exchange and its method
    """
    if isinstance(error, ccxt.BaseError):
        return error
    unreadable = ccxt.BadResponse(
        f"{name}: what the venue answered cannot be read: {type(error).__name__}: {error}"[:_LONGEST]
    )
    unreadable.__cause__ = error
    return unreadable


def attach(error: BaseException, report: CancelReport) -> None:
    """Let an exception carry a report."""
    vars(error)[_REPORT] = report


def report_of(error: BaseException | None) -> CancelReport | None:
    """Return the report that an exception carries, or one of the exceptions that caused it; None if none does."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        report = vars(error).get(_REPORT)
        if isinstance(report, CancelReport):
            return report
        seen.add(id(error))
        # Not __context__: it may be an earlier call's exception, that its handler was busy with.
        error = error.__cause__
    return None


def _message(method: str, report: CancelReport, problem: str | None) -> str:
    open_ends = report.of(Outcome.UNKNOWN, Outcome.NOT_SENT)
    parts = [f"bitget {method}() is not resolved: {report.summary()}, {report.elapsed_ms:.0f} ms"]
    if problem is not None:
        parts.append(problem)
    if report.unexamined:
        parts.append(f"not examined: {', '.join(report.unexamined)}")
    for result in open_ends[:_NAMED]:
        name = result.id or result.client_order_id
        why = f" ({result.reason})" if result.reason else ""
        parts.append(f"{name} {result.symbol} {result.outcome.value}{why}")
    if len(open_ends) > _NAMED:
        parts.append(f"and {len(open_ends) - _NAMED} more")
    parts.append("see report_of(exception)" if problem is not None else "ask again, or see report_of(exception)")
    return "; ".join(parts)
