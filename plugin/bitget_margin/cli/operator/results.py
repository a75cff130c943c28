"""What has become of each order so far, and how the command ends for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import ccxt

from bitget_margin.adapter.errors import report_of
from bitget_margin.cli.operator import errors
from bitget_margin.cli.operator.errors import Exit
from bitget_margin.cli.operator.plan import Plan
from bitget_margin.cli.operator.selection import Name, Order
from bitget_margin.core.order_ref import IdKind
from bitget_margin.core.outcome import CancelResult, Outcome

_OF_STATUS: Final = {
    "canceled": Outcome.CANCELED,
    "closed": Outcome.FILLED,
    "open": Outcome.OPEN,
    "rejected": Outcome.NOT_FOUND,
}
"""What the library says of an order that it was asked to cancel."""
_NOWHERE: Final = "in no list of the venue; if it ended long ago, or its symbol was not searched, nothing shows it"
_SPARED: Final = "left alone: another option does not let it through"
_IN_DOUBT: Final = "nobody has said whether its cancel was sent"


@dataclass(frozen=True, slots=True)
class Answer:
    """One order: what it is, as far as it is known, and its outcome; None while it waits for one."""

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
        """An id by which a person finds it."""
        return str(self.id or self.client_order_id)


@dataclass(slots=True)
class Book:
    """The answers of one command, in the order of its plan, and what went wrong."""

    answers: dict[tuple[str | None, str], Answer] = field(default_factory=dict)
    """By symbol and id, or client order id where only that was named."""
    errors: list[BaseException] = field(default_factory=list)
    unexamined: tuple[str, ...] = ()
    interrupted: bool = False
    touched: bool = False
    """Whether a cancel may have been executed."""

    def enter(self, plan: Plan) -> None:
        """Write down what is planned, and what is known without a cancel."""
        for order in plan.orders:
            self.expect(order)
        for name in plan.hidden:
            self._put(_named(name))
        for _, order in plan.ended:
            # As the library has it: an order that the venue rejected at entry has ended too.
            outcome = Outcome.FILLED if order["status"] == "closed" else Outcome.CANCELED
            self._put(replace(_of_order(order), outcome=outcome))
        for name in plan.spared:
            self._put(replace(_named(name), outcome=Outcome.OPEN, reason=_SPARED))
        for name in plan.lost:
            self._put(replace(_named(name), outcome=Outcome.NOT_FOUND, reason=_NOWHERE))

    def expect(self, order: Order) -> None:
        """Write down an order that is to be cancelled."""
        self._put(_of_order(order))

    def take(self, results: Iterable[CancelResult]) -> None:
        """Write down what the library reports."""
        for result in results:
            self.touched = self.touched or result.outcome is not Outcome.NOT_SENT
            answer = replace(
                _of_order(result.order),
                symbol=result.symbol,
                id=result.id,
                client_order_id=result.client_order_id,
                outcome=result.outcome,
                reason=result.reason,
                code=result.code,
            )
            self._put(answer)

    def take_orders(self, orders: Iterable[Order]) -> None:
        """Write down orders that the library has proven to be ended."""
        for order in orders:
            self.touched = True
            self._put(replace(_of_order(order), outcome=_OF_STATUS.get(order["status"], Outcome.ACCEPTED)))

    def fail(self, error: BaseException, named: Sequence[Name] = ()) -> None:
        """Write down what ended a call for these orders, with the report that it carries."""
        report = report_of(error)
        interrupted = isinstance(error, KeyboardInterrupt)
        self.interrupted = self.interrupted or interrupted
        if not interrupted:
            self.errors.append(error)
        if report is not None:
            self.take(report.results)
            self.unexamined += report.unexamined
        elif interrupted or not isinstance(error, ccxt.BaseError):
            for name in named:
                self.touched = True
                self._put(replace(_named(name), outcome=Outcome.UNKNOWN, reason=_IN_DOUBT))

    def close(self) -> None:
        """Give what still waits its outcome: no cancel of it was sent."""
        for key, answer in self.answers.items():
            if answer.outcome is None:
                self.answers[key] = replace(answer, outcome=Outcome.NOT_SENT)

    def of(self, symbol: str | None) -> list[Answer]:
        """Return the answers of one symbol."""
        return [answer for answer in self.answers.values() if answer.symbol == symbol]

    def not_ended(self) -> list[Answer]:
        """Return the answers that are no proof of an end."""
        return [answer for answer in self.answers.values() if answer.outcome is None or not answer.outcome.ended]

    def settle(self) -> None:
        """Forget what went wrong on the way: the balance has proven that nothing is left."""
        if not self.interrupted:
            self.errors.clear()
            self.unexamined = ()

    @property
    def exit_code(self) -> Exit:
        """How the command ends."""
        if self.interrupted and not self.touched:
            return Exit.INTERRUPTED
        doubtful = {Outcome.UNKNOWN, Outcome.ACCEPTED}
        unresolved = any(errors.is_unresolved(error) for error in self.errors)
        if self.interrupted or unresolved or any(answer.outcome in doubtful for answer in self.answers.values()):
            return Exit.UNRESOLVED
        return Exit.OPEN if self.errors or self.unexamined or self.not_ended() else Exit.DONE

    def _put(self, answer: Answer) -> None:
        """Write down an answer, and keep what an earlier one knows and this one does not."""
        key = next((key for key in _keys(answer) if key in self.answers), next(_keys(answer)))
        known = self.answers.get(key)
        if known is not None:
            kept = ("id", "client_order_id", "side", "price", "amount", "filled", "timestamp")
            missing: dict[str, Any] = {name: getattr(known, name) for name in kept if getattr(answer, name) is None}
            answer = replace(answer, **missing)
        self.answers[key] = answer


def summary(answers: Iterable[Answer]) -> str:
    """Return the count per outcome in words."""
    counts = Counter(answer.outcome for answer in answers)
    parts = [f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome]]
    waiting = [f"{counts[None]} waiting"] if counts[None] else []
    return ", ".join((*parts, *waiting)) or "no orders"


def _keys(answer: Answer) -> Iterator[tuple[str | None, str]]:
    if answer.client_order_id is not None and answer.id is None:
        yield answer.symbol, answer.client_order_id
        return
    yield answer.symbol, str(answer.id)
    if answer.client_order_id is not None:
        yield answer.symbol, answer.client_order_id


def _named(name: Name) -> Answer:
    by_id = name.kind is IdKind.ORDER
    return Answer(name.symbol, name.value if by_id else None, None if by_id else name.value)


def _of_order(order: Order) -> Answer:
    return Answer(
        symbol=order["symbol"],
        id=order["id"],
        client_order_id=order["clientOrderId"],
        side=order["side"],
        price=order["price"],
        amount=order["amount"],
        filled=order["filled"],
        timestamp=order["timestamp"],
    )
