"""Requests and rows of cross margin that ccxt gets wrong are corrected; everything else is unchanged."""

import functools
import re
from typing import Any
from unittest import mock

import ccxt
import pytest

import bitget_margin
from bitget_margin.adapter.credentials import Secret
from bitget_margin.adapter.rows import refuse_huge_exponents
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_row import CLASSIC_FIELDS, RowState
from bitget_margin.core.order_row import parse_row as read_row
from support.calling import BTC, CROSS, exchange
from support.wire import row

API = ["private", "margin"]
PATH = "v2/margin/crossed/batch-cancel-order"
ISOLATED = {"marginMode": "isolated"}


@functools.cache
def stock() -> Any:
    """Return stock ccxt's exchange with the same markets."""
    made = ccxt.bitget({"apiKey": "key", "secret": "secret", "password": "passphrase", "options": {"uta": False}})
    made.set_markets(list(exchange().markets.values()))
    made.milliseconds = exchange().milliseconds
    return made


# -- description -----------------------------------------------------------------------------------------------------


def test_its_description_has_the_additions() -> None:
    made: Any = bitget_margin.bitget()
    can = ["cancelAllOrders", "cancelOrder", "cancelOrders", "cancelOrdersForSymbols", "cancelOrderWithClientOrderId"]
    assert all(made.has[name] is True for name in [*can, "cancelOrdersWithClientOrderId", "fetchOrder"])
    spot = made.features["spot"]
    for method, message in (
        ("cancelOrder", {"marginMode": True, "symbolRequired": True}),
        ("cancelOrders", {"marginMode": True, "max": 50, "symbolRequired": True}),
        ("cancelOrdersForSymbols", {"marginMode": True, "max": None}),
        ("cancelAllOrders", {"marginMode": True, "symbolRequired": False}),
    ):
        assert {key: spot[method][key] for key in message} == message
        assert set(spot[method]) - set(message) <= {"max", "symbolRequired"}, "ccxt's own"
    assert spot["fetchOrder"]["marginMode"] is True
    assert made.exceptions["exact"]["25202"] is ccxt.InsufficientFunds
    assert made.exceptions["exact"]["25204"] is ccxt.OrderNotFound
    assert made.exceptions["exact"]["40009"] is stock().exceptions["exact"]["40009"]


@pytest.mark.parametrize(
    ("params", "option", "mode"),
    [
        ({"marginMode": "crossed", "a": 1}, None, "cross"),
        ({"marginMode": "CROSS"}, None, "cross"),
        ({"marginMode": "Isolated"}, None, "isolated"),
        ({}, "crossed", "cross"),
        ({}, None, None),
        ({"marginMode": "isolated"}, "cross", "isolated"),
    ],
)
def test_a_margin_mode_has_one_meaning(params: Any, option: Any, mode: str | None) -> None:
    made = exchange(defaultMarginMode=option)
    found, rest = made.handle_margin_mode_and_params("m", params)
    assert found == mode
    assert rest == {key: value for key, value in params.items() if key == "a"}
    assert made.handle_margin_mode_and_params("m", params, "crossed")[0] == (mode or "cross")


@pytest.mark.parametrize("mode", ["x", 5, True])
def test_a_margin_mode_that_is_unknown_is_refused(mode: object) -> None:
    with pytest.raises(
        ccxt.BadRequest, match=r"^bitget m\(\): marginMode is .*; give 'cross' \(or 'crossed'\) or 'iso"
    ):
        exchange().handle_margin_mode_and_params("m", {"marginMode": mode})


def test_the_kind_of_the_account_is_remembered_for_ccxts_own_methods_too() -> None:
    made = exchange()
    made.learn_account_kind(AccountKind.UNIFIED)
    assert made.options["uta"] is True
    made.learn_account_kind(AccountKind.CLASSIC)
    assert made.options["uta"] is False


# -- requests ---------------------------------------------------------------------------------------------------------


def test_credentials_are_sent_and_do_not_print_and_failures_come_in_english() -> None:
    made, theirs = exchange(), stock()
    ours = made.sign(PATH, API, "POST", {"a": "1"})
    plain = theirs.sign(PATH, API, "POST", {"a": "1"})
    assert {**ours, "headers": None} == {**plain, "headers": None}
    assert {k: v for k, v in ours["headers"].items() if k != "locale"} == plain["headers"]
    assert ours["headers"]["locale"] == "en-US"
    masked = {key for key, value in ours["headers"].items() if isinstance(value, Secret)}
    assert masked == {"ACCESS-KEY", "ACCESS-SIGN", "ACCESS-PASSPHRASE"}


def test_a_public_request_is_ccxts_own() -> None:
    public = ("v2/public/time", ["public", "common"])
    assert exchange().sign(*public) == stock().sign(*public)
    assert exchange().sign(*public)["method"] == "GET"
    assert "locale" not in str(exchange(sandboxMode=True).sign("v2/spot/market/tickers", ["public", "spot"]))


def test_a_list_is_the_whole_body_where_the_endpoint_wants_one() -> None:
    request = exchange().sign("v3/trade/cancel-batch", ["private", "uta"], "POST", {"bitget_margin_list": [{"a": "1"}]})
    assert request["body"] == '[{"a":"1"}]'


@pytest.mark.parametrize("option", ["sandboxMode", "sandbox"])
def test_nothing_for_a_margin_account_is_signed_in_sandbox_mode(option: str) -> None:
    made = exchange(**{option: True})
    assert made.is_sandbox() is True
    with pytest.raises(
        ccxt.NotSupported, match=r"^bitget sign\(\): the venue's demo trading has no margin account; swi"
    ):
        made.sign(PATH, API, "POST", {})
    made.sign("v2/spot/trade/place-order", ["private", "spot"], "POST", {})
    assert exchange().is_sandbox() is False


def test_verbose_output_has_no_credentials() -> None:
    made = exchange()
    made.apiKey = "KEY-1"
    with mock.patch.object(ccxt.bitget, "log") as log:
        made.log("a", {"k": "KEY-1"}, "secret")
    log.assert_called_once_with("a", "{'k': '***'}", "***")


ORDER = (BTC, "limit", "buy", 0.001, 50_000)


def test_a_conditional_crossed_order_is_refused_which_ccxt_would_place_at_once() -> None:
    made = exchange()
    with pytest.raises(ccxt.NotSupported, match=r"^bitget create_order\(\): cross margin has no conditional orders"):
        made.create_order_request(*ORDER, {**CROSS, "stopPrice": 5})
    with pytest.raises(ccxt.NotSupported, match="conditional"):
        exchange(createOrder=CROSS).create_order_request(*ORDER, {"stopPrice": 5})
    with mock.patch.object(ccxt.bitget, "create_order_request") as theirs:
        assert made.create_order_request("BTC/USDT:USDT", *ORDER[1:], {**CROSS, "stopPrice": 5}) is theirs()
    assert made.create_order_request(*ORDER, CROSS) == stock().create_order_request(*ORDER, CROSS)
    spot = {"triggerPrice": 5}
    assert made.create_order_request(*ORDER, dict(spot)) == stock().create_order_request(*ORDER, dict(spot))


def test_a_market_buy_of_a_unified_account_is_sent_as_its_cost() -> None:
    made = exchange(uta=True)
    buy = made.create_uta_order_request(BTC, "market", "buy", 0.002, 50_000, CROSS)
    assert (buy["category"], buy["qty"], buy["side"], buy["symbol"]) == ("MARGIN", "100", "buy", "BTCUSDT")
    by_cost = made.create_uta_order_request(BTC, "market", "buy", 0.002, None, {**CROSS, "cost": 7})
    assert by_cost["qty"] == "7"
    assert "cost" not in by_cost
    as_amount = {**CROSS, "createMarketBuyOrderRequiresPrice": False}
    as_given = made.create_uta_order_request(BTC, "market", "buy", 12, None, as_amount)
    assert as_given["qty"] == "12"
    assert "createMarketBuyOrderRequiresPrice" not in as_given
    for kind, side in (("market", "sell"), ("limit", "buy")):
        request = made.create_uta_order_request(BTC, kind, side, 0.002, 50_000, CROSS)
        assert (request["qty"], request.get("price")) == ("0.002", "50000" if kind == "limit" else None)
    message = (
        "bitget create_order(): a market buy of BTC/USDT is sent as its cost: give a price, or the cost as "
        "params['cost'], or set options['createOrder']['createMarketBuyOrderRequiresPrice'] to False and give "
        "it as amount"
    )
    with pytest.raises(ccxt.InvalidOrder, match=f"^{re.escape(message)}$"):
        made.create_uta_order_request(BTC, "market", "buy", 0.002, None, CROSS)


# -- responses --------------------------------------------------------------------------------------------------------


def test_an_order_refused_at_entry_is_rejected() -> None:
    assert exchange().parse_order_status("reject") == "rejected"
    assert exchange().parse_order_status("live") == stock().parse_order_status("live")


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("buy", "buy"),
        ("sell", "sell"),
        ("systemRepay-buy", "buy"),
        ("liquidation-sell", "sell"),
        (None, None),
        ("", None),
    ],
)
def test_the_cost_of_an_order_is_that_of_its_fills_and_its_side_is_buy_or_sell_or_none(
    side: Any, expected: str | None
) -> None:
    raw = row("11", "live", side=side, size="0.004", amount="128", priceAvg="32000")
    order = exchange().parse_order(raw, exchange().markets[BTC])
    assert (order["side"], order["cost"], order["filled"], order["amount"]) == (expected, 128, 0.004, 0.01)
    assert order["info"] is raw


def test_other_rows_are_read_by_ccxt_alone() -> None:
    raw = {"orderId": "1", "symbol": "BTCUSDT", "status": "live", "side": "buy", "size": "1", "price": "5"}
    market = exchange().markets[BTC]
    assert exchange().parse_order(dict(raw), market) == stock().parse_order(dict(raw), market)
    spot = {**raw, "quoteVolume": "5", "baseVolume": "1", "amount": "7"}
    assert exchange().parse_order(dict(spot), market) == stock().parse_order(dict(spot), market)
    unified_spot = {**UNIFIED, "category": "SPOT", "symbol": "NEWUSDT"}
    assert exchange().parse_order(dict(unified_spot)) == stock().parse_order(dict(unified_spot))
    assert exchange().parse_balance({}) == stock().parse_balance({})


UNIFIED = {
    "orderId": "11",
    "clientOid": "a",
    "category": "MARGIN",
    "symbol": "BTCUSDT",
    "orderType": "limit",
    "side": "buy",
    "price": "32000",
    "qty": "0.01",
    "cumExecQty": "0.004",
    "cumExecValue": "120",
    "avgPrice": "30000",
    "timeInForce": "gtc",
    "orderStatus": "partially_filled",
    "createdTime": "1695629859821",
    "updatedTime": "1695629890839",
    "feeDetail": [{"feeCoin": "BTC", "fee": "-0.000004"}, {"feeCoin": "BTC", "fee": "-0.000001"}],
}


def test_a_margin_row_of_a_unified_account_is_read_like_a_classic_one() -> None:
    order = exchange().parse_order(UNIFIED, exchange().markets[BTC])
    assert (order["id"], order["clientOrderId"], order["symbol"], order["type"]) == ("11", "a", BTC, "limit")
    assert (order["status"], order["side"], order["price"], order["timeInForce"]) == ("open", "buy", 32_000, "GTC")
    assert (order["amount"], order["filled"], order["cost"], order["average"]) == (0.01, 0.004, 120, 30_000)
    assert (order["timestamp"], order["lastUpdateTimestamp"]) == (1_695_629_859_821, 1_695_629_890_839)
    assert order["fee"] == {"currency": "BTC", "cost": 0.000005}
    assert order["fees"] == [order["fee"]]
    assert order["info"] is UNIFIED


def test_a_margin_row_without_the_value_of_its_fills_has_it_by_their_average_price() -> None:
    order = exchange().parse_order(UNIFIED | {"cumExecValue": None}, exchange().markets[BTC])
    assert (order["cost"], order["average"]) == (120, 30_000)


@pytest.mark.parametrize("spelling", ["margin", "Margin"])
def test_a_margin_row_is_known_however_its_category_is_spelled(spelling: str) -> None:
    order = exchange().parse_order({**UNIFIED, "category": spelling}, exchange().markets[BTC])
    assert (order["cost"], order["average"], order["fee"]) == (120, 30_000, {"currency": "BTC", "cost": 0.000005})


@pytest.mark.parametrize("nothing", [None, ""])
def test_missing_fields_of_a_margin_row_stay_unknown(nothing: str | None) -> None:
    """Stock ccxt takes what was ordered for the cost, and what was filled for the amount."""
    market = exchange().markets[BTC]
    half = row("11", "live", size="0.004", priceAvg="32000", baseSize=nothing, amount="128")
    order = exchange().parse_order(half, market)
    assert (order["amount"], order["filled"], order["remaining"], order["cost"]) == (None, 0.004, None, 128)
    bought = exchange().parse_order({**half, "orderType": "market", "side": "buy"}, market)
    assert (bought["amount"], bought["filled"], bought["cost"]) == (None, 0.004, 128)
    by_value = exchange().parse_order(row("11", "live", size="0.004", priceAvg="32000", amount=nothing), market)
    assert (by_value["filled"], by_value["cost"]) == (0.004, 128)
    assert exchange().parse_order(row("11", "live", size=nothing, amount=nothing), market)["cost"] is None


@pytest.mark.parametrize("name", ["baseSize", "loanType"])
def test_one_field_of_margin_orders_is_enough_to_read_the_cost_of_the_fills(name: str) -> None:
    raw = row("11", "live", size="0.004", amount="128", priceAvg="32000", baseSize="0.01", loanType="normal")
    del raw[name]
    order = exchange().parse_order(raw, exchange().markets[BTC])
    assert (order["cost"], order["filled"], order["info"] is raw) == (128, 0.004, True)


FEES_OF_SPOT_ROWS = (
    '{"BGB":{"deduction":true,"feeCoinCode":"BGB","totalDeductionFee":-0.0041,"totalFee":-0.0041},'
    '"newFees":{"c":0,"d":0,"deduction":false,"r":-0.112079256,"t":-0.112079256,"totalDeductionFee":0}}'
)


@pytest.mark.parametrize(
    ("detail", "fee"),
    [
        (FEES_OF_SPOT_ROWS, {"currency": "BGB", "cost": 0.0041}),
        ([{"feeCoin": "BTC", "deduction": "no", "totalFee": "-0.1"}], {"currency": "BTC", "cost": 0.1}),
        *[(nothing, None) for nothing in (None, "", " ", [], {}, "{}", 5)],
    ],
)
def test_a_classic_row_is_read_whatever_form_its_fees_have(detail: Any, fee: Any) -> None:
    """Stock ccxt raises at all but the first, and with that the row's status and fills are lost."""
    raw: Any = {**row("11", "filled", size="0.01", amount="320", priceAvg="32000"), "feeDetail": detail}
    order = exchange().parse_order(raw, exchange().markets[BTC])
    assert (order["status"], order["filled"], order["fee"]) == ("closed", 0.01, fee)
    assert order["fees"] == ([] if fee is None else [fee])
    assert order["info"] is raw


def test_every_final_or_open_state_has_its_status_in_ccxt() -> None:
    message = {RowState.LIVE: "open", RowState.FILLED: "closed", RowState.CANCELED: "canceled"}
    for name in ("live", "new", "partial_fill", "partially_fill", "partially_filled", "filled", "cancelled", "reject"):
        read = read_row(row("11", name), CLASSIC_FIELDS)
        assert read is not None
        expected = "rejected" if name == "reject" else message[read.state]
        assert exchange().parse_order_status(name) == expected, name


def test_a_row_that_ccxt_cannot_read_is_a_documented_exception() -> None:
    contract = {**UNIFIED, "category": "SPOT", "feeDetail": {"a": 1}, "cumExecQty": "x"}
    for unreadable in (contract, {"orderId": "1", "symbol": "BTCUSDT", "feeDetail": ["1"]}):
        with pytest.raises(ccxt.BadResponse, match=r"^bitget parse_order\(\): the response cannot be read"):
            exchange().parse_order(unreadable, exchange().markets[BTC])
    with pytest.raises(ccxt.BadResponse, match=r"^bitget: feeDetail is 'n/a', which is no JSON$"):
        exchange().parse_order({**row("11", "live"), "feeDetail": "n/a"}, exchange().markets[BTC])


def test_the_cross_margin_balance_has_free_and_used_amounts() -> None:
    raw = [{"coin": "BTC", "totalAmount": "3", "available": "1", "frozen": "2", "borrow": "0.5", "interest": "0"}]
    balance = exchange().parse_balance(raw)
    assert (balance["BTC"]["free"], balance["BTC"]["used"], balance["BTC"]["total"]) == (1, 2, 3)
    assert balance["info"] is raw
    nameless = [{**raw[0], "coin": coin} for coin in (None, "")]
    assert exchange().parse_balance([*raw, *nameless])["BTC"] == balance["BTC"]
    bonus = exchange().parse_balance([{**raw[0], "totalAmount": "4", "coupon": "1"}])
    assert (bonus["BTC"]["used"], bonus["used"]["BTC"], bonus["BTC"]["total"]) == (2, 2, 4)
    for nothing in (None, ""):
        short = exchange().parse_balance([{**raw[0], "totalAmount": nothing}])
        assert (short["BTC"]["free"], short["BTC"]["used"]) == (1, 2)
        unknown = exchange().parse_balance([{**raw[0], "frozen": nothing}])
        assert (unknown["BTC"]["free"], unknown["BTC"]["total"]) == (1, 3)
    isolated = [{**raw[0], "symbol": "BTCUSDT"}]
    assert exchange().parse_balance(isolated)["BTC"] == stock().parse_balance(isolated)["BTC"]
    ready = [{**raw[0], "transferable": "0.5"}]
    assert exchange().parse_balance(ready)["BTC"] == stock().parse_balance(ready)["BTC"]


def test_a_huge_exponent_is_refused_at_any_depth_and_its_field_is_named() -> None:
    """A classic row has its fees as a text of JSON, out of which ccxt reads them."""
    made, market = exchange(), exchange().markets[BTC]
    texts = (' {"BTC": {"totalFee": 1e9999}}', '{"BTC": {"totalFee": ["1e9999"]}}')
    for deep in (*texts, {"a": [{"totalFee": "1e9999"}]}):
        with pytest.raises(ccxt.BadResponse, match=r"^bitget: totalFee is 1e9999, which is no amount$"):
            made.parse_order(row("11", "live", feeDetail=deep), market)
    long = f"1e{'9' * 500}"
    with pytest.raises(ccxt.BadResponse, match=rf"^bitget: size is {long[:40]}, which is no amount"):
        made.parse_order(row("11", "live", size=long), market)
    with pytest.raises(ccxt.BadResponse, match=r"^bitget: a field is 1e9999, which is no amount"):
        refuse_huge_exponents("1e9999")
    for fine in ("1_0e-1_0", " 1e-3 ", "{", '{"BTC": {"totalFee": 1e-3}}'):
        refuse_huge_exponents([{"size": fine}])
    ids = ("orderId", "clientOid", "tradeId", "execId", "execLinkId", "fillId")
    refuse_huge_exponents(dict.fromkeys(ids, "1e9999"))


@pytest.mark.parametrize("number", ["1E+9999", "-1e-9999", " 1e99 ", "1E+9_9", "1E +99"])
def test_every_form_of_a_huge_exponent_is_refused(number: str) -> None:
    """Ccxt would expand it digit by digit."""
    with pytest.raises(ccxt.BadResponse, match=r"^bitget: size is .*, which is no amount$"):
        exchange().parse_order(row("11", "live", size=number), exchange().markets[BTC])
    with pytest.raises(ccxt.BadResponse, match=r"^bitget: frozen is"):
        exchange().parse_balance([{"coin": "BTC", "frozen": number}])
    assert exchange().parse_order(row("11", "live", size="1e-3"), exchange().markets[BTC])["filled"] == 0.001


def test_a_clock_that_was_set_back_keeps_no_request_waiting() -> None:
    """Ccxt's own pause is by the time of day."""
    made, slept = exchange(), []
    made.milliseconds = lambda: 1_000
    for last_ms, pause in ((1_000 + 3_600_000, made.rateLimit), (1_000 - 1, made.rateLimit - 1), (0, 0)):
        made.lastRestRequestTimestamp = last_ms
        slept.clear()
        with mock.patch("time.sleep", slept.append):
            made.throttle(1)
        assert sum(slept) * 1_000 == pytest.approx(pause)
