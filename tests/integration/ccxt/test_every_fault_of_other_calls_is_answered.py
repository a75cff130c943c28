"""Promise: under every fault an order is placed at most once, and other cancels report truly."""

import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import ccxt
import pytest

from bitget_margin import CancelUnresolved, Outcome, PlaceUnresolved
from bitget_margin.emulator import AccountKind, Emulator, FaultKind
from support.client import CROSS, Client, rungs
from support.faults import (
    LOOKUP_PATHS,
    PLACINGS,
    PLENTY_MS,
    QUICK,
    SHORT_MS,
    SPARING,
    STRETCHES,
    WHOLE,
    How,
    Placed,
    Placing,
    Where,
    undisturbed,
)

pytestmark = pytest.mark.slow

BTC = "BTC/USDT"
GRACE_MS = 5_000
REFUSED_MS = 2_000
"""Time for which connections are refused: longer than a call without a response may take."""
NOT_SHOWN = Placing("place/hidden", FaultKind.RESET_AFTER, timeout_ms=SHORT_MS)
PLACES = tuple(path for where in (Where.PLACE, Where.PLACE_MANY) for path in where.value)


_undisturbed = pytest.fixture(scope="module", autouse=True)(undisturbed)


@pytest.fixture
def client(client: Client) -> Client:
    """Return a client with shorter pauses than the real venue needs."""
    client.exchange.options["batchCancel"] = {"pacing": QUICK}
    client.exchange.verify = False  # loading certificates would take longer than the call
    return client


def fault(
    venue: Emulator, kind: AccountKind, fault_kind: FaultKind, where: Where, count: int | None = 1, **rule: Any
) -> None:
    path = where.path(kind)
    if path is not None:
        lasting = {"duration_ms": 60_000 if fault_kind is FaultKind.SLOW_BYTES else REFUSED_MS}
        venue.add_fault(fault_kind, path, count=count, **lasting | rule)


def place(client: Client, where: Where, timeout_ms: int) -> list[Any]:
    """Place one order, or two with one request; return the structures."""
    timeout = {"timeout": timeout_ms}
    if where is Where.PLACE:
        return [client("create_order", BTC, "limit", "buy", 0.001, 50_000, CROSS | timeout)]
    order = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.001, "params": CROSS}
    return client("create_orders", [order | {"price": 50_000}, order | {"price": 49_000}], timeout)


@pytest.mark.parametrize(
    ("row", "how"),
    [pytest.param(row, how, id=f"{row.name}-{how.value}") for row in PLACINGS for how in row.hows],
)
def test_an_order_is_placed_at_most_once_whatever_becomes_of_the_answer(
    venue: Emulator, client: Client, kind: AccountKind, row: Placing, how: How
) -> None:
    """A slow machine resolves less in the time of the call; the call is repeated with more time."""
    row, items = row.on(kind), {"items": 1} if how is How.FIRST else {}
    for stretch in STRETCHES:
        fault(venue, kind, row.kind_for(how), how.where, **row.rule, **items)
        ends = attempt(venue, client, row, how, row.timeout_ms * stretch)
        if ends == row.ends_for(how):
            return
        assert row.timeout_ms < PLENTY_MS, ends
        venue.clear_faults()
        time.sleep(REFUSED_MS / 1_000)
    pytest.fail(f"{ends}, not {row.ends_for(how)}")


def attempt(venue: Emulator, client: Client, row: Placing, how: How, timeout_ms: int) -> tuple[Placed, ...]:
    """Place orders, compare the result with the emulator, and return the result of each order."""
    venue.reset_requests()
    known = len(venue.orders())
    started = time.monotonic()
    caught: Exception | None = None
    orders: list[Any] = []
    try:
        orders = place(client, how.where, timeout_ms)
    except Exception as error:  # noqa: BLE001 - checked below
        caught = error
    assert (time.monotonic() - started) * 1_000 <= timeout_ms + GRACE_MS
    there = {order.client_oid: order.order_id for order in venue.orders()[known:]}
    assert len(venue.orders()[known:]) == len(there), "twice"
    placings = [record for record in venue.requests if record.path.endswith(PLACES)]
    assert len(placings) == 1 or row.is_sent_again
    # The first part of a batch is executed before the rest is sent again.
    assert sum(record.executed for record in placings) <= (2 if row.is_sent_again and how is How.FIRST else 1)
    if isinstance(caught, PlaceUnresolved):
        orders = caught.orders
    elif caught is not None:
        assert there == {}
        assert isinstance(caught, row.error), caught
        return (Placed.REFUSED,) * len(row.ends_for(how))
    assert len(orders) == len(row.ends_for(how))
    return tuple(_end(order, there, caught) for order in orders)


def _end(order: Any, there: dict[str, str], caught: Exception | None) -> Placed:
    """Return the result of an order, after comparing it with the emulator."""
    name, order_id = order["clientOrderId"], order["id"]
    if order_id is not None:
        assert there[name] == order_id
        return Placed.ONCE
    if order["status"] is None:
        assert caught is not None
        assert name in str(caught)
        return Placed.UNRESOLVED
    assert order["status"] == "rejected"
    assert name not in there
    return Placed.REJECTED


@pytest.mark.parametrize("how", WHOLE, ids=["place/hidden-one", "place/hidden-many"])
def test_an_order_that_was_placed_and_is_not_shown_is_named_and_not_placed_again(
    venue: Emulator, client: Client, kind: AccountKind, how: How
) -> None:
    """The response is lost, and lookups show rows of another symbol only."""
    for stretch in STRETCHES:
        fault(venue, kind, NOT_SHOWN.kind, how.where)
        for look in LOOKUP_PATHS:
            fault(venue, kind, FaultKind.WRONG_SYMBOL, look, None)
        ends = attempt(venue, client, NOT_SHOWN, how, NOT_SHOWN.timeout_ms * stretch)
        assert set(ends) == {Placed.UNRESOLVED}
        if venue.orders():
            return
        venue.clear_faults()
        time.sleep(REFUSED_MS / 1_000)
    pytest.fail("nothing was placed")


@pytest.mark.parametrize("how", [How.ONE], ids=["place/taken"])
def test_a_name_that_another_order_has_places_nothing_and_is_told(
    venue: Emulator, client: Client, kind: AccountKind, how: How
) -> None:
    """A retry with the same terms returns the existing order."""
    (old,) = rungs(venue, 1, name="mine")
    placed = venue.order(old)
    # Made older: an order as new as the call may be its own.
    venue._venue.engine.orders.update(replace(placed, created_ms=placed.created_ms - 60_000))
    named = CROSS | {"clientOrderId": "mine0"}
    with pytest.raises(ccxt.DuplicateOrderId, match="mine0"):
        client("create_order", BTC, "limit", "sell", 0.001, 70_000, named)
    fault(venue, kind, FaultKind.RESET_BEFORE, how.where)
    assert client("create_order", BTC, "limit", "buy", 0.001, 50_000, named)["id"] == old
    assert [order.order_id for order in venue.orders()] == [old]


DONE = (
    FaultKind.RESET_AFTER,
    FaultKind.TRUNCATED_JSON,
    FaultKind.HTML_200,
    FaultKind.SERVER_ERROR,
    FaultKind.CODE_40010,
    FaultKind.NULL_DATA,
    FaultKind.MISSING_LISTS,
)
UNDONE = (FaultKind.RESET_BEFORE, FaultKind.UNAVAILABLE, FaultKind.TOO_MANY, FaultKind.CLOCK_SKEW)


@pytest.mark.parametrize("kinds", [DONE, UNDONE], ids=["single/done", "single/undone"])
def test_one_cancelled_order_is_told_of_truly_whatever_becomes_of_the_answer(
    venue: Emulator, client: Client, kind: AccountKind, kinds: tuple[FaultKind, ...]
) -> None:
    for fault_kind, order_id in zip(kinds, rungs(venue, len(kinds)), strict=True):
        venue.fill(order_id, "0.0004")
        fault(venue, kind, fault_kind, Where.SINGLE)
        order = client("cancel_order", order_id, BTC, CROSS)
        row = (order["id"], order["status"], order["filled"])
        assert row in {(order_id, "canceled", 0.0004), (order_id, None, None)}, fault_kind
        assert (order["status"] is None) == (fault_kind in UNDONE), fault_kind
    assert venue.orders(live_only=True) == []
    assert {record.fault for record in venue.requests} - {None} == set(kinds)


@pytest.mark.parametrize("where", [Where.OPEN], ids=["all/wrong-symbol"])
def test_rows_of_another_symbol_do_not_account_for_what_is_frozen(
    venue: Emulator, client: Client, kind: AccountKind, where: Where
) -> None:
    ids = rungs(venue, 2)
    fault(venue, kind, FaultKind.WRONG_SYMBOL, where, None)
    with pytest.raises(CancelUnresolved, match="still frozen"):
        client("cancel_all_orders", BTC, CROSS | {"timeout": 1_500})
    venue.clear_faults()
    assert {order["id"] for order in client("cancel_all_orders", BTC, CROSS)} == set(ids)
    assert venue.orders(live_only=True) == []


def test_a_venue_that_refuses_connections_is_not_hammered(
    venue: Emulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row `cancel/refuse` with connections refused for longer than the call may take."""
    client.exchange.options["batchCancel"] = {"pacing": SPARING}
    client.exchange.enableRateLimit = False
    ids = rungs(venue, 1)
    fault(venue, kind=venue.accounts[0].kind, fault_kind=FaultKind.REFUSE, where=Where.CANCEL)
    request = client.exchange.request
    attempts: list[float] = []

    def seen(path: str, *args: Any, **named: Any) -> Any:
        if path.endswith(("batch-cancel-order", "cancel-batch")):
            attempts.append(time.monotonic() * 1_000)
        return request(path, *args, **named)

    monkeypatch.setattr(client.exchange, "request", seen)
    with pytest.raises(CancelUnresolved) as caught:
        client("batch_cancel", ids, BTC, params={"timeout": 600})
    assert [result.outcome for result in caught.value.report.results] == [Outcome.UNKNOWN]
    assert all(later - earlier >= SPARING.limited_ms / 2 for earlier, later in pairwise(attempts))
