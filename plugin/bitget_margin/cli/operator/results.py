"""Results of a cancel command, one per order, and the exit code that follows from them."""

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ccxt

from bitget_margin.adapter.errors import report_of
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.selection import NamedOrder, Order
from bitget_margin.core.locked_coins import LockedCoins
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.outcome import CancelResult, Outcome

OUTCOMES: Final = {
    "canceled": Outcome.CANCELED,
    "closed": Outcome.FILLED,
    "open": Outcome.OPEN,
    "rejected": Outcome.NOT_FOUND,
}
"""Outcomes by the `status` that the library gives a canceled order in ccxt's order structure."""
_NOT_FOUND: Final = "in no list of the venue; it may have ended long ago, or be of a symbol that was not searched"
_FILTERED_OUT: Final = "not canceled: another option excludes it"
_IN_DOUBT: Final = "interrupted: its cancel may have been sent"
_KEPT: Final = ("id", "client_order_id", "side", "price", "amount", "filled", "timestamp")
"""Attributes that a later result without them keeps from an earlier one."""
_NAMED: Final = 10
"""Number of orders that a command names."""
_SUMMARY: Final = (*(outcome.value for outcome in Outcome), "waiting")


@dataclass(frozen=True, slots=True)
class OrderResult:
    """Known attributes of one order, and its outcome; None while it waits for one."""

    symbol: str | None
    id: str | None
    client_order_id: str | None
    side: str | None = None
    price: float | None = None
    amount: float | None = None
    filled: float | None = None
    timestamp: int | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    code: str | None = None

    @property
    def name(self) -> str:
        """Order id, or client order id if the former is unknown."""
        return str(self.id or self.client_order_id)


@dataclass(slots=True)
class OrderResults:
    """Results of one command in the order of its plan, with the errors of its calls."""

    by_order: dict[tuple[str | None, str], OrderResult] = field(default_factory=dict)
    """By symbol and id, or client order id if only that was given."""
    errors: list[BaseException] = field(default_factory=list)
    unexamined: tuple[str, ...] = ()
    interrupted: bool = False
    locked: LockedCoins | None = None
    """Coins that stay locked on a unified account without open orders, and what holds them."""
    may_have_canceled: bool = False
    """Whether a cancel may have been executed."""

    def __iter__(self) -> Iterator[OrderResult]:
        return iter(self.by_order.values())

    def add_plan(self, plan: Plan) -> None:
        """Record the planned orders, and the results that are known without a cancel."""
        self.add_waiting(plan.orders)
        for name in plan.unlisted:
            self._record(_of_name(name))
        for _, order in plan.ended:
            # As in the library, an order that was rejected at entry counts as canceled.
            outcome = Outcome.FILLED if order["status"] == "closed" else Outcome.CANCELED
            self._record(_of_order(order, outcome))
        for name in plan.filtered_out:
            self._record(_of_name(name, Outcome.OPEN, _FILTERED_OUT))
        for name in plan.not_found:
            self._record(_of_name(name, Outcome.NOT_FOUND, _NOT_FOUND))

    def add_waiting(self, orders: Iterable[Order]) -> None:
        """Record orders that are about to be canceled."""
        for order in orders:
            self._record(_of_order(order))

    def add_report(self, results: Iterable[CancelResult]) -> None:
        """Record results of a `CancelReport`."""
        for result in results:
            self.may_have_canceled |= result.outcome is not Outcome.NOT_SENT
            self._record(
                replace(
                    _of_order(result.order, result.outcome),
                    symbol=result.symbol,
                    id=result.id,
                    client_order_id=result.client_order_id,
                    reason=result.reason,
                    code=result.code,
                )
            )

    def add_error(self, error: BaseException, names: Sequence[NamedOrder] = ()) -> None:
        """Record the exception that ended a call for these orders, with the report that it carries."""
        report = report_of(error)
        interrupted = isinstance(error, KeyboardInterrupt)
        self.interrupted |= interrupted
        if not interrupted:
            self.errors.append(error)
        if report is not None:
            self.add_report(report.results)
            self.unexamined += report.unexamined
        elif interrupted or not isinstance(error, ccxt.BaseError):
            for name in names:
                self.may_have_canceled = True
                self._record(_of_name(name, Outcome.UNKNOWN, _IN_DOUBT))

    def close(self) -> None:
        """Mark orders that still wait for an outcome as not sent."""
        for key, result in self.by_order.items():
            if result.outcome is None:
                self.by_order[key] = replace(result, outcome=Outcome.NOT_SENT)

    def not_ended(self) -> list[OrderResult]:
        """Return the results without proof of a final state."""
        return [result for result in self if result.outcome is None or not result.outcome.ended]

    def clear_errors(self) -> None:
        """Drop the errors of earlier calls, once the balance has proven that nothing is left."""
        if not self.interrupted:
            self.errors.clear()
            self.unexamined = ()

    @property
    def exit_code(self) -> Exit:
        """Exit code of the command; unresolved comes before open."""
        if self.interrupted and not self.may_have_canceled:
            return Exit.INTERRUPTED
        doubtful = {Outcome.UNKNOWN, Outcome.ACCEPTED}
        unresolved = any(errors.is_unresolved(error) for error in self.errors)
        if self.interrupted or unresolved or any(result.outcome in doubtful for result in self):
            return Exit.UNRESOLVED
        return Exit.OPEN if self.errors or self.unexamined or self.not_ended() else Exit.DONE

    def _record(self, result: OrderResult) -> None:
        """Record a result, completed by the attributes of an earlier one of the same order."""
        keys = _keys(result)
        key = next((key for key in keys if key in self.by_order), keys[0])
        known = self.by_order.get(key)
        if known is not None:
            missing: dict[str, Any] = {name: getattr(known, name) for name in _KEPT if getattr(result, name) is None}
            result = replace(result, **missing)
        self.by_order[key] = result


def summary(results: Iterable[OrderResult]) -> str:
    """Return the number of orders per outcome as text."""
    counts = Counter("waiting" if result.outcome is None else result.outcome.value for result in results)
    return ", ".join(f"{counts[name]} {name}" for name in _SUMMARY if counts[name]) or "no orders"


def naming_command(results: OrderResults, account: str = "") -> str | None:
    """Return a command that names the orders without proof of a final state; None if there are none.

    :param account: options that choose the account, with a space before each
    """
    left = [result for result in results.not_ended() if result.id or result.client_order_id]
    if not left:
        return None
    words = [f"--id {each.id}" if each.id else f"--client-id {each.client_order_id}" for each in left]
    more = f" (and {len(left) - _NAMED} more; --json lists all)" if len(left) > _NAMED else ""
    symbols = {each.symbol for each in left[:_NAMED]}
    # With a symbol, the venue's other pairs are not searched.
    symbol = f" --symbol {shlex.quote(str(symbols.pop()))}" if len(symbols) == 1 and None not in symbols else ""
    return f"bitget-margin cancel{account} {' '.join(words[:_NAMED])}{symbol}{more}"


def _keys(result: OrderResult) -> list[tuple[str | None, str]]:
    """Return the keys of a result; it is recorded under the first one."""
    values = [value for value in (result.id, result.client_order_id) if value is not None]
    return [(result.symbol, value) for value in values or ("",)]


def _of_name(name: NamedOrder, outcome: Outcome | None = None, reason: str | None = None) -> OrderResult:
    by_id = name.kind is IdKind.ORDER
    order_id, client_order_id = (name.value, None) if by_id else (None, name.value)
    return OrderResult(name.symbol, order_id, client_order_id, outcome=outcome, reason=reason)


def _of_order(order: Order, outcome: Outcome | None = None) -> OrderResult:
    return OrderResult(
        symbol=order["symbol"],
        id=order["id"],
        client_order_id=order["clientOrderId"],
        outcome=outcome,
        **{name: order[name] for name in ("side", "price", "amount", "filled", "timestamp")},
    )
