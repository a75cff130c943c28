"""A strategy order is called canceled or changed only by its row, and a cancel is sent again while it waits."""

from collections.abc import Iterator
from typing import Any

import pytest

from bitget_margin.core.change import ChangeOutcome
from bitget_margin.core.effects import Call
from bitget_margin.core.endpoints import AccountKind, Endpoint
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.outcome import Outcome
from bitget_margin.core.strategy_change import StrategyCancel, cancel_strategy, modify_strategy
from bitget_margin.core.strategy_row import StrategyType
from support.script import Script, fault
from unit.core.test_strategy_row import RAW, STOP

ENDED = {"success": Outcome.FILLED, "cancelled": Outcome.CANCELED, "failed": Outcome.CANCELED}

GONE = fault("25204", "Order does not exist")


class Venue:
    """Answers changes, and shows rows: the last of each repeats."""

    def __init__(self, answers: list[object], rows: list[dict[str, Any] | None], placed: object = ()) -> None:
        self.answers, self.rows, self.placed = iter(answers), iter(rows), placed
        self.answer: object = None
        self.row: dict[str, Any] | None = None
        self.sent = 0
        self.script = Script(self._respond)

    def _respond(self, call: Call) -> object:
        if call.endpoint in {Endpoint.UNIFIED_CANCEL_STRATEGY, Endpoint.UNIFIED_MODIFY_STRATEGY}:
            self.sent += 1
            self.answer = _next(self.answers, self.answer)
            return self.answer
        if call.endpoint is Endpoint.UNIFIED_STRATEGY_SUB_ORDERS:
            return {"list": self.placed}
        is_open = call.endpoint is Endpoint.UNIFIED_STRATEGY_ORDERS
        if is_open:
            self.row = _next(self.rows, self.row)
        shown = [] if self.row is None or (self.row["status"] == "pending") is not is_open else [self.row]
        return shown if is_open else {"list": shown}

    def cancel(self, *, confirm: bool = True, **settings: Any) -> StrategyCancel:
        cancel = StrategyCancel(OrderRef("BTCUSDT", IdKind.ORDER, "7"), (StrategyType.TPSL,))
        ctx = self.script.ctx(kind=AccountKind.UNIFIED, confirm=confirm, **settings)
        self.script.run(cancel_strategy(ctx, cancel))
        return cancel


def _next(values: Iterator[Any], last: Any) -> Any:
    return next(values, last)


def row(status: str = "pending", **more: Any) -> dict[str, Any]:
    return {**RAW, "status": status, **more}


@pytest.mark.parametrize("answer", [None, fault(), fault("25204", "Order does not exist"), "nonsense"])
@pytest.mark.parametrize("status", ENDED)
def test_its_row_decides_whatever_the_answer_was(answer: object, status: str) -> None:
    venue = Venue([answer], [row(status)])
    assert venue.cancel().outcome is ENDED[status]
    assert venue.sent == 1


def test_it_is_canceled_again_while_it_waits() -> None:
    venue = Venue([None], [row()] * 5 + [row("cancelled")])
    assert venue.cancel().outcome is Outcome.CANCELED
    assert venue.sent > 1


def test_an_acknowledgement_ends_a_call_without_confirm() -> None:
    venue = Venue([None], [row()])
    assert venue.cancel(confirm=False).outcome is Outcome.ACCEPTED
    assert len(venue.script.calls) == 1


@pytest.mark.parametrize(
    ("answers", "rows", "outcome"),
    [
        ([fault("45024", "Cancel order error")], [row()], Outcome.OPEN),
        ([fault("25204", "Order does not exist")], [None], Outcome.NOT_FOUND),
        ([None], [None], Outcome.UNKNOWN),
        ([fault("40014", "Incorrect permissions")], [row()], Outcome.NOT_SENT),
        ([None], [row("")], Outcome.UNKNOWN),
    ],
)
def test_without_proof_it_is_not_ended(answers: list[object], rows: list[Any], outcome: Outcome) -> None:
    assert Venue(answers, rows).cancel(timeout_ms=5_000).outcome is outcome


@pytest.mark.parametrize(
    ("answers", "rows"),
    [([None, GONE], [None]), ([fault(), GONE], [None]), ([GONE], [row(), None])],
    ids=["acknowledged", "maybe executed", "seen"],
)
def test_one_that_a_cancel_may_have_ended_is_not_called_unknown_to_the_venue(answers: Any, rows: Any) -> None:
    venue = Venue(answers, rows)
    assert venue.cancel(timeout_ms=8_000).outcome is Outcome.UNKNOWN
    assert venue.sent > 1


def test_one_that_ended_without_a_status_has_triggered_if_it_has_placed_an_order() -> None:
    placed = [{"subOrderId": "8", "symbol": "BTCUSDT", "cumExecQty": "0.5"}]
    assert Venue([None], [row("")], placed).cancel().outcome is Outcome.FILLED


@pytest.mark.parametrize("answer", [{"orderId": "7"}, fault(), fault("45001", "Unknown error")])
def test_a_change_is_proven_by_the_row(answer: object) -> None:
    venue = Venue([answer], [row(qty="1"), row()])
    result = venue.script.run(modify_strategy(venue.script.ctx(kind=AccountKind.UNIFIED), "7", STOP))
    assert (result.outcome, venue.sent) == (ChangeOutcome.DONE, 1)


@pytest.mark.parametrize(
    ("answer", "shown", "outcome"),
    [
        ({"orderId": "7"}, row(qty="1"), ChangeOutcome.UNRESOLVED),
        ({"orderId": "7"}, None, ChangeOutcome.UNRESOLVED),
        (fault("25204", "Order does not exist"), row("success"), ChangeOutcome.REFUSED),
        (fault(), row("success"), ChangeOutcome.IMPOSSIBLE),
        (fault("25200", "validation error"), row(qty="1"), ChangeOutcome.REFUSED),
    ],
)
def test_a_change_without_proof_is_none(answer: object, shown: Any, outcome: ChangeOutcome) -> None:
    venue = Venue([answer], [shown])
    ctx = venue.script.ctx(kind=AccountKind.UNIFIED, timeout_ms=4_000)
    assert venue.script.run(modify_strategy(ctx, "7", STOP)).outcome is outcome
