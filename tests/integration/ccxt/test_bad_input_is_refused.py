"""Promise: bad input is refused before anything is sent, with a message that names it."""

from typing import Any

import ccxt
import pytest
import responses

import bitget_margin
from bitget_margin.emulator import Emulator
from support.client import CROSS, Client, Flavour, config, paths, rungs

BTC = "BTC/USDT"
LIST = "cancel_orders"
MANY = "create_orders"
ORDER = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 50_000, "params": CROSS}

PRIVATE: tuple[tuple[Any, ...], ...] = (
    ("batch_cancel", ["1"], BTC),
    ("cancel_orders", ["1"], BTC, CROSS),
    ("cancel_all_orders", None, CROSS),
    ("create_order", BTC, "limit", "buy", 1, 50_000, CROSS),
    ("fetch_deposits",),
    ("fetch_order", "1", BTC, CROSS),
    ("fetch_open_orders", BTC, None, None, CROSS),
    ("fetch_balance", CROSS),
    ("fetch_my_trades", BTC, None, None, CROSS),
)
"""Private calls, one of stock ccxt among them."""
CASES = [
    # call, arguments, exception, what the message names
    (LIST, (["1"], None, CROSS), ccxt.ArgumentsRequired, "requires a symbol"),
    (LIST, (["1"], "", CROSS), ccxt.ArgumentsRequired, "requires a symbol"),
    (LIST, (["1"], 5, CROSS), ccxt.BadRequest, "symbol is 5"),
    (LIST, (["1"], "NOPE/USDT", CROSS), ccxt.BadSymbol, "NOPE/USDT"),
    (LIST, (["1"], "BTC/USDT:USDT", CROSS), ccxt.BadSymbol, "BTC/USDT:USDT is a contract"),
    (LIST, (["1"], BTC, {"marginMode": "bogus"}), ccxt.BadRequest, "marginMode is 'bogus'"),
    (LIST, (["1"], BTC, {"marginMode": True}), ccxt.BadRequest, "marginMode is True"),
    (LIST, ([None], BTC, CROSS), ccxt.BadRequest, r"ids\[0\] is None"),
    (LIST, (["1", ""], BTC, CROSS), ccxt.BadRequest, r"ids\[1\] is ''"),
    (LIST, ([1.5], BTC, CROSS), ccxt.BadRequest, r"ids\[0\] is 1.5"),
    (LIST, ([["1"]], BTC, CROSS), ccxt.BadRequest, r"ids\[0\] is \['1'\]"),
    (LIST, ([True], BTC, CROSS), ccxt.BadRequest, r"ids\[0\] is True"),
    (LIST, (["1 2"], BTC, CROSS), ccxt.BadRequest, r"ids\[0\] is '1 2'"),
    (LIST, ("123", BTC, CROSS), ccxt.BadRequest, "ids is '123'; give a list"),
    (LIST, (7, BTC, CROSS), ccxt.BadRequest, "ids is 7; give a list"),
    (LIST, ([], BTC, CROSS | {"clientOrderIds": ["a b"]}), ccxt.BadRequest, r"clientOrderIds\[0\] is 'a b'"),
    (LIST, ([], BTC, CROSS | {"clientOrderIds": ["a" * 51]}), ccxt.BadRequest, r"clientOrderIds\[0\]"),
    (LIST, ([], BTC, CROSS | {"clientOrderIds": [""]}), ccxt.BadRequest, r"clientOrderIds\[0\] is ''"),
    (LIST, ([], BTC, CROSS | {"clientOrderIds": [5]}), ccxt.BadRequest, r"clientOrderIds\[0\] is 5"),
    (LIST, ([], BTC, CROSS | {"clientOrderIds": "abc"}), ccxt.BadRequest, "clientOrderIds is 'abc'; give a list"),
    (LIST, (["1"], BTC, CROSS | {"batchSize": 51}), ccxt.BadRequest, "batchSize"),
    (LIST, (["1"], BTC, CROSS | {"timeout": float("nan")}), ccxt.BadRequest, "timeout"),
    (LIST, (["1"], BTC, CROSS | {"confirm": "yes"}), ccxt.BadRequest, "confirm is 'yes'"),
    (LIST, (["1"], BTC, CROSS | {"confrim": True}), ccxt.BadRequest, "unknown parameter 'confrim'"),
    (LIST, (["1"], BTC, CROSS | {"trigger": True}), ccxt.NotSupported, "no trigger orders"),
    (LIST, (["1"], BTC, CROSS | {"uta": "yes"}), ccxt.BadRequest, "uta is 'yes'; give True for a unified account"),
    (LIST, ([-5], BTC, CROSS), ccxt.BadRequest, r"ids\[0\] is -5"),
    (LIST, (["-5"], BTC, CROSS), ccxt.BadRequest, r"ids\[0\] is '-5'"),
    (LIST, ([10**100], BTC, CROSS), ccxt.BadRequest, r"ids\[0\]"),
    (LIST, (["1"], BTC, CROSS | {"timeout": 10**400}), ccxt.BadRequest, "timeout"),
    ("cancel_order", (["1"], BTC, CROSS | {"clientOrderId": "a"}), ccxt.BadRequest, "both id"),
    ("fetch_open_orders", (BTC, "x", None, CROSS), ccxt.BadRequest, "since is 'x'"),
    ("fetch_open_orders", (BTC, None, "5", CROSS), ccxt.BadRequest, "limit is '5'"),
    ("fetch_open_orders", (BTC, None, 0, CROSS), ccxt.BadRequest, "limit is 0"),
    ("fetch_open_orders", (BTC, None, None, CROSS | {"until": "x"}), ccxt.BadRequest, "until is 'x'"),
    ("edit_order", ("1", BTC, "market", "buy", 1, 1, CROSS), ccxt.InvalidOrder, "give type .limit"),
    ("edit_order", ("1", BTC, "limit", "buy", None, None, CROSS), ccxt.ArgumentsRequired, "a new amount, a new price"),
    ("edit_order", ("1", BTC, "limit", "buy", 1, -1, CROSS), ccxt.InvalidOrder, "price is -1"),
    ("cancel_all_orders_after", (4_999, CROSS), ccxt.BadRequest, "timeout is 4999; give whole seconds"),
    ("cancel_all_orders_after", (61_000, CROSS), ccxt.BadRequest, "takes 5000 to 60000, and 0"),
    ("cancel_order", ("1", None, CROSS), ccxt.ArgumentsRequired, "requires a symbol"),
    ("cancel_order", (None, BTC, CROSS), ccxt.BadRequest, "id is None"),
    ("cancel_order", (1.5, BTC, CROSS), ccxt.BadRequest, "id is 1.5"),
    ("cancel_order", ("1", BTC, CROSS | {"clientOrderId": "a"}), ccxt.BadRequest, "both id '1' and clientOrderId 'a'"),
    ("cancel_order", ("", BTC, CROSS | {"clientOrderId": "ä"}), ccxt.BadRequest, "clientOrderId is 'ä'"),
    ("cancel_orders_for_symbols", ([{"id": "1"}], CROSS), ccxt.ArgumentsRequired, r"orders\[0\]"),
    ("cancel_orders_for_symbols", (["1"], CROSS), ccxt.BadRequest, r"orders\[0\] is '1'"),
    ("cancel_orders_for_symbols", ([{"symbol": BTC}], CROSS), ccxt.BadRequest, r"orders\[0\] id is None"),
    (
        "cancel_orders_for_symbols",
        ([{"id": "1", "clientOrderId": "a", "symbol": BTC}], CROSS),
        ccxt.BadRequest,
        r"orders\[0\] has both",
    ),
    ("cancel_all_orders", (BTC, CROSS | {"symbols": BTC}), ccxt.BadRequest, "symbols is 'BTC/USDT'; give a list"),
    ("cancel_all_orders", (None, CROSS | {"symbols": ["NOPE/USDT"]}), ccxt.BadSymbol, "NOPE/USDT"),
    ("cancel_all_orders", (None, CROSS | {"progress": 1}), ccxt.BadRequest, "progress is 1"),
    (LIST, ([{"id": "1"}], BTC, CROSS), ccxt.BadRequest, "is an order structure; give its 'id'"),
    ("fetch_open_orders", (None, None, None, CROSS | {"until": 0}), ccxt.BadRequest, "until is 0"),
    ("fetch_order", (None, BTC, CROSS), ccxt.BadRequest, "id is None"),
    ("fetch_order", ("1", None, CROSS), ccxt.ArgumentsRequired, "requires a symbol"),
    ("batch_cancel", (["1"],), ccxt.ArgumentsRequired, "requires a symbol"),
    ("batch_cancel", (["1"], BTC, (), {"marginMode": "isolated"}), ccxt.NotSupported, "isolated"),
    ("create_order", (BTC, "limit", "buy", 1, 1, CROSS | {"stopPrice": 1}), ccxt.NotSupported, "stopPrice"),
    (MANY, ([ORDER | {"params": CROSS | {"stopPrice": 4}}],), ccxt.NotSupported, "cross"),
    (MANY, ([ORDER] * 51,), ccxt.BadRequest, "one request takes"),
    (MANY, ([ORDER, ORDER | {"symbol": "ETH/USDT"}],), ccxt.BadRequest, "give those of one symbol"),
    (MANY, ([ORDER | {"params": CROSS | {"clientOrderId": "twin"}}] * 2,), ccxt.BadRequest, "same client order id"),
    (MANY, ([ORDER, ORDER | {"params": {}}],), ccxt.BadRequest, "some are not"),
    (MANY, ([ORDER | {"params": CROSS | {"clientOrderId": "no spaces"}}],), ccxt.BadRequest, "no spaces"),
    (MANY, ([ORDER | {"amount": None}],), ccxt.ArgumentsRequired, "an order needs amount"),
    (MANY, (["BTC/USDT"],), ccxt.BadRequest, r"orders\[0\]"),
    ("create_order", (BTC, "limit", "buy", 1, 1, CROSS | {"clientOrderId": "a b"}), ccxt.BadRequest, "clientOrderId"),
]


@pytest.mark.parametrize(("method", "args", "raises", "names"), CASES)
def test_bad_input_names_itself_and_sends_nothing(
    wire: responses.RequestsMock, exchange: Any, method: str, args: tuple[Any, ...], raises: type, names: str
) -> None:
    with pytest.raises(raises, match=names):
        getattr(exchange, method)(*args)
    assert len(wire.calls) == 0


def test_every_flavour_refuses_bad_input_before_it_sends_anything(venue: Emulator, client: Client) -> None:
    with pytest.raises(ccxt.BadRequest, match=r"ids\[0\] is None"):
        client(LIST, [None], BTC, CROSS)
    assert venue.requests == ()


@pytest.mark.parametrize("missing", ["apiKey", "secret", "password"])
def test_missing_credentials_are_named(venue: Emulator, flavour: Flavour, missing: str) -> None:
    client = Client(flavour, config(venue) | {missing: ""}, load=False)
    with pytest.raises(ccxt.AuthenticationError, match=missing):
        client("cancel_orders", ["1"], BTC, CROSS)
    client.close()
    assert venue.requests == ()


@pytest.mark.parametrize(
    ("name", "character", "loads"),
    [
        ("apiKey", "\n", False),
        ("apiKey", "\r", True),
        ("secret", "\u2026", False),
        ("secret", "\t", True),
        ("password", "\u200b", False),
        ("password", " ", True),
    ],
)
def test_credentials_that_no_request_can_carry_are_named_before_anything_is_signed(
    venue: Emulator, flavour: Flavour, name: str, character: str, *, loads: bool
) -> None:
    """A line break of a file, or what a web page has shortened: HTTP clients fail with them in ways of their own."""
    client = Client(flavour, config(venue) | {name: f"0123{character}"}, load=loads)
    for method, *args in PRIVATE:
        with pytest.raises(ccxt.AuthenticationError, match=rf"^bitget: {name} has a character") as caught:
            client(method, *args)
        assert "0123" not in str(caught.value)
    client.close()
    assert not [record for record in venue.requests if record.uid]


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("batch_cancel", (["1"], BTC)),
        ("cancel_orders", (["1"], BTC, CROSS)),
        ("cancel_all_orders", (None, CROSS)),
        ("fetch_order", ("1", BTC, CROSS)),
        ("fetch_open_orders", (BTC, None, None, CROSS)),
        ("create_order", (BTC, "limit", "buy", 1, 50_000, CROSS)),
        ("fetch_balance", (CROSS,)),
        ("fetch_my_trades", (BTC, None, None, CROSS)),
    ],
)
def test_sandbox_mode_has_no_margin(venue: Emulator, client: Client, method: str, args: tuple[Any, ...]) -> None:
    client.exchange.options["sandboxMode"] = True
    with pytest.raises(ccxt.NotSupported, match="demo trading has no margin"):
        client(method, *args)
    assert venue.requests == ()


@pytest.mark.parametrize("bad", [{"batchSize": 51}, {"timeout": 0}, {"confirm": 1}, {"pacing": 5}, {"a": 5}, "fast"])
def test_options_are_checked_like_parameters(exchange: Any, bad: Any) -> None:
    exchange.options["batchCancel"] = bad
    with pytest.raises(ccxt.BadRequest):
        exchange.batch_cancel(["1"], BTC)


def test_options_are_the_defaults_of_parameters(venue: Emulator, sync_client: Client) -> None:
    sync_client.exchange.options["batchCancel"] = {"batchSize": 2}
    sync_client("cancel_orders", rungs(venue, 3), BTC, CROSS)
    assert paths(venue) == ["batch-cancel-order"] * 2
    sync_client("cancel_orders", rungs(venue, 3), BTC, CROSS | {"batchSize": 3})
    assert paths(venue) == ["batch-cancel-order"] * 3


def test_a_typo_in_the_name_of_a_flavour_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="asyncio_support"):
        _ = bitget_margin.asyncio_support
