"""Arguments and options have one meaning; anything else is refused by name before anything is sent."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter import cancel, fetch, place
from bitget_margin.adapter.errors import CancelUnresolved
from bitget_margin.adapter.params import (
    account_kind_of,
    as_list,
    check_order,
    client_order_id_param,
    exact_amount,
    is_cross,
    market_cost,
    order_ref,
    parse_settings,
    places_cross,
    refuse_conditional,
    required_symbol,
    split_params,
    spot_market,
    whole_number,
)
from bitget_margin.core.endpoints import AccountKind
from bitget_margin.core.order_ref import IdKind, OrderRef
from bitget_margin.core.settings import Pacing, Settings
from support.calling import BTC, CROSS, Caller, exchange
from support.script import fault, in_turn, page
from support.wire import market

SWAP = "BTC/USDT:USDT"
PERP = "BTCPERP"
"""Contract of BTC in USDC: ccxt accepts the venue's names where it wants a symbol."""
OPTION = {"defaultMarginMode": "cross"}
LIMIT = ("limit", "buy", 0.001, 50_000)
WANTED = dict(zip(("type", "side", "amount", "price"), LIMIT, strict=True))


@pytest.mark.parametrize(
    ("symbol", "params", "options", "cross", "places"),
    [
        (BTC, CROSS, {}, True, True),
        (BTC, {"marginMode": "crossed"}, {}, True, True),
        (BTC, {"marginMode": "isolated"}, OPTION, False, False),
        (BTC, {}, {}, False, False),
        (BTC, {}, OPTION, True, True),
        (None, {}, OPTION, True, True),
        (SWAP, {}, OPTION, False, False),
        (SWAP, CROSS, {}, True, False),
        (SWAP, OPTION, {}, True, False),
        (5, CROSS, {}, True, True),
        (BTC, {}, {"createOrder": CROSS}, False, True),
    ],
)
def test_a_call_is_about_the_crossed_account_if_it_says_so(
    symbol: object, params: Any, options: Any, cross: bool, places: bool
) -> None:
    """An option does not concern a contract, and an order on a contract has a margin mode of its own."""
    made = exchange(**options)
    assert is_cross(made, "cancelOrders", symbol, params) is cross
    assert places_cross(made, "createOrder", symbol, params) is places


def test_parameters_are_known_by_the_call_or_without_meaning_for_it() -> None:
    harmless = {"marginMode": "cross", "defaultMarginMode": "cross", "type": "margin", "paginate": True, "uta": True}
    split_params(exchange(), "m", harmless | {"trigger": False, "stop": None, "mine": 1}, {"mine"})
    with pytest.raises(ccxt.BadRequest, match=r"^bitget m\(\): unknown parameter 'x'; known are a, b, marginMode$"):
        split_params(exchange(), "m", {"x": 1}, ["b", "a"])


@pytest.mark.parametrize("key", ["trigger", "stop", "trailing", "planType"])
def test_there_are_no_trigger_orders(key: str) -> None:
    with pytest.raises(ccxt.NotSupported, match=rf"^bitget m\(\): cross margin has no trigger orders \('{key}'\)"):
        split_params(exchange(), "m", {key: True}, {key})


def test_no_call_goes_to_demo_trading_or_without_credentials() -> None:
    for option in ("sandboxMode", "sandbox"):
        with pytest.raises(ccxt.NotSupported, match=r"^bitget m\(\): the venue's demo trading has no margin account"):
            split_params(exchange(**{option: True}), "m", {}, {})
    nobody = exchange()
    nobody.password = ""
    with pytest.raises(ccxt.AuthenticationError, match="password"):
        split_params(nobody, "m", {}, {})


@pytest.mark.parametrize(
    ("option", "params", "kind"),
    [
        (True, {}, AccountKind.UNIFIED),
        (False, {}, AccountKind.CLASSIC),
        (None, {}, AccountKind.CLASSIC),
        (True, {"uta": False}, AccountKind.CLASSIC),
        (None, {"uta": True}, AccountKind.UNIFIED),
    ],
)
def test_the_kind_of_account_is_the_chosen_one_else_the_classic_one_is_tried(
    option: Any, params: Any, kind: AccountKind
) -> None:
    assert account_kind_of(exchange(uta=option), params) is kind


@pytest.mark.parametrize("value", ["yes", 1, 0, []])
def test_a_kind_of_account_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(ccxt.BadRequest, match=r"^bitget: uta is .*; give True for a unified account, else False$"):
        account_kind_of(exchange(), {"uta": value})


def test_bounds_come_from_the_call_or_the_options() -> None:
    own = Pacing(recancel_ms=1)
    bounds = {"timeout": 5, "batchSize": 2, "confirm": True, "pacing": own}
    made = exchange(batchCancel=bounds)
    assert parse_settings(made, "m", {}, confirm=False) == Settings(True, 5, 2, own)
    assert parse_settings(made, "m", {"timeout": 7}, confirm=False).timeout_ms == 7
    assert parse_settings(exchange(), "m", {}, confirm=False) == Settings(confirm=False)
    assert parse_settings(exchange(batchCancel=None), "m", {}, confirm=True) == Settings(confirm=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (5, r"^bitget: options\['batchCancel'\] is 5; give a dict$"),
        (
            {"timeOut": 5, "confrim": 1},
            r"^bitget: options\['batchCancel'\] has confrim, timeOut; known are batchSize, confirm, timeout$",
        ),
        ({"timeout": 0}, r"^bitget m\(\): timeout is 0"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: object, message: str) -> None:
    with pytest.raises(ccxt.BadRequest, match=message):
        parse_settings(exchange(batchCancel=options), "m", {}, confirm=True)


@pytest.mark.parametrize("make", [list, tuple, dict.fromkeys, iter])
def test_a_list_is_anything_that_can_be_gone_through(make: Callable[[list[str]], object]) -> None:
    value = make(["a", "b"])
    if isinstance(value, dict):
        value = value.keys()
    assert as_list(exchange(), "m", "ids", value) == ["a", "b"]
    assert as_list(exchange(), "m", "ids", None) == []


@pytest.mark.parametrize("value", ["ab", b"ab", {"a": 1}, 5])
def test_a_bare_text_is_not_a_list_of_its_letters(value: object) -> None:
    with pytest.raises(ccxt.BadRequest, match=r"^bitget m\(\): ids is .*; give a list$"):
        as_list(exchange(), "m", "ids", value)


def test_a_client_order_id_has_two_names() -> None:
    assert client_order_id_param({"clientOrderId": "a", "clientOid": "b"}) == "a"
    assert client_order_id_param({"clientOrderId": None, "clientOid": "b"}) == "b"
    assert client_order_id_param({"clientOrderId": ""}) == ""
    assert client_order_id_param({}) is None


@pytest.mark.parametrize("value", [0, -1, True, 1.5, "5"])
def test_a_time_or_a_count_is_a_whole_number_above_zero(value: object) -> None:
    whole_number(exchange(), "m", "since", None)
    whole_number(exchange(), "m", "since", 1)
    with pytest.raises(ccxt.BadRequest, match=r"^bitget m\(\): since is .*; give a whole number above 0$"):
        whole_number(exchange(), "m", "since", value)


@pytest.mark.parametrize(
    ("symbol", "raises", "message"),
    [
        (None, ccxt.ArgumentsRequired, r"^bitget m\(\) requires a symbol such as 'BTC/USDT' in orders\[1\]$"),
        ("", ccxt.ArgumentsRequired, "requires a symbol"),
        (5, ccxt.BadRequest, r"^bitget m\(\): symbol in orders\[1\] is 5; give one such as 'BTC/USDT'$"),
        (SWAP, ccxt.BadSymbol, r"^bitget m\(\): BTC/USDT:USDT is a contract; .* such as BTC/USDT$"),
    ],
)
def test_a_symbol_is_that_of_a_pair(symbol: object, raises: type[Exception], message: str) -> None:
    with pytest.raises(raises, match=message):
        required_symbol(exchange(), "m", symbol, " in orders[1]")
    assert required_symbol(exchange(), "m", BTC) == BTC
    with pytest.raises(ccxt.ArgumentsRequired, match=r"such as 'BTC/USDT'$"):
        required_symbol(exchange(), "m", None)


def test_a_market_is_a_spot_market() -> None:
    assert spot_market(exchange(), "m", BTC)["id"] == "BTCUSDT"
    with pytest.raises(ccxt.BadSymbol, match=r"^bitget m\(\): BTC/USDT:USDT is a swap market; cross margin orders"):
        spot_market(exchange(), "m", SWAP)


CONDITIONAL = ["triggerPrice", "stopPrice", "stopLossPrice", "takeProfitPrice", "stopLoss", "takeProfit"]


@pytest.mark.parametrize("key", [*CONDITIONAL, "trailingPercent", "callbackRatio"])
def test_there_are_no_conditional_orders(key: str) -> None:
    refuse_conditional(exchange(), "m", {key: None})
    with pytest.raises(ccxt.NotSupported, match=rf"^bitget m\(\): cross margin has no conditional orders \('{key}'\)"):
        refuse_conditional(exchange(), "m", {key: 0})


def test_what_a_market_buy_may_cost_is_found_as_in_ccxt() -> None:
    made = exchange()
    assert market_cost(made, BTC, 2, 10, {}) == Decimal(20)
    assert market_cost(made, BTC, 0.1, 0.3, {}) == Decimal("0.03")
    assert market_cost(made, BTC, 2, 10, {"cost": 0.7}) == Decimal("0.7")
    assert market_cost(made, BTC, 2.5, None, {"createMarketBuyOrderRequiresPrice": False}) == Decimal("2.5")
    by_option = exchange(createOrder={"createMarketBuyOrderRequiresPrice": False})
    assert market_cost(by_option, BTC, 2.5, 10, {}) == Decimal("2.5")
    with pytest.raises(ccxt.InvalidOrder, match=r"^bitget create_order\(\): a market buy of BTC/USDT is sent as its"):
        market_cost(made, BTC, 2, None, {})


def test_one_order_is_named_by_one_of_its_ids() -> None:
    made = exchange()
    assert order_ref(made, "m", "1", BTC, {}) == OrderRef(BTC, IdKind.ORDER, "1")
    for nothing in (None, ""):
        assert order_ref(made, "m", nothing, BTC, {"clientOid": "a"}) == OrderRef(BTC, IdKind.CLIENT, "a")
    for given, params, message in (
        ("1", {"clientOrderId": "a"}, "both id '1' and clientOrderId 'a' are given; give one of them"),
        ("", {}, "id is ''"),
        (None, {"clientOid": "a b"}, "clientOrderId is 'a b'"),
    ):
        with pytest.raises(ccxt.BadRequest, match=rf"^bitget m\(\): {message}"):
            order_ref(made, "m", given, BTC, params)


@pytest.mark.parametrize(
    ("wrong", "raises", "message"),
    [
        ({"type": None, "side": None}, ccxt.ArgumentsRequired, "an order needs type, side"),
        ({"amount": None}, ccxt.ArgumentsRequired, "an order needs amount"),
        ({"price": None}, ccxt.ArgumentsRequired, "an order needs price"),
        ({"type": "LIMIT"}, ccxt.BadRequest, "type is 'LIMIT'; give limit or market"),
        ({"type": 7}, ccxt.BadRequest, "type is 7; give limit or market"),
        ({"side": 5}, ccxt.BadRequest, "side is 5; give buy or sell"),
        ({"side": ["buy"]}, ccxt.BadRequest, r"side is \['buy'\]; give buy or sell"),
        *(
            ({name: value}, ccxt.InvalidOrder, f"{name} is .*; give a number above 0")
            for name in ("amount", "price")
            for value in (0, -1, "abc", "", True, float("nan"), float("inf"), [1], b"1", Fraction(1))
        ),
        ({"type": "market", "price": -1}, ccxt.InvalidOrder, "price is -1"),
    ],
)
def test_an_invalid_order_is_refused(wrong: dict[str, Any], raises: type[Exception], message: str) -> None:
    with pytest.raises(raises, match=rf"^bitget m\(\) in orders\[1\]: {message}"):
        check_order(exchange(), "m", " in orders[1]", *(WANTED | wrong).values())


@pytest.mark.parametrize("amount", [1, 0.001, "0.001", Decimal("0.001")])
def test_an_amount_may_be_any_number_that_ccxt_accepts(amount: object) -> None:
    check_order(exchange(), "m", "", "market", "sell", amount)


@pytest.mark.parametrize("number", [1e18, "1e30", 10**40, 1e300])
def test_a_number_that_no_order_can_have_is_refused_as_one(number: object) -> None:
    """Ccxt fails to round it, which would read like a broken response."""
    for amount, price in ((number, 1), (1, number)):
        with pytest.raises(ccxt.InvalidOrder, match="give a number above 0 and below 1e18"):
            check_order(exchange(), "m", "", "limit", "buy", amount, price)
    with pytest.raises(ccxt.InvalidOrder, match="give a number above 0 and below 1e18"):
        exact_amount(exchange(), "m", number)


@pytest.mark.parametrize("amount", [0, 0.0, "0", None, Decimal(0), 5, 0.001])
def test_a_market_buy_by_its_cost_needs_no_amount(amount: object) -> None:
    check_order(exchange(), "m", "", "market", "buy", amount, cost=50)


@pytest.mark.parametrize(
    ("kind", "side", "amount", "cost", "message"),
    [
        ("market", "buy", 0, None, "amount is 0"),
        ("market", "sell", 0, 50, "amount is 0"),
        ("limit", "buy", 0, 50, "amount is 0"),
        ("market", "buy", 0, 0, "cost is 0"),
        ("market", "buy", 0, "x", "cost is 'x'"),
        ("market", "buy", -1, 50, "amount is -1"),
        ("market", "buy", "x", 50, "amount is 'x'"),
        ("market", "buy", False, 50, "amount is False"),
    ],
)
def test_only_a_market_buy_is_given_by_its_cost(
    kind: str, side: str, amount: object, cost: object, message: str
) -> None:
    with pytest.raises(ccxt.InvalidOrder, match=rf"^bitget m\(\): {message}"):
        check_order(exchange(), "m", "", kind, side, amount, 10, cost=cost)


# -- every method -----------------------------------------------------------------------------------------------------

METHODS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "batch_cancel": lambda made, symbol, params: cancel.batch_cancel(made, ["1"], symbol, (), params),
    "cancel_orders": lambda made, symbol, params: cancel.cancel_orders(made, ["1"], symbol, params),
    "cancel_order": lambda made, symbol, params: cancel.cancel_order(made, "1", symbol, params),
    "cancel_orders_for_symbols": lambda made, symbol, params: cancel.cancel_orders_for_symbols(
        made, [{"id": "1", "symbol": symbol}], params
    ),
    "cancel_all_orders": cancel.cancel_all_orders,
    "fetch_order": lambda made, symbol, params: fetch.fetch_order(made, "1", symbol, params),
    "fetch_open_orders": lambda made, symbol, params: fetch.fetch_open_orders(made, symbol, None, None, params),
    "view_orders": lambda made, symbol, params: fetch.view_orders(made, symbol, ["1"], [], params),
    "create_order": lambda made, symbol, params: place.create_order(made, symbol, LIMIT, params),
    "create_orders": lambda made, symbol, params: place.create_orders(
        made, [WANTED | {"symbol": symbol, "params": CROSS}], params
    ),
    "fetch_balance": lambda made, _, params: fetch.fetch_balance(made, params),
}
CANCELS = list(METHODS)[:5]
WITH_SYMBOL = list(METHODS)[:-1]


def refused(flow: Any) -> str:
    """Return the message with which a call is refused before anything is sent."""
    venue = Caller(in_turn(page()))
    with pytest.raises(ccxt.BaseError) as caught:
        venue.call(flow)
    assert venue.calls == []
    return str(caught.value)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_checks_its_parameters_and_names_itself(method: str) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [({"timeout": 0}, "timeout is 0")]
    if method in CANCELS:
        wrong += [({"batchSize": 51}, "batchSize is 51")]
    if method != "create_order":
        has_strategy_orders = method in {"cancel_order", "cancel_all_orders", "fetch_order", "fetch_open_orders"}
        why = "a classic account has no" if has_strategy_orders else "cross margin has no trigger orders"
        wrong += [({"trigger": True}, why)]
    if method not in {"create_order", "fetch_balance"}:
        wrong += [({"x": 1}, "unknown parameter 'x'; known are ")]
    if method in {"view_orders", "create_orders"}:
        wrong += [({"confirm": True}, "unknown parameter 'confirm'")]
    for params, message in wrong:
        made = exchange()
        assert refused(METHODS[method](made, BTC, CROSS | params)).startswith(f"bitget {method}(): {message}")
    demo, nobody = exchange(sandbox=True), exchange()
    nobody.secret = None
    assert f"bitget {method}(): the venue's demo trading" in refused(METHODS[method](demo, BTC, CROSS))
    assert "secret" in refused(METHODS[method](nobody, BTC, CROSS))


@pytest.mark.parametrize("method", WITH_SYMBOL)
def test_every_method_checks_its_symbol_and_names_itself(method: str) -> None:
    made = exchange()
    contract = market(PERP, "BTC") | {"symbol": "BTC/USDC:USDC", "spot": False, "type": "swap"}
    made.set_markets([*made.markets.values(), contract])
    wrong = {
        "": f"bitget {method}() requires a symbol",
        SWAP: f"bitget {method}(): {SWAP} is a contract",
        PERP: f"bitget {method}(): {PERP} is a swap market; cross margin orders are on spot symbols",
        "XX/USDT": "bitget does not have market symbol XX/USDT",
    }
    for symbol, message in wrong.items():
        assert refused(METHODS[method](made, symbol, CROSS)).startswith(message)


@pytest.mark.parametrize("method", CANCELS)
def test_every_unresolved_call_names_its_method(method: str) -> None:
    with pytest.raises(CancelUnresolved, match=rf"^bitget {method}\(\) is not resolved"):
        Caller(in_turn(fault())).call(METHODS[method](exchange(), BTC, CROSS | {"timeout": 300}))


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (
            lambda made: cancel.cancel_orders(made, ["1"], BTC, CROSS | {"clientOrderIds": "a"}),
            "cancel_orders(): clientOrderIds is 'a'; give a list",
        ),
        (lambda made: cancel.cancel_orders(made, "1", BTC, CROSS), "cancel_orders(): ids is '1'; give a list"),
        (lambda made: cancel.cancel_orders(made, [""], BTC, CROSS), "cancel_orders(): ids[0] is ''"),
        (
            lambda made: cancel.cancel_order(made, "1", BTC, CROSS | {"clientOid": "a"}),
            "cancel_order(): both id '1' and clientOrderId 'a' are given",
        ),
        (lambda made: cancel.cancel_orders_for_symbols(made, 5, CROSS), "cancel_orders_for_symbols(): orders is 5"),
        (
            lambda made: cancel.cancel_orders_for_symbols(made, [{"id": "1"}], CROSS),
            "cancel_orders_for_symbols() requires a symbol such as 'BTC/USDT' in orders[0]",
        ),
        (
            lambda made: cancel.cancel_orders_for_symbols(made, [{"symbol": BTC, "id": ""}], CROSS),
            "cancel_orders_for_symbols(): orders[0] id is ''",
        ),
        (
            lambda made: cancel.cancel_all_orders(made, BTC, CROSS | {"symbols": [SWAP]}),
            f"cancel_all_orders(): {SWAP} is a contract",
        ),
        (lambda made: fetch.fetch_order(made, "", BTC, CROSS), "fetch_order(): id is ''"),
        (lambda made: fetch.fetch_open_orders(made, BTC, 0, None, CROSS), "fetch_open_orders(): since is 0; give a"),
        (lambda made: fetch.fetch_open_orders(made, BTC, None, "5", CROSS), "fetch_open_orders(): limit is '5'"),
        (
            lambda made: fetch.fetch_open_orders(made, BTC, None, None, CROSS | {"until": True}),
            "fetch_open_orders(): until is True",
        ),
        (lambda made: fetch.view_orders(made, BTC, [""], [], CROSS), "view_orders(): ids[0] is ''"),
        (lambda made: fetch.view_orders(made, BTC, [], ["a b"], CROSS), "view_orders(): clientOrderIds[0] is 'a b'"),
        (
            lambda made: place.create_order(made, BTC, ("limit", "buy", 0, 5), CROSS),
            "create_order(): amount is 0; give a number above 0",
        ),
        (
            lambda made: place.create_order(made, BTC, LIMIT, CROSS | {"stopPrice": 5}),
            "create_order(): a classic account has no conditional",
        ),
        (
            lambda made: place.create_order(made, BTC, LIMIT, CROSS | {"clientOrderId": "a b"}),
            "create_order(): clientOrderId is 'a b'",
        ),
    ],
)
def test_an_invalid_argument_is_refused_by_the_method_that_got_it(flow: Callable[[Any], Any], message: str) -> None:
    made = exchange()
    assert refused(flow(made)).startswith(f"bitget {message}")


def test_a_margin_mode_that_is_set_for_cancels_counts_for_batches_of_them() -> None:
    for made, params in (
        (exchange(cancelOrders={"marginMode": "isolated"}), {}),
        (exchange(), {"marginMode": "isolated"}),
    ):
        message = refused(cancel.batch_cancel(made, ["1"], BTC, (), params))
        assert message.startswith("bitget batch_cancel() is for cross")
        assert message.endswith("use cancel_orders() for isolated orders")


def test_options_of_the_balance_count_for_the_balance() -> None:
    assert fetch.balance_is_cross(exchange(fetchBalance=CROSS), {})
    assert fetch.balance_is_cross(exchange(fetchBalance={"defaultType": "margin"}), CROSS)
    assert not fetch.balance_is_cross(exchange(fetchBalance={"defaultType": "swap"}), CROSS)
