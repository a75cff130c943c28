"""What a caller passes is understood in one way only, and what cannot be is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from bitget_margin.adapter.params import (
    account_kind_of,
    as_list,
    client_order_id_param,
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
from support.calling import BTC, CROSS, exchange

SWAP = "BTC/USDT:USDT"
OPTION = {"defaultMarginMode": "cross"}


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
    with pytest.raises(ccxt.NotSupported, match=rf"^bitget m\(\): cross margin has no trigger orders \('{key}'\)$"):
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
    ("options", "said"),
    [
        (5, r"^bitget: options\['batchCancel'\] is 5; give a dict$"),
        (
            {"timeOut": 5, "confrim": 1},
            r"^bitget: options\['batchCancel'\] has confrim, timeOut; known are batchSize, confirm, timeout$",
        ),
        ({"timeout": 0}, r"^bitget m\(\): timeout is 0"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: object, said: str) -> None:
    with pytest.raises(ccxt.BadRequest, match=said):
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
    ("symbol", "raises", "said"),
    [
        (None, ccxt.ArgumentsRequired, r"^bitget m\(\) requires a symbol such as 'BTC/USDT' in orders\[1\]$"),
        ("", ccxt.ArgumentsRequired, "requires a symbol"),
        (5, ccxt.BadRequest, r"^bitget m\(\): symbol in orders\[1\] is 5; give one such as 'BTC/USDT'$"),
        (SWAP, ccxt.BadSymbol, r"^bitget m\(\): BTC/USDT:USDT is a contract; .* such as BTC/USDT$"),
    ],
)
def test_a_symbol_is_that_of_a_pair(symbol: object, raises: type[Exception], said: str) -> None:
    with pytest.raises(raises, match=said):
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
    with pytest.raises(
        ccxt.NotSupported, match=rf"^bitget m\(\): cross margin has no conditional orders \('{key}'\)"
    ):
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
    for given, params, said in (
        ("1", {"clientOrderId": "a"}, "both id '1' and clientOrderId 'a' are given; give one of them"),
        ("", {}, "id is ''"),
        (None, {"clientOid": "a b"}, "clientOrderId is 'a b'"),
    ):
        with pytest.raises(ccxt.BadRequest, match=rf"^bitget m\(\): {said}"):
            order_ref(made, "m", given, BTC, params)
