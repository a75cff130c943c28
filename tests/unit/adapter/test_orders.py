"""What is known of an order becomes ccxt's structure: status by proof, names as the caller gave them, `info` raw."""

from typing import Any
from unittest import mock

import ccxt
import pytest

from bitget_margin.adapter import call as calls
from bitget_margin.adapter.errors import CancelUnresolved, report_of
from bitget_margin.adapter.orders import readable, report
from bitget_margin.adapter.venue_clock import WHOLE_WINDOW
from bitget_margin.core.cancel_proof import CancelAllResult
from bitget_margin.core.cancel_state import CancelState
from bitget_margin.core.effects import Fault
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.order_row import CLASSIC_FIELDS, UNIFIED_FIELDS, OrderRow
from bitget_margin.core.order_row import parse_row as read
from bitget_margin.core.outcome import CancelReport, CancelResult, Outcome
from bitget_margin.core.requests import CallContext
from bitget_margin.core.settings import Settings
from support.calling import BTC, Caller, exchange
from support.script import START_MS, fault, in_turn, page
from support.wire import row

BY_ID = OrderRef("BTCUSDT", IdKind.ORDER, "11")
BY_NAME = OrderRef("BTCUSDT", IdKind.CLIENT, "a")
UNIFIED_ROW = {
    "category": "MARGIN",
    "orderId": "11",
    "clientOid": "c11",
    "symbol": "BTCUSDT",
    "orderType": "limit",
    "side": "sell",
    "price": "60000",
    "qty": "0.1",
    "cumExecQty": "0",
    "cumExecValue": "0",
    "avgPrice": "0",
    "orderStatus": "cancelled",
    "feeDetail": [],
    "createdTime": "1795440000000",
    "updatedTime": "1795440001000",
}


def a_row(status: str = "cancelled", **more: str) -> OrderRow:
    """Return a row that was read."""
    found = read(row("11", status, **more), CLASSIC_FIELDS)
    assert found is not None
    return found


def state_of(target: OrderRef, outcome: Outcome | None, **known: Any) -> CancelState:
    """Return the state of one order with this evidence."""
    state = CancelState()
    for name, value in {"outcome": outcome, **known}.items():
        setattr(state.add(target).evidence, name, value)
    return state


def result_of(target: OrderRef, outcome: Outcome | None, **known: Any) -> CancelResult:
    """Return the result of one order with this evidence."""
    made = exchange()
    (result,) = report(made, state_of(target, outcome, **known), {"BTCUSDT": made.markets[BTC]}).results
    return result


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.CANCELED, "canceled"),
        (Outcome.FILLED, "closed"),
        (Outcome.OPEN, "open"),
        (Outcome.NOT_FOUND, "rejected"),
        (Outcome.ACCEPTED, None),
        (Outcome.UNKNOWN, None),
        (Outcome.NOT_SENT, None),
        (None, None),
    ],
)
def test_the_status_is_what_the_outcome_proves(outcome: Outcome | None, status: str | None) -> None:
    result = result_of(BY_ID, outcome, reason="why", code="c")
    assert (result.order["status"], result.outcome) == (status, outcome or Outcome.UNKNOWN)
    assert (result.id, result.client_order_id, result.symbol) == ("11", None, BTC)
    assert (result.order["id"], result.order["symbol"]) == ("11", BTC)
    assert (result.reason, result.code) == ("why", "c")


def test_an_unproven_order_has_the_status_of_its_row() -> None:
    assert result_of(BY_ID, Outcome.UNKNOWN, row=a_row("live")).order["status"] == "open"


def test_a_row_gives_the_structure_and_stays_raw() -> None:
    order = result_of(BY_ID, Outcome.CANCELED, row=a_row(size="0.01", amount="321.11", priceAvg="32111")).order
    assert (order["id"], order["clientOrderId"], order["filled"], order["cost"]) == ("11", "c11", 0.01, 321.11)
    assert order["info"] == row("11", "cancelled", size="0.01", amount="321.11", priceAvg="32111")


def test_of_an_order_that_was_refused_the_info_is_the_refusal() -> None:
    refusal = {"orderId": "11", "errorMsg": "no"}
    assert result_of(BY_ID, Outcome.OPEN, row=a_row("live"), info=refusal).order["info"] == refusal
    assert result_of(BY_ID, Outcome.CANCELED, row=a_row(), info=refusal).order["info"] == row("11", "cancelled")
    assert result_of(BY_ID, Outcome.OPEN, row=a_row("live")).order["info"] == row("11", "live")


def test_an_acknowledgement_is_what_stock_ccxt_makes_of_it() -> None:
    order = result_of(BY_NAME, Outcome.ACCEPTED, info={"orderId": "11", "clientOid": "a"}).order
    assert (order["id"], order["clientOrderId"], order["status"]) == ("11", "a", None)
    assert order["info"] == {"orderId": "11", "clientOid": "a"}
    raw = {"orderId": "12", "clientOid": "b", "feeDetail": ["x"]}
    odd = result_of(BY_NAME, Outcome.ACCEPTED, info=raw).order
    assert (odd["id"], odd["clientOrderId"], odd["info"]) == ("12", "b", raw)
    ended = result_of(BY_ID, Outcome.ACCEPTED, info={"orderId": "11", "status": "filled", "baseSize": "1"}).order
    assert ended["status"] is None, "an end is read from rows alone"


def test_acknowledged_orders_share_nothing_but_their_market() -> None:
    made, state = exchange(), CancelState()
    for order_id in ("11", "12"):
        evidence = state.add(OrderRef("BTCUSDT", IdKind.ORDER, order_id)).evidence
        evidence.outcome, evidence.info = Outcome.ACCEPTED, {"orderId": order_id, "clientOid": f"c{order_id}"}
    with mock.patch.object(made, "parse_order", wraps=made.parse_order) as parsed:
        first, second = report(made, state, {"BTCUSDT": made.markets[BTC]}).orders
    assert [(o["id"], o["clientOrderId"], o["symbol"]) for o in (first, second)] == [
        ("11", "c11", BTC),
        ("12", "c12", BTC),
    ]
    assert parsed.call_count == 1, "what ccxt makes of it differs in the ids alone"
    first["trades"].append("mine")
    assert second["trades"] == []


def test_names_are_as_the_caller_gave_them_where_the_venue_leaves_them_out() -> None:
    named = result_of(BY_NAME, Outcome.UNKNOWN)
    assert (named.id, named.client_order_id) == (None, "a")
    bound = result_of(BY_NAME, Outcome.UNKNOWN, bound_id="12", info={"clientOid": "zz"})
    assert (bound.id, bound.client_order_id, bound.order["info"]) == ("12", "zz", {"clientOid": "zz"})
    nameless = read({"orderId": "11", "symbol": "BTCUSDT", "status": "live"}, CLASSIC_FIELDS)
    assert result_of(BY_NAME, Outcome.OPEN, row=nameless).client_order_id == "a"


def test_a_row_of_a_unified_account_gives_the_structure_too() -> None:
    order = result_of(BY_ID, Outcome.CANCELED, row=read(UNIFIED_ROW, UNIFIED_FIELDS)).order
    assert (order["id"], order["clientOrderId"], order["status"], order["filled"]) == ("11", "c11", "canceled", 0)
    assert order["info"] == UNIFIED_ROW


def test_a_symbol_that_is_not_in_the_markets_is_reported_all_the_same() -> None:
    made = exchange()
    state = state_of(OrderRef("NEWUSDT", IdKind.ORDER, "11"), Outcome.CANCELED)
    state.unasked = [{"x": 1}]
    found = report(made, state, {}, requests=7, elapsed_ms=5.5, unexamined=("Z",))
    assert found.results[0].symbol == found.orders[0]["symbol"]
    assert "NEWUSDT" in found.results[0].symbol.replace("/", "")
    assert (found.unasked, found.requests, found.elapsed_ms, found.unexamined) == (({"x": 1},), 7, 5.5, ("Z",))
    known = report(made, state_of(BY_ID, Outcome.CANCELED), {})
    assert known.results[0].symbol == BTC, "a pair, not the contract of the same name"
    assert (known.unasked, known.requests, known.elapsed_ms, known.unexamined) == ((), 0, 0, ())


def test_a_row_that_ccxt_cannot_read_is_told_by_its_order() -> None:
    with pytest.raises(ccxt.BadResponse, match=r"^bitget: the row of order 11 cannot be read: ") as caught:
        readable(exchange(), a_row(feeDetail="{"), None)
    assert caught.value.__cause__ is not None


# -- how a call ends --------------------------------------------------------------------------------------------------


def opened() -> tuple[Any, CallContext]:
    """Return an exchange and the context of a call."""
    made = exchange()
    with Caller(in_turn(page())).clocked():
        return made, calls.open_call(made, Settings(timeout_ms=3_000), {})


def test_a_call_keeps_time_back_to_write_the_report_and_looks_back_as_far_as_the_venue_lets_it() -> None:
    made, ctx = opened()
    assert (ctx.deadline.at_ms, ctx.began_ms) == (START_MS + 2_900, START_MS)
    assert ctx.since_ms == WHOLE_WINDOW
    assert ctx.api.KIND is AccountKind.CLASSIC
    ctx.on_account_kind(AccountKind.UNIFIED)
    assert made.options["uta"] is True
    with Caller(in_turn(page())).clocked():
        assert calls.open_call(made, Settings(timeout_ms=500), {}).deadline.at_ms == START_MS + 450
        assert calls.open_call(made, Settings(), {}).api.KIND is AccountKind.UNIFIED
        assert calls.open_call(made, Settings(), {"uta": False}).api.KIND is AccountKind.CLASSIC


def test_orders_are_entered_under_the_venues_symbols_once() -> None:
    made, state = exchange(), CancelState()
    named = [OrderRef(symbol, IdKind.ORDER, "1") for symbol in (BTC, "ETH/USDT", BTC)]
    markets = calls.register_orders(made, "m", state, named)
    assert [(t.symbol, t.value) for t in state.orders] == [("BTCUSDT", "1"), ("ETHUSDT", "1")]
    assert {i: market["symbol"] for i, market in markets.items()} == {"BTCUSDT": BTC, "ETHUSDT": "ETH/USDT"}
    with pytest.raises(ccxt.BadSymbol, match=r"^bitget m\(\): BTC/USDT:USDT is a swap"):
        calls.register_orders(made, "m", state, [OrderRef("BTC/USDT:USDT", IdKind.ORDER, "1")])


def concluded(
    outcome: Outcome, error: Exception | None = None, all_result: CancelAllResult | None = None, last: Any = None
) -> CancelReport:
    """End a call with one order that ended so."""
    made, ctx = opened()
    state = state_of(BY_ID, outcome)
    state.error, ctx.last_fault = error, last
    with Caller(in_turn(page()), now_ms=START_MS + 7).clocked():
        return calls.finish_cancel(made, "m", ctx, state, {"BTCUSDT": made.markets[BTC]}, all_result)


def test_a_call_whose_orders_are_resolved_returns_its_report() -> None:
    for outcome in (Outcome.CANCELED, Outcome.FILLED, Outcome.OPEN, Outcome.ACCEPTED, Outcome.NOT_FOUND):
        found = concluded(outcome)
        assert (found.results[0].outcome, found.elapsed_ms) == (outcome, 7)


def test_a_definitive_error_is_raised_with_the_report() -> None:
    error = ccxt.PermissionDenied("x")
    with pytest.raises(ccxt.PermissionDenied) as caught:
        concluded(Outcome.CANCELED, error)
    assert caught.value is error
    assert report_of(error) is not None
    denied = Fault(ccxt.PermissionDenied("y"), "40014", "no", 400)
    with pytest.raises(ccxt.PermissionDenied, match="y"):
        concluded(Outcome.CANCELED, None, CancelAllResult(fault=denied))


def test_what_is_not_resolved_raises_with_its_cause() -> None:
    last = fault("40010", "busy")
    for outcome in (Outcome.UNKNOWN, Outcome.NOT_SENT):
        with pytest.raises(CancelUnresolved, match=r"bitget m\(\) is not resolved") as caught:
            concluded(outcome, last=last)
        assert caught.value.__cause__ is last.error
        with pytest.raises(CancelUnresolved) as caught:
            concluded(outcome)
        assert caught.value.__cause__ is None


def test_what_a_cancel_of_everything_leaves_unproven_raises_and_is_reported() -> None:
    busy = Fault(ccxt.ExchangeError("e"), "40010", "busy", 400)
    for result, message in (
        (CancelAllResult(problem="5 USDT frozen"), "5 USDT frozen"),
        (CancelAllResult(fault=busy), "busy"),
        (CancelAllResult(fault=Fault(ccxt.ExchangeError("e"))), "; e;"),
        (CancelAllResult(unexamined=("BTCUSDT",)), "not examined: BTC/USDT"),
        (CancelAllResult(problem="frozen", fault=busy), "frozen"),
    ):
        with pytest.raises(CancelUnresolved, match=message) as caught:
            concluded(Outcome.CANCELED, all_result=result)
        assert caught.value.__cause__ is (None if result.fault is None else result.fault.error)
