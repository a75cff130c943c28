"""Promise: isolated margin, and margin orders in basic mode, are refused on a unified account; cancels never are."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin.emulator import Account, AccountKind, Emulator
from support.client import CROSS, Client, Flavour, config, rungs

pytestmark = pytest.mark.classic  # these bring accounts of their own
BTC = "BTC/USDT"
ORDER = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "price": 30_000}
LIMIT = (BTC, "limit", "buy", 0.001, 30_000)
CALLS: list[tuple[str, tuple[Any, ...]]] = [
    ("create_order", LIMIT),
    ("create_orders", ([ORDER],)),
    ("edit_order", ("1", *LIMIT)),
    ("cancel_order", ("1", BTC)),
    ("cancel_orders", (["1"], BTC)),
    ("cancel_orders_for_symbols", ([{"id": "1", "symbol": BTC}],)),
    ("cancel_all_orders", (BTC,)),
    ("cancel_all_orders_after", (10_000,)),
    ("cancel_all_orders", (None,)),
    ("fetch_order", ("1", BTC)),
    ("fetch_open_orders", (BTC, None, None)),
    ("fetch_open_orders", (None, None, None)),
    ("fetch_orders", (BTC, None, None)),
    ("fetch_closed_orders", (BTC, None, None)),
    ("fetch_canceled_orders", (BTC, None, None)),
    ("fetch_canceled_and_closed_orders", (BTC, None, None)),
    ("fetch_my_trades", (BTC, None, None)),
    ("fetch_order_trades", ("1", BTC, None, None)),
    ("fetch_ledger", (None, None, None)),
    ("fetch_my_liquidations", (None, None, None)),
    ("fetch_borrow_interest", (None, BTC, None, None)),
    ("fetch_balance", ()),
]

WATCHED: list[tuple[str, tuple[Any, ...]]] = [
    ("watch_orders", (BTC, None, None)),
    ("watch_my_trades", (BTC, None, None)),
    ("watch_balance", ()),
]


@pytest.fixture(scope="module")
def unified() -> Iterator[Emulator]:
    """Run an emulator with a unified account."""
    with Emulator(accounts=(Account(kind=AccountKind.UNIFIED),)) as running:
        yield running
    assert running.errors == ()


def sent(venue: Emulator) -> list[str]:
    return [record.path for record in venue.requests if record.uid]


@pytest.mark.parametrize("kind_is_known", [True, False])
def test_isolated_margin_is_refused_by_every_method_before_anything_is_sent(
    unified: Emulator, flavour: Flavour, kind_is_known: bool
) -> None:
    """Stock ccxt places such orders on the cross margin account, and answers about that."""
    client = Client(flavour, config(unified, options={} if kind_is_known else {"uta": None}))
    unified.reset_requests()
    for method, args in CALLS if kind_is_known else CALLS[:3]:
        if not kind_is_known:
            client.exchange.options["uta"] = None
        with pytest.raises(ccxt.NotSupported, match="no isolated spot margin"):
            client(method, *args, {"marginMode": "isolated"})
    if flavour is Flavour.PRO:
        for method, args in WATCHED:
            with pytest.raises(ccxt.NotSupported, match="no isolated spot margin"):
                client(method, *args, {"marginMode": "isolated"})
    assert set(sent(unified)) == (set() if kind_is_known else {"/api/v3/account/settings"})
    client.close()


@pytest.mark.parametrize("flavour", [Flavour.SYNC, Flavour.ASYNC])
def test_an_account_in_basic_mode_places_nothing_and_cancels_everything(unified: Emulator, flavour: Flavour) -> None:
    one, two = rungs(unified, 2)
    unified.knobs(account_level="basic")
    client = Client(flavour, config(unified, options={"accountLevel": None}))
    unified.reset_requests()
    for method, args in (CALLS[0], CALLS[1]):
        with pytest.raises(ccxt.NotSupported, match=r"in basic mode.*switch it to advanced mode"):
            client(method, *args, CROSS) if method == "create_order" else client(method, [{**ORDER, "params": CROSS}])
    assert sent(unified) == ["/api/v3/account/settings"] * 2
    assert {order["id"] for order in client("fetch_open_orders", BTC, None, None, CROSS)} == {one, two}
    assert client("cancel_order", one, BTC, CROSS)["id"] == one
    assert [order["id"] for order in client("cancel_all_orders", BTC, CROSS)] == [two]
    assert unified.orders(live_only=True) == []
    unified.knobs(account_level="advanced")
    placed = client("create_order", *LIMIT, CROSS)
    assert unified.order(placed["id"]).live
    client("cancel_order", placed["id"], BTC, CROSS)
    client.close()


@pytest.mark.skipif(not hasattr(ccxt.bitget, "handle_uta_and_params"), reason="this ccxt does not query the kind")
@pytest.mark.parametrize("flavour", [Flavour.SYNC, Flavour.ASYNC])
def test_the_kind_that_the_loading_of_markets_has_found_spares_the_first_classic_request(
    unified: Emulator, flavour: Flavour
) -> None:
    options = {"uta": None, "accountLevel": None, "fetchMarkets": {"types": ["spot"]}}
    client = Client(flavour, config(unified, options=options), load=False)
    unified.reset_requests()
    assert client("create_order", *LIMIT, CROSS)["id"]
    assert sent(unified) == ["/api/v3/account/settings", "/api/v3/trade/place-order"]
    assert client("batch_cancel", [order.order_id for order in unified.orders(live_only=True)], BTC).ok
    assert not any("/v2/margin/crossed" in path for path in sent(unified))
    client.close()
