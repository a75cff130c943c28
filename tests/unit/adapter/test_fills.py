"""A paid fee is a positive cost, a credited fee a negative one, and an unreadable fee is unknown.

Every row of a fill is parsed to a trade structure or raises a documented exception.
"""

import json
import re
from decimal import Decimal
from typing import Any

import ccxt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.calling import BTC, exchange

CLASSIC: dict[str, Any] = {
    "orderId": "1099353730455318528",
    "tradeId": "1099353730627092481",
    "orderType": "market",
    "side": "sell",
    "priceAvg": "29543.7",
    "size": "0.0001",
    "amount": "2.95437",
    "tradeScope": "taker",
    "feeDetail": {"deduction": "no", "feeCoin": "USDT", "totalDeductionFee": "0", "totalFee": "-0.00295437"},
    "cTime": "1697832275063",
    "uTime": "1697832275150",
}
"""As captured in ccxt's source."""
UNIFIED: dict[str, Any] = {
    "execId": "1322441401010528257",
    "orderId": "1322441400976261120",
    "category": "MARGIN",
    "symbol": "BTCUSDT",
    "orderType": "market",
    "side": "sell",
    "execPrice": "107005.4",
    "execQty": "0.0001",
    "execValue": "10.7005",
    "tradeScope": "taker",
    "feeDetail": [{"feeCoin": "USDT", "fee": "0.00642032"}],
    "createdTime": "1751020520451",
    "updatedTime": "1751020520458",
    "execPnl": "0.00017",
}
"""The same, with the category that margin has."""


def read(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return dict(exchange().parse_trade({**row, **changes}, exchange().markets[BTC]))


def cost(row: dict[str, Any], detail: Any) -> tuple[str, float] | None:
    """Return currency and cost of a fill whose `feeDetail` is this; None where no fee is known."""
    trade = read(row, feeDetail=detail)
    if trade["fee"] is None:
        assert trade["fees"] == []
        return None
    assert trade["fees"] == [trade["fee"]]
    return trade["fee"]["currency"], trade["fee"]["cost"]


def fee(coin: str, total: str | None, deduction: Any = "no", deducted: Any = "0") -> dict[str, Any]:
    return {"deduction": deduction, "feeCoin": coin, "totalDeductionFee": deducted, "totalFee": total}


def test_both_kinds_of_fills_are_read_as_captured() -> None:
    trade = read(CLASSIC)
    assert (trade["id"], trade["order"], trade["symbol"]) == (CLASSIC["tradeId"], CLASSIC["orderId"], BTC)
    assert (trade["side"], trade["type"], trade["takerOrMaker"]) == ("sell", "market", "taker")
    assert (trade["price"], trade["amount"], trade["cost"]) == (29543.7, 0.0001, 2.95437)
    assert (trade["timestamp"], trade["datetime"]) == (1697832275063, "2023-10-20T20:04:35.063Z")
    assert (trade["fee"], trade["info"]) == ({"currency": "USDT", "cost": 0.00295437}, CLASSIC)
    trade = read(UNIFIED)
    assert (trade["id"], trade["order"], trade["symbol"]) == (UNIFIED["execId"], UNIFIED["orderId"], BTC)
    assert (trade["side"], trade["type"], trade["takerOrMaker"]) == ("sell", "market", "taker")
    assert (trade["price"], trade["amount"], trade["cost"], trade["timestamp"]) == (
        *(107005.4, 0.0001, 10.7005),
        1751020520451,
    )
    assert (trade["fee"], trade["info"]) == ({"currency": "USDT", "cost": 0.00642032}, UNIFIED)


@pytest.mark.parametrize("yes", ["yes", "YES", True, "true"])
@pytest.mark.parametrize("deducted", ["0", "", None, "-0.0015", "0.0015"])
@pytest.mark.parametrize("total", ["0.0015", "-0.0015"])
def test_a_fee_in_bgb_is_a_cost_above_zero_as_captured_and_below_zero_as_documented(
    total: str, deducted: Any, yes: Any
) -> None:
    for detail in (fee("BGB", total, yes, deducted), [fee("BGB", total, yes, deducted)]):
        assert cost(CLASSIC, detail) == ("BGB", 0.0015)
        assert cost(CLASSIC, json.dumps(detail)) == ("BGB", 0.0015)
    for name in ("fee", "totalFee"):
        assert cost(UNIFIED, [{"feeCoin": "BGB", name: total}]) == ("BGB", 0.0015)


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        (fee("USDT", "-0.0075"), ("USDT", 0.0075)),
        (fee("BTC", "-0.0075", None), ("BTC", 0.0075)),
        (fee("USDT", "0.0119"), ("USDT", -0.0119)),
        (fee("USDT", "0"), ("USDT", 0)),
        (fee("USDT", "0.0119", "yes"), ("USDT", 0.0119)),
        # Above zero and no word on a deduction, or a credit in a coin that was not traded: it may have been either.
        (fee("USDT", "0.0119", None), None),
        (fee("USDT", "0.0119", ""), None),
        (fee("USDT", "0.0119", "maybe"), None),
        (fee("BGB", "0.0015"), None),
        # Nothing in one field, something in the other.
        (fee("BGB", "0", "yes", "-0.0015"), None),
        ({"feeCoinCode": "USDT", "totalFee": -0.0075, "deduction": False}, ("USDT", 0.0075)),
        ({"feecoinCode": "USDT", "totalFee": "-0.0075"}, ("USDT", 0.0075)),
        ([fee("BTC", "-1"), fee("BTC", "-0.5")], ("BTC", 1.5)),
        ([fee("BTC", "-1"), fee("BTC", "0.25")], ("BTC", 0.75)),
        ([fee("BTC", "-1"), fee("", "")], ("BTC", 1)),
        ([fee("BTC", "-1"), fee("BTC", "x")], None),
        ([fee("BTC", "-1"), None], None),
    ],
)
def test_a_fee_of_a_classic_account_is_paid_or_credited(detail: Any, expected: Any) -> None:
    assert cost(CLASSIC, detail) == expected


@pytest.mark.parametrize("row", [CLASSIC, UNIFIED], ids=["classic", "unified"])
@pytest.mark.parametrize(
    "detail",
    [None, [], {}, "", "  ", "[]", "{}", "null", "n/a", "{", 5, True, [None], [[]], ["x"], [{}], "[" * 100_000]
    + [[{"feeCoin": coin, "fee": amount, "totalFee": amount}] for coin in ("", None) for amount in ("", None, "0")]
    + [[{"feeCoin": "BTC", "fee": amount, "totalFee": amount}] for amount in ("", None, "x", "NaN", "Infinity", True)]
    + [[{"feeCoin": coin, "fee": "-1", "totalFee": "-1"}] for coin in ("", None, 5, ["BTC"])],
    ids=lambda value: repr(value)[:50],
)
def test_a_fill_without_a_fee_that_can_be_read_has_none(row: dict[str, Any], detail: Any) -> None:
    assert cost(row, detail) is None
    trade = read({key: value for key, value in row.items() if key != "feeDetail"})
    assert (trade["fee"], trade["fees"]) == (None, [])


def test_fees_in_several_coins_are_listed() -> None:
    """`fee` has room for one coin only, and a part of the fees is not the fee."""
    trade = read(CLASSIC, feeDetail=[fee("USDT", "-1"), fee("BGB", "2", "yes")])
    assert trade["fee"] is None
    assert trade["fees"] == [{"currency": "USDT", "cost": 1}, {"currency": "BGB", "cost": 2}]


@pytest.mark.parametrize("spelling", ["MARGIN", "margin", "Margin", None, ""])
def test_a_fill_of_a_unified_account_is_known_however_its_category_is_spelled(spelling: str | None) -> None:
    trade = read(UNIFIED, category=spelling)
    assert (trade["amount"], trade["fee"]) == (0.0001, {"currency": "USDT", "cost": 0.00642032})


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("buy", "buy"),
        ("Sell", "sell"),
        ("liquidation_sell", "sell"),
        ("liquidation_buy", "buy"),
        ("system_repay_buy", "buy"),
        ("systemRepay-sell", "sell"),
        ("Short", "short"),
        (None, None),
        ("", None),
        (5, None),
    ],
)
def test_a_fill_has_one_of_two_sides_or_none(side: Any, expected: str | None) -> None:
    assert read(CLASSIC, side=side)["side"] == expected
    assert read(UNIFIED, side=side)["side"] == expected


@pytest.mark.parametrize(("row", "size"), [(CLASSIC, "size"), (UNIFIED, "execQty")])
@pytest.mark.parametrize("lacking", [None, "", "x", "NaN", [], True])
def test_a_fill_without_order_size_or_time_is_refused(row: dict[str, Any], size: str, lacking: Any) -> None:
    """The sum of an order's fills would silently lack it."""
    with pytest.raises(ccxt.BadResponse, match=r"^bitget: a fill cannot be read, since it has no size: \{"):
        read(row, **{size: lacking})
    with pytest.raises(ccxt.BadResponse, match="it has no time"):
        read(row, **dict.fromkeys(("cTime", "uTime", "createdTime", "updatedTime"), lacking))
    if lacking not in ("x", "NaN"):
        with pytest.raises(ccxt.BadResponse, match="it has no order"):
            read(row, orderId=lacking)


TIMES = ("cTime", "createdTime", "execTime", "uTime", "updatedTime")


@pytest.mark.parametrize("first", range(len(TIMES)))
@pytest.mark.parametrize("row", [CLASSIC, UNIFIED], ids=["classic", "unified"])
def test_a_fill_has_the_first_of_its_times(row: dict[str, Any], first: int) -> None:
    times = {name: str(1_697_832_275_000 + i) if i >= first else "" for i, name in enumerate(TIMES)}
    assert read(row, **times)["timestamp"] == 1_697_832_275_000 + first


def test_a_fill_without_a_price_has_none() -> None:
    assert (read(CLASSIC, priceAvg=None)["price"], read(CLASSIC, priceAvg=None)["cost"]) == (None, 2.95437)
    trade = read(UNIFIED, execValue=None)
    assert trade["cost"] == pytest.approx(0.0001 * 107005.4)
    assert read(UNIFIED, createdTime=None)["timestamp"] == 1751020520458


def test_other_rows_are_read_by_ccxt_alone() -> None:
    """Spot fills, contract fills and trades of others."""
    stock: Any = ccxt.bitget({"options": {"uta": False}})
    stock.set_markets(list(exchange().markets.values()))
    spot = {**CLASSIC, "userId": "7", "symbol": "BTCUSDT"}
    contract = {**CLASSIC, "posMode": "hedge_mode", "feeDetail": [CLASSIC["feeDetail"]]}
    public = {"tradeId": "1", "price": "29376.5", "size": "6.035", "side": "Buy", "ts": "1692073521000"}
    for row in (spot, contract, public, {**UNIFIED, "category": "SPOT"}):
        market = exchange().markets[BTC]
        assert exchange().parse_trade(dict(row), market) == stock.parse_trade(dict(row), market)


@pytest.mark.parametrize("row", [None, 5, "x", []])
def test_what_is_no_row_is_refused_and_shown(row: Any) -> None:
    with pytest.raises(ccxt.BadResponse, match=rf"^bitget: a fill cannot be read: {re.escape(repr(row))}$"):
        exchange().parse_trade(row, exchange().markets[BTC])


@pytest.mark.parametrize(
    "row", [{**UNIFIED, "category": "SPOT", "feeDetail": []}, {**CLASSIC, "posMode": "x", "feeDetail": None}]
)
def test_an_unreadable_fill_is_a_documented_exception(row: Any) -> None:
    with pytest.raises(ccxt.BadResponse, match=r"^bitget parse_trade\(\): the response cannot be read"):
        exchange().parse_trade(row, exchange().markets[BTC])


@pytest.mark.parametrize("name", ["orderId", "tradeScope", "feeDetail"])
def test_a_row_with_one_field_that_only_own_fills_have_is_no_trade_of_others(name: str) -> None:
    public = {"tradeId": "1", "price": "29376.5", "size": "6.035", "side": "Buy", "ts": "1692073521000"}
    with pytest.raises(ccxt.BadResponse, match=r"a fill cannot be read, since it has no (order|time)"):
        exchange().parse_trade({**public, name: CLASSIC[name]}, exchange().markets[BTC])


AMOUNTS = st.decimals(-1_000, 1_000, places=12)
SCALARS: Any = st.sampled_from([None, "", "0", "x", "NaN", "1e9999", "-1", 5, -0.5, True, "yes", "BTC", "margin"])
ANYTHING = st.recursive(
    SCALARS | AMOUNTS.map(str),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*fee("", ""), "feeCoinCode", "fee", "newFees", "BTC"]), inner, max_size=5)
        | inner.map(json.dumps)
    ),
    max_leaves=8,
)


@given(row=st.sampled_from([CLASSIC, UNIFIED]), data=st.data())
def test_every_row_is_parsed_or_refused(row: dict[str, Any], data: st.DataObject) -> None:
    changes = data.draw(st.dictionaries(st.sampled_from([*row, "userId", "posMode", "baseVolume"]), ANYTHING))
    for name in data.draw(st.lists(st.sampled_from(list(row)), max_size=4)):
        changes.pop(name, None)
    try:
        (trade,) = exchange().parse_trades([{**row, **changes}], exchange().markets[BTC]) or [None]
    except ccxt.BaseError:
        return
    if trade is not None:
        for listed in trade["fees"]:
            assert isinstance(listed["cost"], float | None)


@given(detail=ANYTHING)
def test_no_fee_of_a_unified_account_is_a_credit(detail: Any) -> None:
    try:
        trade = read(UNIFIED, feeDetail=detail)
    except ccxt.BadResponse as error:
        assert "no amount" in str(error)  # noqa: PT017 - what else it may be, fails
        return
    assert all(listed["cost"] >= 0 for listed in trade["fees"])


FEES = st.lists(st.tuples(st.sampled_from(["BTC", "USDT", "BGB"]), AMOUNTS), max_size=6)


@given(paid=FEES, signs=st.lists(st.booleans(), min_size=6, max_size=6), wrap=st.booleans())
def test_fees_of_one_coin_are_added_up(paid: list[tuple[str, Decimal]], signs: list[bool], *, wrap: bool) -> None:
    """BGB is deducted, with either sign; of the other two, below zero was paid and above zero credited."""
    classic, unified = [], []
    expected: dict[str, Decimal] = {}
    absolute: dict[str, Decimal] = {}
    for (coin, amount), flip in zip(paid, signs, strict=False):
        deducted = coin == "BGB"
        shown = -amount if deducted and flip else amount
        classic.append(fee(coin, str(shown), "yes" if deducted else "no"))
        unified.append({"feeCoin": coin, "fee": str(shown)})
        expected[coin] = expected.get(coin, Decimal(0)) + (abs(amount) if deducted else -amount)
        absolute[coin] = absolute.get(coin, Decimal(0)) + abs(amount)
    for row, detail, costs in ((CLASSIC, classic, expected), (UNIFIED, unified, absolute)):
        trade = read(row, feeDetail=json.dumps(detail) if wrap else detail)
        assert trade["fees"] == [{"currency": coin, "cost": float(cost)} for coin, cost in costs.items()]
        assert trade["fee"] == (trade["fees"][0] if len(costs) == 1 else None)
