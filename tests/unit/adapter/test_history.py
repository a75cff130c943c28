"""Orders and trades of the past are ccxt's structures, complete, selected as ccxt selects them."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import history
from bitget_margin.core.effects import Call, Fault
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import EPOCH_MS, in_turn

DAY_MS = 86_400_000
KINDS = [False, True]
DENIED = Fault(ccxt.PermissionDenied("bitget 40014"), "40014", "Incorrect permissions", 400)
WANTS_SYMBOL = Fault(ccxt.BadRequest("bitget 40019"), "40019", "Parameter symbol cannot be empty", 400)


def order(number: int, age_ms: int, status: str = "filled", symbol: str = "BTCUSDT", *, uta: bool) -> dict[str, Any]:
    """Return the row of an order."""
    at = str(EPOCH_MS - age_ms)
    shared = {"orderId": str(number), "clientOid": f"c{number}", "symbol": symbol, "side": "buy", "orderType": "limit"}
    if uta:
        amounts = {"qty": "2", "cumExecQty": "2", "cumExecValue": "20", "avgPrice": "10"}
        times = {"createdTime": at, "updatedTime": at}
        return {**shared, **amounts, **times, "orderStatus": status, "category": "Margin", "price": "10"}
    amounts = {"baseSize": "2", "size": "2", "amount": "20", "priceAvg": "10", "quoteSize": "20"}
    return {**shared, **amounts, "status": status, "price": "10", "cTime": at, "uTime": at}


def fill(
    number: int, age_ms: int, order_id: int = 7, symbol: str | None = None, *, uta: bool, **more: Any
) -> dict[str, Any]:
    """Return the row of a fill; a classic one has no symbol in the documents' example."""
    at = str(EPOCH_MS - age_ms)
    shared = {"orderId": str(order_id), "side": "buy", "orderType": "limit", "tradeScope": "maker"}
    if symbol or uta:
        shared["symbol"] = symbol or "BTCUSDT"
    if uta:
        amounts = {"execId": str(number), "execPrice": "10", "execQty": "2", "execValue": "20", "category": "MARGIN"}
        return {**shared, **amounts, "createdTime": at, "feeDetail": [{"feeCoin": "BTC", "fee": "0.002"}], **more}
    fee = {"deduction": "no", "feeCoin": "BTC", "totalDeductionFee": "0", "totalFee": "-0.002"}
    amounts = {"tradeId": str(number), "priceAvg": "10", "size": "2", "amount": "20"}
    return {**shared, **amounts, "cTime": at, "feeDetail": fee, **more}


class Records(Caller):
    """A venue with these ended orders and fills, and open orders."""

    def __init__(self, rows: list[dict[str, Any]], live: list[dict[str, Any]] | None = None, *, uta: bool) -> None:
        super().__init__(self.page)
        self.rows, self.live, self.uta = rows, live or [], uta

    def page(self, call: Call) -> object:
        """Return the rows within the times of the request, newest first, those below the cursor."""
        params: Any = call.params
        rows = self.live if call.endpoint in {Endpoint.OPEN_ORDERS, Endpoint.UNIFIED_OPEN_ORDERS} else self.rows
        end_ms = int(params.get("endTime", EPOCH_MS * 2))
        below = int(params.get("idLessThan", params.get("cursor", 10**18)))
        found = [
            row
            for row in rows
            if int(params.get("startTime", 0)) <= int(row.get("cTime", row.get("createdTime"))) <= end_ms
            and int(self.number(row)) < below
        ]
        name = "list" if self.uta else "fills" if call.endpoint is Endpoint.FILLS else "orderList"
        return {name: found, "cursor": self.number(found[-1]) if found else None}

    def number(self, row: dict[str, Any]) -> str:
        """Return the id of a row."""
        return str(row.get("tradeId", row.get("execId", row["orderId"])))

    def of(self, flow_of: Any, *args: Any, **options: Any) -> Any:
        """Run a flow on an exchange of this kind."""
        return self.call(flow_of(exchange(uta=self.uta, **options), *args))


def ids(found: Any) -> list[str]:
    return [each["id"] for each in found]


# -- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uta", KINDS)
def test_ended_orders_are_structures_oldest_first(uta: bool) -> None:
    venue = Records([order(12, 100, uta=uta), order(11, 200, "cancelled", uta=uta)], uta=uta)
    found = venue.of(history.fetch_ended_orders, "fetch_canceled_and_closed_orders", BTC, (None, None), CROSS)
    assert [(o["id"], o["status"], o["symbol"], o["filled"]) for o in found] == [
        ("11", "canceled", BTC, 2.0),
        ("12", "closed", BTC, 2.0),
    ]
    assert all(dict(call.params)["symbol"] == "BTCUSDT" for call in venue.calls)  # type: ignore[call-overload]


@pytest.mark.parametrize("uta", KINDS)
@pytest.mark.parametrize(("statuses", "expected"), [(history.CLOSED, ["12", "14"]), (history.CANCELED, ["11"])])
def test_a_status_is_selected_before_the_limit(uta: bool, statuses: Any, expected: list[str]) -> None:
    rows = [order(14, 10, uta=uta), order(13, 50, "reject" if not uta else "other", uta=uta)]
    rows += [order(12, 100, uta=uta), order(11, 200, "cancelled", uta=uta)]
    venue = Records(rows, uta=uta)
    assert ids(venue.of(history.fetch_ended_orders, "m", BTC, (None, None), CROSS, statuses)) == expected
    newest = venue.of(history.fetch_ended_orders, "m", BTC, (None, 1), CROSS, statuses)
    oldest = venue.of(history.fetch_ended_orders, "m", BTC, (EPOCH_MS - DAY_MS, 1), CROSS, statuses)
    assert (ids(newest), ids(oldest)) == (expected[-1:], expected[:1])


@pytest.mark.parametrize("uta", KINDS)
def test_both_times_belong_to_a_selection(uta: bool) -> None:
    venue = Records([order(20 - i, i * 100, uta=uta) for i in range(5)], uta=uta)
    params = CROSS | {"until": EPOCH_MS - 100}
    assert ids(venue.of(history.fetch_ended_orders, "m", BTC, (EPOCH_MS - 300, None), params)) == ["17", "18", "19"]
    assert ids(venue.of(history.fetch_ended_orders, "m", BTC, (EPOCH_MS - 300, 2), params)) == ["17", "18"]
    assert ids(venue.of(history.fetch_ended_orders, "m", BTC, (None, 2), params)) == ["18", "19"]


def test_orders_of_other_symbols_stay_out_and_none_means_all() -> None:
    rows = [order(12, 100, symbol="ETHUSDT", uta=True), order(11, 200, uta=True)]
    venue = Records(rows, uta=True)
    assert ids(venue.of(history.fetch_ended_orders, "m", BTC, (None, None), CROSS)) == ["11"]
    every = venue.of(history.fetch_ended_orders, "m", None, (None, None), CROSS)
    assert [(o["id"], o["symbol"]) for o in every] == [("11", BTC), ("12", "ETH/USDT")]


@pytest.mark.parametrize("uta", KINDS)
def test_an_order_that_ends_while_it_is_read_is_listed_once_with_its_end(uta: bool) -> None:
    live = [order(13, 10, "live", uta=uta), order(12, 100, "live", uta=uta)]
    venue = Records([order(12, 100, uta=uta), order(11, 200, "cancelled", uta=uta)], live, uta=uta)
    found = venue.of(history.fetch_orders, BTC, None, None, CROSS)
    assert [(o["id"], o["status"]) for o in found] == [("11", "canceled"), ("12", "closed"), ("13", "open")]
    assert venue.calls[0].endpoint in {Endpoint.OPEN_ORDERS, Endpoint.UNIFIED_OPEN_ORDERS}
    assert ids(venue.of(history.fetch_orders, BTC, None, 2, CROSS)) == ["12", "13"]
    assert ids(venue.of(history.fetch_orders, BTC, EPOCH_MS - DAY_MS, 2, CROSS)) == ["11", "12"]


# -- trades -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("uta", KINDS)
def test_fills_are_structures_with_the_fee_as_cost(uta: bool) -> None:
    venue = Records([fill(32, 100, uta=uta), fill(31, 200, uta=uta)], uta=uta)
    found = venue.of(history.fetch_my_trades, BTC, None, None, CROSS)
    assert [(t["id"], t["order"], t["symbol"], t["fee"]) for t in found] == [
        (number, "7", BTC, {"currency": "BTC", "cost": 0.002}) for number in ("31", "32")
    ]


@pytest.mark.parametrize("fee", [[], None, "", "null", [{}], [None]])
@pytest.mark.parametrize("uta", KINDS)
def test_a_fill_without_a_fee_is_no_error(uta: bool, fee: Any) -> None:
    """Stock ccxt raises an IndexError or a TypeError for some of them."""
    venue = Records([fill(31, 200, uta=uta, feeDetail=fee)], uta=uta)
    (trade,) = venue.of(history.fetch_my_trades, BTC, None, None, CROSS)
    assert (trade["id"], trade["amount"], trade["fee"]) == ("31", 2.0, None)


def test_fills_of_other_symbols_and_categories_stay_out() -> None:
    rows = [fill(34, 10, symbol="ETHUSDT", uta=True), fill(33, 20, uta=True, category="SPOT"), fill(32, 30, uta=True)]
    rows.append(fill(31, 40, uta=True, category="margin"))
    assert ids(Records(rows, uta=True).of(history.fetch_my_trades, BTC, None, None, CROSS)) == ["31", "32"]
    every = Records(rows, uta=True).of(history.fetch_my_trades, None, None, None, CROSS)
    assert [(t["id"], t["symbol"]) for t in every] == [("31", BTC), ("32", BTC), ("34", "ETH/USDT")]


@pytest.mark.parametrize("uta", KINDS)
def test_the_fills_of_one_order_are_asked_by_its_id(uta: bool) -> None:
    venue = Records([fill(33, 10, 8, uta=uta), fill(32, 20, uta=uta), fill(31, 30, uta=uta)], uta=uta)
    assert ids(venue.of(history.fetch_order_trades, "7", BTC, (None, None), CROSS)) == ["31", "32"]
    assert all(dict(call.params)["orderId"] == "7" for call in venue.calls)  # type: ignore[call-overload]
    with pytest.raises(ccxt.BadRequest, match=r"fetch_order_trades\(\): id is None"):
        venue.of(history.fetch_order_trades, None, BTC, (None, None), CROSS)


@pytest.mark.parametrize("uta", KINDS)
def test_a_fill_that_cannot_be_read_is_named(uta: bool) -> None:
    venue = Records([fill(31, 200, uta=uta, size=None, execQty=None)], uta=uta)
    with pytest.raises(ccxt.BadResponse, match="a fill cannot be read, since it has no size"):
        venue.of(history.fetch_my_trades, BTC, None, None, CROSS)


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "params", "names"),
    [
        ((BTC, 0, None), {}, "since is 0"),
        ((BTC, None, 2.5), {}, "limit is 2.5"),
        ((BTC, None, None), {"until": "now"}, "until is 'now'"),
        ((BTC, 20, None), {"until": 10}, "since 20 is later than until 10"),
        ((BTC, None, None), {"endTime": 10}, "unknown parameter 'endTime'"),
        ((5, None, None), {}, "symbol is 5"),
    ],
)
@pytest.mark.parametrize("flow", [history.fetch_orders, history.fetch_my_trades])
def test_bad_input_sends_nothing(flow: Any, args: Any, params: Any, names: str) -> None:
    venue = Records([], uta=False)
    with pytest.raises(ccxt.BadRequest, match=names):
        venue.of(flow, *args, CROSS | params)
    assert venue.calls == []


def test_a_trigger_and_a_contract_are_refused() -> None:
    venue = Records([], uta=False)
    with pytest.raises(ccxt.NotSupported, match="'trigger'"):
        venue.of(history.fetch_orders, BTC, None, None, CROSS | {"trigger": True})
    with pytest.raises(ccxt.BadSymbol, match="BTC/USDT:USDT is a contract"):
        venue.of(history.fetch_my_trades, "BTC/USDT:USDT", None, None, CROSS)
    assert venue.calls == []


@pytest.mark.parametrize("flow", [history.fetch_orders, history.fetch_my_trades])
def test_a_classic_account_that_wants_a_symbol_says_so_in_ccxts_words(flow: Any) -> None:
    with pytest.raises(ccxt.ArgumentsRequired, match=r"fetch_\w+\(\): the venue requires a symbol") as caught:
        Caller(in_turn(WANTS_SYMBOL)).call(flow(exchange(), None, None, None, CROSS))
    assert caught.value.__cause__ is WANTS_SYMBOL.error
    with pytest.raises(ccxt.BadRequest, match="40019"):
        Caller(in_turn(WANTS_SYMBOL)).call(flow(exchange(), BTC, None, None, CROSS))
    with pytest.raises(ccxt.PermissionDenied, match="40014"):
        Caller(in_turn(DENIED)).call(flow(exchange(), None, None, None, CROSS))


def test_too_many_pages_are_said_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bitget_margin.core.records.PAGES_MAX", 2)
    numbers = iter(range(10**6, 0, -100))

    def endless(_: Call) -> object:
        top = next(numbers)
        return {"orderList": [order(top - i, 5, uta=False) for i in range(100)]}

    with pytest.raises(ccxt.BadRequest, match="more than 2 pages of ended orders: give since, until or"):
        Caller(endless).call(history.fetch_ended_orders(exchange(), "m", BTC, (None, None), CROSS))
