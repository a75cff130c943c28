"""Exceptions of unresolved calls, and the report that every exception of a cancel carries.

    ccxt.NetworkError
      CancelUnresolved    the deadline passed, and the final state of at least one order is not confirmed
      PlaceUnresolved     the deadline passed, and at least one order may have been placed
      ChangeUnresolved    the deadline passed, and another change may have been made: an edit, a loan, a setting

Every exception that ends a cancel after its first request carries the report, including ccxt's exception of a
definitive error, KeyboardInterrupt and asyncio.CancelledError. `report_of` returns it.

A call that is meant for cross margin and has no margin mode shows a `SpotWalletWarning`.
"""

from typing import Any, Final

import ccxt

from bitget_margin.adapter.html_pages import without_markup
from bitget_margin.core.outcome import CancelReport, Outcome

_REPORT: Final = "bitget_margin_report"
_LONGEST: Final = 400
_NAMED: Final = 5
"""Maximum number of unresolved orders in a message; the report has all of them."""


class CancelUnresolved(ccxt.NetworkError):
    """At least one order is unresolved at the deadline; `report` has the result of each.

    It is a `ccxt.NetworkError`, since the same call can safely be retried.
    """

    def __init__(self, method: str, report: CancelReport, problem: str | None = None) -> None:
        self.report = report
        attach(self, report)
        super().__init__(_message(method, report, problem))


class PlaceUnresolved(ccxt.NetworkError):
    """At least one order may have been placed, and no query found it before the deadline.

    `orders` has one structure per requested order, in the same order; an unresolved one has neither id nor status.
    Look these up by client order id before you place anything again. `missed_twice` is whether two queries, 1.5 s
    apart, did not find them: no proof, since the request may still be on its way.
    """

    def __init__(
        self, method: str, orders: list[Any], fault: Exception | None = None, *, missed_twice: bool = False
    ) -> None:
        self.orders = orders
        self.missed_twice = missed_twice
        unresolved = [order["clientOrderId"] for order in orders if order["id"] is None and order["status"] is None]
        names = ", ".join(unresolved[:_NAMED]) + (" …" if len(unresolved) > _NAMED else "")
        reason = "" if fault is None else f" ({fault})"
        super().__init__(
            f"bitget {method}(): {len(unresolved)} of {len(orders)} orders may have been placed{reason}, and no query "
            f"has found them so far: look up {names} by client order id before you place them again",
        )


class ChangeUnresolved(ccxt.NetworkError):
    """A change may have been made, or may still be, and no query has shown it before the deadline.

    `found` is the structure of the record that the last query has shown, None without one. Query it again before you
    repeat the call: the request was sent, and is not sent again.
    """

    def __init__(self, method: str, change: str, found: Any = None, fault: Exception | None = None) -> None:
        self.found = found
        reason = "" if fault is None else f" ({fault})"
        super().__init__(f"bitget {method}(): {change} may have been executed, or may still be{reason}; query it first")


class SpotWalletWarning(UserWarning):
    """A call without a margin mode goes to the spot account, as in stock ccxt; shown once per exchange object.

    `options['defaultMarginMode']` ends it: 'cross' for the cross margin account, None if the spot account is meant.
    """


def documented(name: str, error: Exception) -> Exception:
    """Return an exception of ccxt: this one, or BadResponse for a response that ccxt failed to parse.

    :param name: name of the exchange and its method
    """
    if isinstance(error, ccxt.BaseError):
        return error
    why = without_markup(f"{type(error).__name__}: {error}")
    unreadable = ccxt.BadResponse(f"{name}: the response cannot be read: {why}"[:_LONGEST])
    unreadable.__cause__ = error
    return unreadable


def cause_of(error: Exception) -> BaseException | None:
    """Return the cause of what `documented` returns: one of ccxt's keeps its own, which says why it failed."""
    return error.__cause__ if isinstance(error, ccxt.BaseError) else error


def attach(error: BaseException, report: CancelReport) -> None:
    """Attach a report to an exception."""
    vars(error)[_REPORT] = report


def report_of(error: BaseException | None) -> CancelReport | None:
    """Return the report attached to an exception or to one of its causes; None if there is none."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        report = vars(error).get(_REPORT)
        if isinstance(report, CancelReport):
            return report
        seen.add(id(error))
        # Not __context__: it may be the exception of an earlier call that was being handled.
        error = error.__cause__
    return None


def _message(method: str, report: CancelReport, problem: str | None) -> str:
    unresolved = report.of(Outcome.UNKNOWN, Outcome.NOT_SENT)
    parts = [f"bitget {method}() is not resolved: {report.summary()}, {report.elapsed_ms:.0f} ms"]
    if problem is not None:
        parts.append(problem)
    if report.unexamined:
        parts.append(f"not examined: {', '.join(report.unexamined)}")
    for result in unresolved[:_NAMED]:
        name = result.id or result.client_order_id
        reason = f" ({result.reason})" if result.reason else ""
        parts.append(f"{name} {result.symbol} {result.outcome.value}{reason}")
    if len(unresolved) > _NAMED:
        parts.append(f"and {len(unresolved) - _NAMED} more")
    parts.append("see report_of(exception)" if problem is not None else "retry, or see report_of(exception)")
    return "; ".join(parts)
