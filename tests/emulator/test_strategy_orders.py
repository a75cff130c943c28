"""Promise: strategy orders of a unified account wait for their price, and behave as each knob says."""

from decimal import Decimal
from typing import Any

import pytest

from bitget_margin.emulator import Emulator

from .client import V3, Client, FakeClock, Reply, UnifiedClient

TRADE = f"{V3}/trade"
STOP: dict[str, object] = {"category": "MARGIN", "symbol": "BTCUSDT", "side": "sell", "qty": "0.5"}
"""A stop-loss below the price of 60,000, without its trigger."""
TPSL = STOP | {"type": "tpsl", "tpslMode": "partial", "stopLoss": "55000", "slOrderType": "market"}
TRIGGER = STOP | {"type": "trigger", "triggerPrice": "55000", "triggerOrderType": "market"}
BOTH = pytest.mark.parametrize("ticket", [TPSL, TRIGGER], ids=["tpsl", "trigger"])


def place(client: Client, ticket: dict[str, object], **changes: object) -> Reply:
    fields = {name: value for name, value in (ticket | changes).items() if value is not None}
    return client.post(f"{TRADE}/place-strategy-order", fields)


def waiting(client: Client, **params: object) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = client.get(
        f"{TRADE}/unfilled-strategy-orders", **{"category": "MARGIN", **params}
    ).data
    return rows


def ended(client: Client, **params: object) -> list[dict[str, str]]:
    page = client.get(f"{TRADE}/history-strategy-orders", **{"category": "MARGIN", **params}).data
    return list(page["list"])


def sub_orders(client: Client, order_id: str) -> list[dict[str, str]]:
    return list(client.get(f"{TRADE}/strategy-sub-orders", orderId=order_id).data["list"])


def cancel(client: Client, **ids: str) -> Reply:
    return client.post(f"{TRADE}/cancel-strategy-order", ids)


@BOTH
def test_a_strategy_order_sells_once_the_price_is_there(
    venue: Emulator, unified: UnifiedClient, ticket: dict[str, object]
) -> None:
    order_id = place(unified, ticket).data["orderId"]
    venue.set_price("BTCUSDT", "55000.01")
    assert [(row["orderId"], row["status"]) for row in waiting(unified)] == [(order_id, "pending")]
    assert (ended(unified), sub_orders(unified, order_id), venue.orders("2001")) == ([], [], [])
    venue.set_price("BTCUSDT", "54000")
    assert waiting(unified) == []
    assert [(row["orderId"], row["status"]) for row in ended(unified)] == [(order_id, "success")]
    (sub,) = sub_orders(unified, order_id)
    (sold,) = venue.orders("2001")
    assert (sub["subOrderId"], sub["cumExecQty"], sub["avgPrice"]) == (sold.order_id, "0.5", "54000")
    assert (sub["side"], sub["status"]) == ("sell", "filled")
    assert venue.balances("2001")["BTC"] == (Decimal("1.5"), 0)


def test_rows_have_the_fields_of_the_documents(unified: UnifiedClient) -> None:
    order_id = place(unified, TPSL, clientOid="mine").data["orderId"]
    (row,) = waiting(unified)
    assert row == {
        "orderId": order_id,
        "clientOid": "mine",
        "category": "MARGIN",
        "symbol": "BTCUSDT",
        "qty": "0.5",
        "posSide": "",
        "status": "pending",
        "triggerType": "",
        "tpTriggerBy": "",
        "takeProfit": "",
        "tpOrderType": "",
        "tpLimitPrice": "",
        "slTriggerBy": "market",
        "stopLoss": "55000",
        "slOrderType": "market",
        "slLimitPrice": "",
        "triggerBy": "",
        "triggerPrice": "",
        "triggerOrderType": "",
        "triggerOrderPrice": "",
        "createdTime": row["createdTime"],
        "updatedTime": row["updatedTime"],
    }


@pytest.mark.parametrize(
    ("ticket", "moves", "sells"),
    [
        (TPSL | {"stopLoss": None, "takeProfit": "65000"}, "64999", False),
        (TPSL | {"stopLoss": None, "takeProfit": "65000"}, "65000", True),
        (TPSL | {"takeProfit": "65000"}, "66000", True),
        (TRIGGER | {"triggerPrice": "65000"}, "64000", False),
        (TRIGGER | {"triggerPrice": "65000"}, "65000", True),
    ],
)
def test_each_condition_has_its_direction(
    venue: Emulator, unified: UnifiedClient, ticket: dict[str, object], moves: str, sells: bool
) -> None:
    place(unified, ticket).data  # noqa: B018 - checks that it was accepted
    venue.set_price("BTCUSDT", moves)
    assert bool(venue.orders("2001")) is sells


def test_a_limit_order_rests_after_its_trigger(venue: Emulator, unified: UnifiedClient) -> None:
    order_id = place(unified, TPSL, slOrderType="limit", slLimitPrice="55500").data["orderId"]
    venue.set_price("BTCUSDT", "54000")
    (sub,) = sub_orders(unified, order_id)
    assert (sub["price"], sub["cumExecQty"], sub["status"]) == ("55500", "0", "live")


def test_a_stop_that_would_trigger_at_once_is_refused(unified: UnifiedClient) -> None:
    place(unified, TPSL, stopLoss="60000").assert_refused("25200")
    place(unified, TPSL, stopLoss=None, takeProfit="60000").assert_refused("25200")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"category": "SPOT"}, "25240"),
        ({"qty": None}, "400172"),
        ({"qty": "0.0000001"}, "25200"),
        ({"qty": "0.000001"}, "25611"),
        ({"side": None}, "400172"),
        ({"stopLoss": None}, "400172"),
        ({"slOrderType": "limit"}, "400172"),
        ({"symbol": "NOPEUSDT"}, "25100"),
        ({"type": "iceberg"}, "400172"),
        ({"clientOid": "x" * 33}, "25200"),
    ],
)
def test_malformed_ones_are_refused(unified: UnifiedClient, changes: dict[str, object], code: str) -> None:
    place(unified, TPSL, **changes).assert_refused(code)
    assert waiting(unified) == []


def test_a_classic_account_has_none(client: Client) -> None:
    place(client, TPSL).assert_refused("40084")


@BOTH
def test_canceled_ones_never_trigger(venue: Emulator, unified: UnifiedClient, ticket: dict[str, object]) -> None:
    order_id = place(unified, ticket).data["orderId"]
    assert cancel(unified, orderId=order_id).data is None
    venue.set_price("BTCUSDT", "50000")
    assert [row["status"] for row in ended(unified)] == ["cancelled"]
    assert venue.orders("2001") == []
    cancel(unified, orderId=order_id).assert_refused("25204")
    cancel(unified, orderId="123").assert_refused("25204")
    cancel(unified).assert_refused("400172")


def test_modified_ones_sell_the_new_amount(venue: Emulator, unified: UnifiedClient) -> None:
    order_id = place(unified, TPSL).data["orderId"]
    change = {"orderId": order_id, "qty": "0.2"}
    assert unified.post(f"{TRADE}/modify-strategy-order", change).data["orderId"] == order_id
    (row,) = waiting(unified)
    assert (row["qty"], row["stopLoss"]) == ("0.2", "55000")
    unified.post(f"{TRADE}/modify-strategy-order", change | {"stopLoss": "58000"}).data  # noqa: B018
    venue.set_price("BTCUSDT", "57000")
    (sold,) = venue.orders("2001")
    assert sold.filled == Decimal("0.2")
    unified.post(f"{TRADE}/modify-strategy-order", change).assert_refused("25204")


def test_lists_are_of_one_type_and_one_account(unified: UnifiedClient, other_unified: UnifiedClient) -> None:
    first, second = (place(unified, ticket).data["orderId"] for ticket in (TPSL, TRIGGER))
    assert [row["orderId"] for row in waiting(unified)] == [second, first]
    assert [row["orderId"] for row in waiting(unified, type="tpsl")] == [first]
    assert [row["orderId"] for row in waiting(unified, type="trigger")] == [second]
    assert waiting(unified, category="USDT-FUTURES") == waiting(other_unified) == []
    other_unified.get(f"{TRADE}/strategy-sub-orders", orderId=first).assert_refused("25204")


def test_history_has_pages(unified: UnifiedClient) -> None:
    ids = [place(unified, TPSL).data["orderId"] for _ in range(3)]
    for order_id in ids:
        cancel(unified, orderId=order_id)
    first = unified.get(f"{TRADE}/history-strategy-orders", category="MARGIN", limit=2).data
    assert [row["orderId"] for row in first["list"]] == [ids[2], ids[1]]
    assert [row["orderId"] for row in ended(unified, cursor=first["cursor"])] == [ids[0]]
    assert ended(unified, cursor=ids[0]) == []


# -- knobs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("types", "accepted"), [("both", (True, True)), ("tpsl", (True, False)), ("trigger", (False, True)), ("none", ())]
)
def test_types_are_accepted_as_the_knob_says(
    venue: Emulator, unified: UnifiedClient, types: str, accepted: tuple[bool, ...]
) -> None:
    venue.knobs(strategy_types=types)
    codes = [place(unified, ticket).code for ticket in (TPSL, TRIGGER)]
    assert codes == ["00000" if good else "25240" for good in accepted or (False, False)]


@pytest.mark.parametrize(("ids", "kept"), [("tpsl", (True, False)), ("all", (True, True)), ("none", (False, False))])
def test_client_order_ids_are_kept_as_the_knob_says(
    venue: Emulator, unified: UnifiedClient, ids: str, kept: tuple[bool, bool]
) -> None:
    venue.knobs(strategy_ids=ids)
    shown = []
    for name, ticket in (("a", TPSL), ("b", TRIGGER)):
        order = place(unified, ticket, clientOid=name).data
        assert (
            order["clientOid"]
            == next(row for row in waiting(unified) if row["orderId"] == order["orderId"])["clientOid"]
        )
        shown.append(order["clientOid"] == name)
    assert tuple(shown) == kept
    place(unified, TPSL, clientOid="a").assert_refused("25212") if kept[0] else None


@pytest.mark.parametrize("freezes", [True, False])
def test_coins_are_frozen_as_the_knob_says(venue: Emulator, unified: UnifiedClient, freezes: bool) -> None:
    """The account has 2 BTC. What a sell triggers with is released first."""
    venue.knobs(strategy_freezes=freezes)
    place(unified, TPSL, qty="2.5").assert_refused("25202") if freezes else None
    order_id = place(unified, TPSL, qty="1.5").data["orderId"]
    frozen = lambda: venue.balances("2001")["BTC"].frozen  # noqa: E731
    assert frozen() == (Decimal("1.5") if freezes else 0)
    unified.post(f"{TRADE}/modify-strategy-order", {"orderId": order_id, "qty": "1"})
    assert frozen() == (1 if freezes else 0)
    other = place(unified, TPSL, qty="0.5").data["orderId"]
    cancel(unified, orderId=other)
    assert frozen() == (1 if freezes else 0)
    venue.set_price("BTCUSDT", "50000")
    assert venue.balances("2001")["BTC"] == (1, 0)


@pytest.mark.parametrize(("lends", "triggered"), [(True, True), (True, False), (False, True)])
def test_a_triggered_order_borrows_as_the_knobs_say(
    venue: Emulator, unified: UnifiedClient, lends: bool, triggered: bool
) -> None:
    venue.knobs(strategy_borrows=triggered, auto_borrow=lends)
    order_id = place(unified, TPSL, qty="2.5").data["orderId"]
    venue.set_price("BTCUSDT", "50000")
    borrows = lends and triggered
    assert venue.borrowed("2001") == ({"BTC": Decimal("0.5")} if borrows else {})
    assert [row["status"] for row in ended(unified)] == ["success" if borrows else "failed"]
    assert len(sub_orders(unified, order_id)) == int(borrows)


def test_sides_and_sub_orders_show_as_the_knobs_say(venue: Emulator, unified: UnifiedClient) -> None:
    venue.knobs(strategy_row_side=True, strategy_sub_orders=False)
    order_id = place(unified, TRIGGER).data["orderId"]
    (row,) = waiting(unified)
    assert (row["side"], row["type"]) == ("sell", "trigger")
    venue.set_price("BTCUSDT", "50000")
    assert sub_orders(unified, order_id) == []


def test_knobs_of_cancels_and_lists_hold_for_them_too(
    venue: Emulator, unified: UnifiedClient, clock: FakeClock
) -> None:
    venue.knobs(refuse_cancels=1, cancel_never_lands=1, ack_delay_ms=5_000, history_lag_ms=9_000)
    order_id = place(unified, TPSL).data["orderId"]
    cancel(unified, orderId=order_id).assert_refused("45024")
    for _ in range(2):
        assert cancel(unified, orderId=order_id).data is None
    assert [row["orderId"] for row in waiting(unified)] == [order_id]
    clock.advance(5_000)
    assert (waiting(unified), ended(unified)) == ([], [])
    clock.advance(9_000)
    assert [row["status"] for row in ended(unified)] == ["cancelled"]
    venue.knobs(empty_lists="null", open_orders_lag_ms=100_000)
    assert [row["status"] for row in waiting(unified)] == ["pending"]
    venue.knobs(open_orders_lag_ms=0)
    shown: Any = unified.get(f"{TRADE}/unfilled-strategy-orders", category="MARGIN").data
    assert shown is None
