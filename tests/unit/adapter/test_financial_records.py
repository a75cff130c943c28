"""Changes of the cross margin balance and its liquidations are ccxt's structures, with the right direction."""

from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import financial_records
from bitget_margin.core.effects import Fault
from bitget_margin.core.endpoints import Endpoint
from support.calling import BTC, CROSS, Caller, exchange
from support.script import EPOCH_MS, in_turn

AT = str(EPOCH_MS - 5_000)
KINDS = [False, True]


def record(number: int, flow: str, amount: str, *, uta: bool, **more: Any) -> dict[str, Any]:
    """Return a record of 10 USDT after the change."""
    if uta:
        ids = {"category": "Margin", "id": str(number), "symbol": "BTCUSDT", "type": flow, "ts": AT}
    else:
        ids = {"marginId": str(number), "marginType": flow, "cTime": AT, "uTime": AT}
    return {**ids, "coin": "USDT", "amount": amount, "balance": "10", "fee": "-0.1", **more}


def entries(rows: list[Any] | None, code: str | None = "USDT", *, uta: bool, **more: Any) -> tuple[Any, Any]:
    """Return the venue and the structures of these records."""
    venue = Caller(in_turn({"list": rows, "cursor": None} if uta else {"resultList": rows}))
    made = exchange(uta=uta)
    found = venue.call(financial_records.fetch_ledger(made, code, more.get("since"), more.get("limit"), CROSS))
    return venue, found


@pytest.mark.parametrize("amount", ["3", "-3"])
@pytest.mark.parametrize(
    ("flow", "uta", "kind"),
    [
        ("deal_out", False, "trade"),
        ("repay", False, "transaction"),
        ("transfer_out", False, "transfer"),
        ("liquidation_fee", False, "fee"),
        ("confiscated", False, "transaction"),
        ("sys_exchange_out", False, "transaction"),
        ("ORDER_DEALT_FROZEN_OUT", True, "trade"),
        ("REPAYMENT", True, "transaction"),
        ("INTEREST_SETTLEMENT_OUT", True, "fee"),
        ("LIQ_FEE", True, "fee"),
    ],
)
def test_coins_that_went_are_outflows_whatever_their_sign(flow: str, uta: bool, kind: str, amount: str) -> None:
    _, (entry,) = entries([record(1, flow, amount, uta=uta)], uta=uta)
    assert (entry["direction"], entry["amount"], entry["type"], entry["currency"]) == ("out", 3.0, kind, "USDT")
    assert (entry["before"], entry["after"], entry["fee"]) == (13.0, 10.0, {"currency": "USDT", "cost": 0.1})
    assert (entry["account"], entry["status"], entry["timestamp"]) == ("cross", "ok", int(AT))


@pytest.mark.parametrize(
    ("flow", "uta", "kind"),
    [("deal_in", False, "trade"), ("borrow", False, "transaction"), ("ORDER_DEALT_IN", True, "trade")],
)
def test_coins_that_came_are_inflows(flow: str, uta: bool, kind: str) -> None:
    row = record(1, flow, "3", uta=uta)
    _, (entry,) = entries([row], uta=uta)
    assert (entry["id"], entry["direction"], entry["type"], entry["before"]) == ("1", "in", kind, 7.0)
    assert entry["info"] == row


@pytest.mark.parametrize("uta", KINDS)
def test_records_are_asked_of_the_cross_margin_account_by_coin(uta: bool) -> None:
    rows = [record(2, "deal_in", "1", uta=uta), record(1, "deal_in", "1", uta=uta, coin="BTC")]
    venue, found = entries(rows, uta=uta)
    assert [entry["id"] for entry in found] == ["2"]
    endpoint = Endpoint.UNIFIED_FINANCIAL_RECORDS if uta else Endpoint.FINANCIAL_RECORDS
    assert {(call.endpoint, dict(call.params)["coin"]) for call in venue.calls} == {(endpoint, "USDT")}
    assert [entry["id"] for entry in entries(rows, None, uta=uta)[1]] == ["1", "2"]


@pytest.mark.parametrize("uta", KINDS)
def test_no_record_may_be_written_as_null(uta: bool) -> None:
    assert entries(None, uta=uta)[1] == []


@pytest.mark.parametrize("uta", KINDS)
@pytest.mark.parametrize("missing", ["balance", "fee", "coin"])
def test_a_record_that_lacks_a_field_is_a_structure_without_it(uta: bool, missing: str) -> None:
    _, (entry,) = entries([record(1, "deal_in", "1", uta=uta) | {missing: None}], None, uta=uta)
    assert entry["id"] == "1"


@pytest.mark.parametrize("uta", KINDS)
def test_a_record_without_an_amount_is_named(uta: bool) -> None:
    with pytest.raises(ccxt.BadResponse, match="a financial record has no amount"):
        entries([record(1, "deal_in", "", uta=uta)], uta=uta)


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(ccxt.BadResponse, match="which is no amount"):
        entries([record(1, "deal_in", "1e999999999", uta=False)], uta=False)


@pytest.mark.parametrize("code", [5, ""])
def test_a_bad_coin_sends_nothing(code: Any) -> None:
    venue = Caller(in_turn({}))
    with pytest.raises(ccxt.BadRequest, match=r"fetch_ledger\(\): code is"):
        venue.call(financial_records.fetch_ledger(exchange(), code, None, None, CROSS))
    assert venue.calls == []


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (CROSS, True),
        ({"defaultMarginMode": "crossed", "type": "spot"}, True),
        ({}, False),
        ({"marginMode": "isolated"}, False),
        (CROSS | {"type": "funding"}, False),
        (CROSS | {"type": "swap"}, False),
        (CROSS | {"symbol": "BTC/USDT:USDT"}, False),
        (CROSS | {"productType": "USDT-FUTURES"}, False),
    ],
)
def test_records_of_contracts_and_of_the_funding_account_are_left_to_ccxt(params: Any, expected: bool) -> None:
    assert financial_records.concerns_cross(exchange(), params) is expected


def test_a_spot_record_is_parsed_as_in_stock_ccxt() -> None:
    bill = {"billId": "1", "coin": "USDT", "businessType": "transfer_out", "size": "-3", "balance": "1", "cTime": AT}
    assert exchange().parse_ledger_entry(bill) == ccxt.bitget().parse_ledger_entry(bill)


# -- liquidations -----------------------------------------------------------------------------------------------------


def liquidation(number: int) -> dict[str, str]:
    """Return a record of a liquidation."""
    times = {"liqStartTime": AT, "liqEndTime": AT, "cTime": AT, "uTime": AT}
    return {"liqId": str(number), **times, "liqRiskRatio": "1", "totalAssets": "9", "totalDebt": "8", "liqFee": "0.5"}


@pytest.mark.parametrize("symbol", [None, BTC])
def test_a_liquidation_concerns_the_account_and_no_symbol(symbol: str | None) -> None:
    """Stock ccxt labels it with the symbol that was asked for."""
    venue = Caller(in_turn({"resultList": [liquidation(2), liquidation(1)]}))
    found = venue.call(financial_records.fetch_my_liquidations(exchange(), symbol, None, None, CROSS))
    assert [(each["symbol"], each["quoteValue"], each["timestamp"]) for each in found] == [(None, 8.5, int(AT))] * 2
    assert [call.endpoint for call in venue.calls] == [Endpoint.LIQUIDATIONS]
    assert "symbol" not in venue.calls[0].params


def test_a_unified_account_has_no_list_of_them_and_that_is_said_before_anything_is_sent() -> None:
    venue = Caller(in_turn({}))
    with pytest.raises(ccxt.NotSupported, match=r"a unified account has no list of liquidations; .*execType"):
        venue.call(financial_records.fetch_my_liquidations(exchange(uta=True), None, None, None, CROSS))
    assert venue.calls == []


def test_an_account_that_turns_out_to_be_unified_has_none_either() -> None:
    turned = Fault(ccxt.PermissionDenied("bitget 40085"), "40085", "You are in Unified Account mode", 400)
    with pytest.raises(ccxt.NotSupported, match="a unified account has no list"):
        Caller(in_turn(turned)).call(financial_records.fetch_my_liquidations(exchange(), None, None, None, CROSS))
