"""Promise: strategy orders are placed once, found by what the venue keeps of them, and called ended only with proof."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest

from bitget_margin import CancelUnresolved, ChangeUnresolved, Outcome, PlaceUnresolved, report_of
from bitget_margin.emulator import Account, AccountKind, Emulator
from support.caller import PACING
from support.client import CROSS, Client, Flavour, config

pytestmark = pytest.mark.classic  # these bring accounts of their own
BTC = "BTC/USDT"
TRIGGER = CROSS | {"trigger": True}
STOP = CROSS | {"stopLossPrice": 55_000}
QUICK = {"timeout": 700}


@pytest.fixture
def venue() -> Iterator[Emulator]:
    """Run an emulator with a unified account."""
    with Emulator(accounts=(Account(uid="9", kind=AccountKind.UNIFIED),)) as running:
        yield running
    assert running.errors == ()


def client_of(venue: Emulator, flavour: Flavour = Flavour.SYNC, **options: Any) -> Client:
    quick = {"uta": True, "strategyOrders": True, "batchCancel": {"pacing": PACING}}
    return Client(flavour, config(venue, options={**quick, **options}))


@pytest.fixture
def client(venue: Emulator) -> Iterator[Client]:
    """Return a client that may use strategy orders."""
    made = client_of(venue)
    made("load_markets")
    venue.reset_requests()
    yield made
    made.close()


def stop(client: Client, **params: Any) -> Any:
    return client("create_order", BTC, "market", "sell", 0.5, None, STOP | params)


def sent(venue: Emulator, end: str) -> int:
    return sum(record.path.endswith(end) for record in venue.requests)


@pytest.mark.parametrize("flavour", list(Flavour))
def test_a_stop_is_placed_found_and_canceled(venue: Emulator, flavour: Flavour) -> None:
    client = client_of(venue, flavour, uta=None)
    order = stop(client, clientOrderId="mine")
    assert (order["clientOrderId"], order["symbol"], sent(venue, "place-strategy-order")) == ("mine", BTC, 1)
    (listed,) = client("fetch_open_orders", BTC, None, None, TRIGGER)
    assert (listed["id"], listed["status"], listed["amount"], listed["filled"]) == (order["id"], "open", 0.5, 0)
    assert listed["triggerPrice"] == listed["stopLossPrice"] == listed["stopPrice"] == 55_000
    assert [client("fetch_order", order["id"], BTC, TRIGGER)[name] for name in ("symbol", "status")] == [BTC, "open"]
    assert client("fetch_order", None, BTC, TRIGGER | {"clientOrderId": "mine"})["id"] == order["id"]
    assert client("fetch_open_orders", BTC, None, None, CROSS) == []
    ended = client("cancel_order", order["id"], BTC, TRIGGER | {"confirm": True})
    assert (ended["id"], ended["status"], ended["filled"]) == (order["id"], "canceled", 0)
    assert [each.status.value for each in venue.strategy_orders()] == ["cancelled"]
    client.close()


@pytest.mark.parametrize(
    ("params", "kind", "price"),
    [
        ({"triggerPrice": 55_000}, "trigger", None),
        ({"stopPrice": 65_000}, "trigger", 64_000),
        ({"takeProfitPrice": 65_000}, "tpsl", 64_000),
        ({"stopLossPrice": 55_000, "triggerBy": "mark"}, "tpsl", None),
    ],
)
def test_each_price_has_its_type(venue: Emulator, client: Client, params: Any, kind: str, price: Any) -> None:
    order_type = "market" if price is None else "limit"
    order = client("create_order", BTC, order_type, "sell", 0.5, price, CROSS | params)
    (placed,) = venue.strategy_orders()
    (leg,) = placed.legs
    assert (placed.type, leg.order_type, float(leg.price)) == (kind, order_type, next(iter(params.values())))
    (row,) = client("fetch_open_orders", None, None, None, TRIGGER)
    assert (row["id"], row["price"], row["type"]) == (order["id"], price, order_type)


def test_stops_on_a_pair_that_was_removed_are_listed_and_canceled(venue: Emulator, client: Client) -> None:
    eth = "ETH/USDT"
    ids = [
        client("create_order", eth, "market", "sell", 0.5, None, CROSS | {"stopLossPrice": 1_500})["id"] for _ in "12"
    ]
    exchange = client.exchange
    exchange.set_markets([market for market in exchange.markets.values() if market["symbol"] != eth])
    listed = client("fetch_open_orders", None, None, None, TRIGGER)
    assert {(order["id"], order["symbol"]) for order in listed} == {(order_id, eth) for order_id in ids}
    assert client("cancel_order", ids[0], eth, TRIGGER | {"confirm": True})["status"] == "canceled"
    (last,) = client("cancel_all_orders", None, TRIGGER)
    assert (last["id"], last["symbol"], last["status"]) == (ids[1], eth, "canceled")


def test_a_triggered_stop_shows_what_it_sold(venue: Emulator, client: Client) -> None:
    order_id = stop(client)["id"]
    venue.set_price("BTCUSDT", "54000")
    (sold,) = venue.orders()
    for shows_sub_orders in (True, False):
        venue.knobs(strategy_sub_orders=shows_sub_orders, strategy_row_side=not shows_sub_orders)
        order = client("fetch_order", order_id, BTC, TRIGGER)
        assert (order["status"], order["filled"], order["average"], order["side"]) == ("closed", 0.5, 54_000, "sell")
        assert order["fee"]["currency"] == "USDT"
    venue.knobs(strategy_row_side=False)
    assert client("fetch_order", order_id, BTC, TRIGGER)["filled"] is None
    assert client("fetch_open_orders", BTC, None, None, TRIGGER) == []
    fired = client("cancel_order", order_id, BTC, TRIGGER | {"confirm": True})
    assert (fired["status"], fired["id"], sold.filled) == ("closed", order_id, sold.base_size)


# -- off by default, and what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategyOrders": None}, r"options\['strategyOrders'\] = True enables"),
        ({"strategyOrders": False}, r"options\['strategyOrders'\] = True enables"),
        ({"uta": False}, "a classic account has no conditional"),
    ],
)
def test_they_are_off_until_they_are_enabled_on_a_unified_account(venue: Emulator, options: Any, message: str) -> None:
    client = client_of(venue, **options)
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("create_order", (BTC, "market", "sell", 0.5, None, STOP)),
        ("fetch_order", ("1", BTC, TRIGGER)),
        ("fetch_open_orders", (BTC, None, None, TRIGGER)),
        ("cancel_order", ("1", BTC, TRIGGER)),
        ("cancel_all_orders", (BTC, TRIGGER)),
        ("cancel_all_orders", (BTC, CROSS | {"strategyOrders": True})),
    ]
    for method, args in calls:
        with pytest.raises(ccxt.NotSupported, match=message):
            client(method, *args)
    assert venue.requests == ()
    client.close()


def test_a_classic_account_that_was_not_known_as_one_is_refused_too(flavour: Flavour) -> None:
    with Emulator() as classic:
        client = client_of(classic, flavour, uta=None)
        with pytest.raises(ccxt.NotSupported, match="a classic account has no conditional"):
            stop(client)
        assert not any(record.method == "POST" for record in classic.requests)
        client.close()


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        (("market", "buy", 1, None, {"triggerPrice": 1}), ccxt.NotSupported, "the unit of the amount of a market buy"),
        (("market", "sell", 1, None, {"triggerPrice": 1, "stopLossPrice": 1}), ccxt.BadRequest, "give one of"),
        (("market", "sell", 1, None, {"stopLossPrice": "x"}), ccxt.InvalidOrder, "give a number above 0"),
        (("market", "sell", 1, None, {"stopLossPrice": 1, "stpMode": "x"}), ccxt.BadRequest, "unknown parameter"),
        (("market", "sell", 1, None, {"stopLossPrice": 1, "triggerBy": "x"}), ccxt.BadRequest, "triggerBy is 'x'"),
        (("limit", "sell", 1, None, {"stopLossPrice": 1}), ccxt.ArgumentsRequired, "an order needs price"),
        (("market", "sell", 0, None, {"stopLossPrice": 1}), ccxt.InvalidOrder, "amount is 0"),
        (("market", "sell", 1, None, {"stopLoss": {"triggerPrice": 1}}), ccxt.NotSupported, "no conditional orders"),
    ],
)
def test_bad_input_is_refused(venue: Emulator, client: Client, args: Any, error: Any, message: str) -> None:
    *order, params = args
    with pytest.raises(error, match=message):
        client("create_order", BTC, *order, CROSS | params)
    assert venue.requests == ()


def test_a_refusal_is_ccxt_s_exception(venue: Emulator, client: Client) -> None:
    venue.knobs(strategy_types="none")
    with pytest.raises(ccxt.ExchangeError, match="25240"):
        stop(client)
    venue.knobs(strategy_types="both", strategy_freezes=True)
    with pytest.raises(ccxt.InsufficientFunds):
        client("create_order", BTC, "market", "sell", 5, None, STOP)
    assert venue.strategy_orders() == []


# -- unclear answers --------------------------------------------------------------------------------------------------

FAULTS = ["reset-after", "truncated-json", "html-502", "other-answer", "code-after", "null-data"]


@pytest.mark.parametrize("ids", ["all", "none"])
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("price", ["stopLossPrice", "triggerPrice"])
def test_a_placed_order_is_found_behind_every_answer(
    venue: Emulator, client: Client, kind: str, ids: str, price: str
) -> None:
    """With the client order id, and without it by its terms and time."""
    venue.knobs(strategy_ids=ids)
    stop(client, stopLossPrice=54_000)  # of somebody else
    venue.add_fault(kind, "/place-strategy-order", count=1)
    order = client("create_order", BTC, "market", "sell", 0.5, None, CROSS | {price: 55_000})
    assert order["id"] == venue.strategy_orders()[-1].order_id
    assert len(venue.strategy_orders()) == sent(venue, "place-strategy-order") == 2


@pytest.mark.parametrize("kind", ["reset-before", "html-502", "other-answer-before"])
def test_an_order_that_was_not_placed_is_no_other_one(venue: Emulator, client: Client, kind: str) -> None:
    """One with the same terms, older or of another program, is never taken for it."""
    venue.knobs(strategy_ids="all")
    others = {stop(client)["id"], stop(client, clientOrderId="theirs")["id"]}
    if kind == "html-502":
        venue.add_fault("code-before", "/place-strategy-order", count=1, code="40725")
    else:
        venue.add_fault(kind, "/place-strategy-order", count=1)
    with pytest.raises(PlaceUnresolved) as caught:
        stop(client, **QUICK)
    assert [order["id"] for order in caught.value.orders] == [None]
    assert {order.order_id for order in venue.strategy_orders()} == others


def test_a_cancel_is_sent_again_until_the_order_is_gone(venue: Emulator, client: Client) -> None:
    order_id = stop(client)["id"]
    venue.knobs(cancel_never_lands=1)
    assert client("cancel_order", order_id, BTC, TRIGGER | {"confirm": True})["status"] == "canceled"
    assert sent(venue, "cancel-strategy-order") == 2


@pytest.mark.parametrize("kind", ["reset-after", "html-502", "truncated-json"])
def test_a_lost_answer_to_a_cancel_is_looked_up(venue: Emulator, client: Client, kind: str) -> None:
    order_id = stop(client)["id"]
    venue.add_fault(kind, "/cancel-strategy-order", count=1)
    assert client("cancel_order", order_id, BTC, TRIGGER)["status"] == "canceled"


def test_an_end_that_is_not_shown_is_none(venue: Emulator, client: Client) -> None:
    order_id = stop(client)["id"]
    venue.knobs(history_lag_ms=60_000)
    with pytest.raises(CancelUnresolved) as caught:
        client("cancel_order", order_id, BTC, TRIGGER | QUICK | {"confirm": True})
    report = report_of(caught.value)
    assert report is not None
    assert [result.outcome for result in report.results] == [Outcome.UNKNOWN]
    acknowledged = stop(client)["id"]
    assert client("cancel_order", acknowledged, BTC, TRIGGER)["status"] is None


def test_unknown_ones_are_not_found_and_refused_ones_open(venue: Emulator, client: Client) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        client("cancel_order", "123", BTC, TRIGGER)
    with pytest.raises(ccxt.OrderNotFound):
        client("fetch_order", "123", BTC, TRIGGER)
    order_id = stop(client)["id"]
    venue.knobs(refuse_cancels=9)
    with pytest.raises(ccxt.ExchangeError, match="was refused twice and is open"):
        client("cancel_order", order_id, BTC, TRIGGER)
    assert venue.strategy_orders()[-1].live


def test_all_of_them_are_canceled_by_choice(venue: Emulator, client: Client) -> None:
    first = stop(client)["id"]
    eth = client("create_order", "ETH/USDT", "market", "sell", 1, None, CROSS | {"triggerPrice": 1_000})["id"]
    limit = client("create_order", BTC, "limit", "sell", 0.1, 90_000, CROSS)["id"]
    assert [order["id"] for order in client("cancel_all_orders", BTC, CROSS)] == [limit]
    assert len(venue.strategy_orders(live_only=True)) == 2
    assert [order["id"] for order in client("cancel_all_orders", BTC, TRIGGER)] == [first]
    limit = client("create_order", BTC, "limit", "sell", 0.1, 90_000, CROSS)["id"]
    ended = client("cancel_all_orders", None, CROSS | {"strategyOrders": True})
    assert {order["id"] for order in ended} == {eth, limit}
    assert {order["status"] for order in ended} <= {"canceled", None}
    assert venue.strategy_orders(live_only=True) == []


def test_one_list_without_data_is_not_taken_for_no_orders(venue: Emulator, client: Client) -> None:
    order_id = stop(client)["id"]
    venue.add_fault("null-data", "/unfilled-strategy-orders", count=2)
    (ended,) = client("cancel_all_orders", None, TRIGGER)
    assert (ended["id"], ended["status"]) == (order_id, "canceled")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "code-before", "code": "25002"},
        pytest.param({"kind": "missing-lists"}, marks=pytest.mark.slow),  # read again until its timeout
    ],
)
def test_strategy_orders_that_cannot_be_listed_keep_no_other_order_from_its_cancel(
    venue: Emulator, client: Client, fault: dict[str, str]
) -> None:
    client("create_order", BTC, "limit", "sell", 0.1, 90_000, CROSS)
    venue.add_fault(path="/unfilled-strategy-orders", count=None, **fault)
    with pytest.raises(ccxt.BaseError):
        client("cancel_all_orders", None, CROSS | {"strategyOrders": True})
    assert venue.orders(live_only=True) == []


@pytest.mark.parametrize("flavour", list(Flavour))
def test_ended_ones_are_listed_by_their_end(venue: Emulator, flavour: Flavour) -> None:
    client = client_of(venue, flavour)
    canceled, fired = (client("create_order", BTC, "market", "sell", 0.1, None, STOP)["id"] for _ in range(2))
    client("cancel_order", canceled, BTC, TRIGGER | {"confirm": True})
    eth = client("create_order", "ETH/USDT", "market", "sell", 1, None, CROSS | {"triggerPrice": 1_000})["id"]
    client("cancel_order", eth, "ETH/USDT", TRIGGER | {"confirm": True})
    venue.set_price("BTCUSDT", "54000")

    def ended(method: str, symbol: Any = BTC, since: Any = None, limit: Any = None) -> list[str]:
        return [order["id"] for order in client(method, symbol, since, limit, TRIGGER)]

    assert ended("fetch_canceled_and_closed_orders") == [canceled, fired]
    assert set(ended("fetch_canceled_and_closed_orders", None)) == {canceled, fired, eth}
    assert ended("fetch_canceled_and_closed_orders", BTC, None, 1) == [fired]
    assert ended("fetch_canceled_and_closed_orders", BTC, 1, 1) == [canceled]
    assert (ended("fetch_canceled_orders"), ended("fetch_closed_orders")) == ([canceled], [fired])
    client.close()


# -- edits ------------------------------------------------------------------------------------------------------------


def edit(client: Client, order_id: str, amount: Any = None, **params: Any) -> Any:
    return client("edit_order", order_id, BTC, "market", "sell", amount, None, TRIGGER | params)


@pytest.mark.parametrize("kind", [None, "reset-after", "html-502", "null-data", "other-answer", "code-after"])
def test_an_edit_keeps_the_rest_and_is_proven_by_the_row(venue: Emulator, client: Client, kind: str | None) -> None:
    order_id = stop(client)["id"]
    if kind is not None:
        venue.add_fault(kind, "/modify-strategy-order", count=1)
    order = edit(client, order_id, 0.25)
    assert (order["id"], order["amount"], order["stopLossPrice"]) == (order_id, 0.25, 55_000)
    order = edit(client, order_id, stopLossPrice=56_000)
    assert (order["amount"], order["stopLossPrice"]) == (0.25, 56_000)
    assert sent(venue, "modify-strategy-order") == 2


def test_an_edit_that_cannot_be_made_is_refused(venue: Emulator, client: Client) -> None:
    order_id = stop(client)["id"]
    wrong: list[tuple[Any, Any]] = [
        ((order_id, BTC, "limit", "sell", 1, 50_000, TRIGGER), ccxt.InvalidOrder),
        ((order_id, BTC, "market", "sell", 1, None, TRIGGER | {"triggerPrice": 5}), ccxt.InvalidOrder),
        (("123", BTC, "market", "sell", 1, None, TRIGGER), ccxt.OrderNotFound),
        ((order_id, BTC, "market", "sell", 0, None, TRIGGER), ccxt.InvalidOrder),
    ]
    for args, error in wrong:
        with pytest.raises(error):
            client("edit_order", *args)
    assert sent(venue, "modify-strategy-order") == 0
    venue.add_fault("code-before", "/modify-strategy-order", count=1, code="25200")
    with pytest.raises(ccxt.ExchangeError, match="25200"):
        edit(client, order_id, 0.25)
    venue.add_fault("reset-before", "/modify-strategy-order", count=1)
    with pytest.raises(ChangeUnresolved):
        edit(client, order_id, 0.25, **QUICK)
    venue.set_price("BTCUSDT", "54000")
    with pytest.raises(ccxt.OrderNotFound, match="it has placed its order"):
        edit(client, order_id, 0.25)
